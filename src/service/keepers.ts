// Keepers, asked themselves and now: the service tells what they say, and asks them to stop; they decide.
import type { z } from 'zod';
import type { keeperResource } from '../core/api.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { KeeperStatus } from '../core/keeper-messages.ts';
import { connectKeeper, type KeeperClient } from '../runner/keeper-client.ts';
import type { Catalogue } from './parts.ts';

const ASK_MS = 2_000;
/** A halt waits for reverts: the keeper tries each for 10 s before it calls it unverified. */
const HALT_MS = 25_000;

export type KeeperResource = z.infer<typeof keeperResource>;

/** What the keeper of each environment says now; one that does not answer within 2 s is told as unreachable. */
export async function askKeepers({ environments }: Pick<Catalogue, 'environments'>): Promise<KeeperResource[]> {
  return await Promise.all(
    [...environments.values()].flatMap(({ environment: { name, keeperSocket } }) =>
      keeperSocket === null ? [] : [ask(name, keeperSocket)],
    ),
  );
}

/**
 * Asks the keeper of an environment to revert everything and to allow nothing more.
 * @throws AppError UNKNOWN_NAME, CAPABILITY_MISSING without a keeper, KEEPER_UNREACHABLE, TIMEOUT
 */
export async function haltKeeper({ environments }: Pick<Catalogue, 'environments'>, name: string): Promise<KeeperResource> {
  const found = environments.get(name)?.environment;
  if (!found) throw new AppError('UNKNOWN_NAME', `there is no environment ${name}`);
  if (found.keeperSocket === null) {
    throw new AppError('CAPABILITY_MISSING', `the environment ${name} names no keeper: no fault is possible there`);
  }
  return resourceOf(name, await withKeeper(found.keeperSocket, HALT_MS, (client) => client.halt()));
}

async function ask(environment: string, socket: string): Promise<KeeperResource> {
  try {
    return resourceOf(environment, await withKeeper(socket, ASK_MS, (client) => client.status(ASK_MS)));
  } catch (error) {
    return { environment, isReachable: false, error: messageOf(error), isHalted: null, holder: null, faults: [] };
  }
}

async function withKeeper<Answer>(socket: string, timeoutMs: number, act: (client: KeeperClient) => Promise<Answer>): Promise<Answer> {
  using client = await connectKeeper(socket, { timeoutMs: 0, signal: AbortSignal.timeout(timeoutMs) });
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort();
    client.close(); // what waits for it is then told that it is gone
  }, timeoutMs);
  try {
    return await act(client);
  } catch (cause) {
    if (!late.signal.aborted) throw cause;
    throw new AppError('TIMEOUT', `the keeper did not answer within ${String(timeoutMs / 1_000)} s`, {
      remedy: 'holdfast halt on its own machine works without the service',
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

function resourceOf(environment: string, { halted, holder, faults }: KeeperStatus): KeeperResource {
  return {
    ...{ environment, isReachable: true, error: null, isHalted: halted, holder: holder?.runId ?? null },
    faults: faults.map(({ fault, kind, target, state }) => ({ fault, kind, target, state })),
  };
}
