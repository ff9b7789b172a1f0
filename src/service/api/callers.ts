// Who a request comes from, for handlers behind the gate.
import type { FastifyRequest } from 'fastify';
import type { Identity } from './permissions.ts';

/** The known caller. The gate let it through, so there is one unless the route is open to anybody. */
export function callerOf(request: Pick<FastifyRequest, 'identity'>): Identity {
  if (request.identity === null) throw new Error('a route that anybody may use asked for its caller');
  return request.identity;
}

/** The agent that asks, for itself. */
export function agentOf(request: Pick<FastifyRequest, 'identity'>): string {
  const { agent } = callerOf(request);
  if (agent === null) throw new Error('a route of agents was reached by somebody else');
  return agent;
}

/** The keeper that asks, for itself. */
export function keeperOf(request: Pick<FastifyRequest, 'identity'>): string {
  const { keeper } = callerOf(request);
  if (keeper === null) throw new Error('a route of keepers was reached by somebody else');
  return keeper;
}
