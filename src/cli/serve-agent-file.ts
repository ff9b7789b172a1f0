// The agent files of the agents that a service starts itself: they reach it through Unix sockets, which cross network namespaces.
import type { Environment } from '../core/environment.ts';

export type LocalAgentPlace = {
  agent: string;
  apiSocket: string;
  /** Of the environment's key: a reference as it stands in an agent file. */
  key: string;
  /** Where Redis is, as an agent file says it: `unix:/path`, or a reference to a file with its URL. */
  redis: string;
};

/**
 * The text of the agent file. The allow-list is what the environment's own file names, and no more.
 * Paths are relative to the agent's folder, where its token lies beside it.
 */
export function agentFileText(environment: Environment, place: LocalAgentPlace): string {
  // JSON is YAML, and needs no library to be written.
  const file = {
    agent: place.agent,
    service: `unix:${place.apiSocket}`,
    token: '${file:token}',
    redis: place.redis,
    key: place.key,
    state: 'state',
    allow: {
      cidrs: environment.vips.map(({ address, family }) => `${address}/${family === 4 ? '32' : '128'}`),
      ports: [...new Set(environment.vips.map(({ port }) => port))],
      // Not every address with every port: two VIPs of one address differ by it, and what else listens there is nobody's business.
      vips: environment.vips.map(({ address, port }) => ({ address, port })),
      maxFlows: 20_000,
      maxExchangesPerSec: 50_000,
      maxFreshDialsPerSec: 1_000,
    },
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
