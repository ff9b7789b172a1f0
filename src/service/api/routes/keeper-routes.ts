// Keepers, asked themselves and now: the service tells what they say, and asks them to stop; they decide.
import { z } from 'zod';
import { keeperResource, listOf } from '../../../core/api.ts';
import { AppError, messageOf } from '../../../core/errors.ts';
import type { KeeperStatus } from '../../../core/keeper-messages.ts';
import { name } from '../../../core/names.ts';
import { connectKeeper, type KeeperClient } from '../../../runner/keeper-client.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { wholeList } from '../list-page.ts';

const ASK_MS = 2_000;
/** A halt waits for reverts: the keeper tries each for 10 s before it calls it unverified. */
const HALT_MS = 25_000;
type KeeperResource = z.infer<typeof keeperResource>;

export function keeperRoutes(app: App, { catalogue }: Pick<ApiParts, 'catalogue'>): void {
  const tags = ['keepers'];
  const keepers = () =>
    [...catalogue.environments.values()].flatMap(({ environment }) =>
      environment.keeperSocket === null ? [] : [{ environment: environment.name, socket: environment.keeperSocket }],
    );
  app.get(
    '/keepers',
    { config: { permission: 'viewer' }, schema: { tags, summary: 'What each keeper says now', response: { 200: listOf(keeperResource) } } },
    async () => wholeList(await Promise.all(keepers().map(ask))),
  );
  app.post(
    '/keepers/:environment/halt',
    {
      config: { permission: 'operator' },
      schema: {
        ...{ tags, summary: 'Reverts every fault of an environment now, and allows none until `holdfast halt --lift`' },
        ...{ params: z.object({ environment: name }), response: { 200: keeperResource } },
      },
    },
    async ({ params: { environment } }) => {
      const keeper = keepers().find((each) => each.environment === environment);
      if (!keeper) {
        throw catalogue.environments.has(environment)
          ? new AppError('CAPABILITY_MISSING', `the environment ${environment} names no keeper: no fault is possible there`)
          : new AppError('UNKNOWN_NAME', `there is no environment ${environment}`);
      }
      return resourceOf(environment, await withKeeper(keeper.socket, HALT_MS, (client) => client.halt()));
    },
  );
}

async function ask({ environment, socket }: { environment: string; socket: string }): Promise<KeeperResource> {
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
