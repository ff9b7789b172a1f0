// Keepers, asked themselves and now: the service tells what they say, and asks them to stop; they decide.
import type { KeeperResource } from '../../core/api.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { KeeperStatus } from '../../core/keeper-messages.ts';
import { connectKeeper, type KeeperClient } from '../../runner/keeper-client.ts';
import type { Catalogue } from '../parts.ts';
import { awayRemedy, awayText } from './joined-keeper.ts';
import type { JoinedKeepers } from './joined-keepers.ts';

const ASK_MS = 2_000;
/** A halt waits for reverts: the keeper tries each for 10 s before it calls it unverified. */
const HALT_MS = 25_000;

type Environments = Pick<Catalogue, 'environments'>;
type Joined = Pick<JoinedKeepers, 'at'>;

/** What the keeper of each environment says now; one that does not answer within 2 s is told as unreachable. */
export async function askKeepers({ environments }: Environments, joined: Joined): Promise<KeeperResource[]> {
  return await Promise.all(
    [...environments.values()].flatMap(({ environment: { name, keeperSocket } }) =>
      keeperSocket === null ? [] : [ask(name, keeperSocket, joined)],
    ),
  );
}

/**
 * Asks the keeper of an environment to revert everything and to allow nothing more.
 * @throws AppError UNKNOWN_NAME, CAPABILITY_MISSING without a keeper, KEEPER_UNREACHABLE, TIMEOUT
 */
export async function haltKeeper({ environments }: Environments, joined: Joined, name: string): Promise<KeeperResource> {
  const found = environments.get(name)?.environment;
  if (!found) throw new AppError('UNKNOWN_NAME', `there is no environment ${name}`);
  if (found.keeperSocket === null) {
    throw new AppError('CAPABILITY_MISSING', `the environment ${name} names no keeper: no fault is possible there`);
  }
  const status = await withKeeper(found.keeperSocket, HALT_MS, (client) => client.halt());
  return resourceOf(name, joined, status);
}

async function ask(environment: string, socket: string, joined: Joined): Promise<KeeperResource> {
  const elsewhere = joined.at(environment);
  if (elsewhere?.isConnected === false) {
    return unreachable(environment, joined, { error: awayText(elsewhere), remedy: awayRemedy(elsewhere) });
  }
  try {
    return resourceOf(environment, joined, await withKeeper(socket, ASK_MS, (client) => client.status(ASK_MS)));
  } catch (error) {
    const remedy = error instanceof AppError ? (error.remedy ?? null) : null;
    return unreachable(environment, joined, { error: messageOf(error), remedy });
  }
}

function unreachable(environment: string, joined: Joined, why: { error: string; remedy: string | null }): KeeperResource {
  const nothing = { isArmed: null, isHalted: null, holder: null, faults: [] };
  return { environment, isReachable: false, ...why, ...nothing, joined: joined.at(environment) };
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

function resourceOf(environment: string, joined: Joined, { armed, halted, holder, faults }: KeeperStatus): KeeperResource {
  return {
    ...{ environment, isReachable: true, error: null, remedy: null, isArmed: armed, isHalted: halted, holder: holder?.runId ?? null },
    faults: faults.map(({ fault, kind, target, state, reason }) => ({ fault, kind, target, state, reason })),
    joined: joined.at(environment),
  };
}
