// The observers that an environment names, at every router of it that can be read and at its cluster.
import { openCluster } from '../cluster/open-cluster.ts';
import type { RouterReader } from '../core/capabilities.ts';
import type { Environment } from '../core/environment.ts';
import { OBSERVERS } from '../observers/index.ts';
import { CLUSTER, type ObserverEvent, type World } from '../observers/observer.ts';

/**
 * Opens them; what stands now has been told when it resolves.
 * @param t the clock of the events, in ms
 * @throws AppError FILE_UNREADABLE, BAD_INPUT, UNKNOWN_NAME for a kubeconfig that leads nowhere
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
    cluster = { client, metallbNamespace: environment.cluster.metallbNamespace };
  }
  const routers = environment.routers.flatMap((router) => {
    const reader = parts.routers.get(router.name);
    return reader ? [{ router, reader }] : [];
  });
  const { vips, nodes } = environment;
  for (const observer of wanted) opened.use(await observer.open({ routers, cluster, vips, nodes, t, emit }));
  return opened.move();
}
