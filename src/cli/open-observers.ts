// The observers that an environment names, at every router of it that can be read and at its cluster.
import { refuseWithoutAccess } from '../cluster/access.ts';
import { openCluster } from '../cluster/open-cluster.ts';
import { listsToRead } from '../cluster/read-lists.ts';
import type { RouterReader } from '../core/capabilities.ts';
import type { Environment } from '../core/environment.ts';
import { OBSERVERS } from '../observers/index.ts';
import { CLUSTER, type ObserverEvent, type World } from '../observers/observer.ts';

/** For all questions of access together. */
const ASK_MS = 20_000;

/**
 * Opens them; what stands now has been told when it resolves.
 * @param t the clock of the events, in ms
 * @throws AppError NOT_PERMITTED for objects that may not be read; FILE_UNREADABLE, BAD_INPUT, UNKNOWN_NAME for a kubeconfig that leads nowhere
 */
export async function openObservers(
  parts: { environment: Environment; routers: ReadonlyMap<string, RouterReader> },
  t: () => number,
  emit: (event: ObserverEvent) => void,
): Promise<AsyncDisposable> {
  const { environment } = parts;
  await using opened = new AsyncDisposableStack();
  const wanted = OBSERVERS.filter(({ name }) => environment.observers.includes(name));
  let cluster: World['cluster'] = null;
  if (environment.cluster !== null && wanted.some((observer) => observer.watches(environment).includes(CLUSTER))) {
    const client = opened.use(await openCluster(environment.cluster));
    const { metallbNamespace } = environment.cluster;
    const lists = listsToRead(environment.vips, metallbNamespace);
    await refuseWithoutAccess('the observer of the cluster', client, lists, AbortSignal.timeout(ASK_MS));
    cluster = { client, metallbNamespace };
  }
  const routers = environment.routers.flatMap((router) => {
    const reader = parts.routers.get(router.name);
    return reader ? [{ router, reader }] : [];
  });
  const { vips, nodes } = environment;
  for (const observer of wanted) opened.use(await observer.open({ routers, cluster, vips, nodes, t, emit }));
  return opened.move();
}
