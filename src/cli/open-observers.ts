// The observers that an environment names, at every router of it that can be read.
import type { RouterReader } from '../core/capabilities.ts';
import type { Environment } from '../core/environment.ts';
import { OBSERVERS } from '../observers/index.ts';
import type { ObserverEvent } from '../observers/observer.ts';

/**
 * Opens them; what stands now has been told when it resolves.
 * @param t the clock of the events, in ms
 */
export async function openObservers(
  parts: { environment: Environment; routers: ReadonlyMap<string, RouterReader> },
  t: () => number,
  emit: (event: ObserverEvent) => void,
): Promise<AsyncDisposable> {
  const { environment } = parts;
  await using opened = new AsyncDisposableStack();
  for (const observer of OBSERVERS.filter(({ name }) => environment.observers.includes(name))) {
    for (const router of environment.routers) {
      const reader = parts.routers.get(router.name);
      if (reader) opened.use(await observer.open({ router, reader, vips: environment.vips, nodes: environment.nodes, t, emit }));
    }
  }
  return opened.move();
}
