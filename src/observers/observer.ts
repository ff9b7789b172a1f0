// What every observer is: a follower of a control plane's own story, told as journal events.
import type { KubeClient } from '../cluster/kube-client.ts';
import type { RouterReader } from '../core/capabilities.ts';
import type { Environment, Node, Router, Vip } from '../core/environment.ts';
import type { EventOf, EventType, Unnumbered } from '../core/journal.ts';

/** The events that tell of a cluster's objects. */
export type ClusterEvent = Unnumbered<EventOf<Extract<EventType, `cluster.${string}`>>>;
export type ObserverEvent = Unnumbered<EventOf<'next-hops'> | EventOf<'bgp-session'> | EventOf<'observer.blind'>> | ClusterEvent;

/** Everything that observers may look at; each takes what it is for. */
export type World = {
  /** The routers that can be read. */
  routers: readonly { router: Router; reader: RouterReader }[];
  cluster: { client: KubeClient; metallbNamespace: string } | null;
  vips: readonly Vip[];
  nodes: readonly Node[];
  /** ms since the start of the run; may be called at any instant. */
  t(): number;
  emit(event: ObserverEvent): void;
};

/**
 * One source of control-plane events.
 *
 * `open` resolves after the first look: what stands now is told before anything that changes. An observer that cannot see says
 * `observer.blind` once and keeps trying; when it sees again it tells everything anew, changed or not, so that the next event of a
 * blind observer ends its blindness. It never throws for what a router or a cluster does.
 */
export type Observer = {
  readonly name: string;
  /** What it has to look at in an environment: names of routers, or `cluster`; nothing, and it stays silent there. */
  watches(environment: Pick<Environment, 'routers' | 'cluster'>): string[];
  open(world: World): Promise<AsyncDisposable>;
};

/** What an observer of one router is handed. */
export type RouterContext = Omit<World, 'routers' | 'cluster'> & World['routers'][number];

/** An observer that does the same at every router. */
export function atRouters(name: string, open: (context: RouterContext) => Promise<AsyncDisposable>): Observer {
  return {
    name,
    watches: ({ routers }) => routers.map((router) => router.name),
    async open({ routers, ...world }) {
      await using opened = new AsyncDisposableStack();
      for (const each of routers) opened.use(await open({ ...world, ...each }));
      return opened.move();
    },
  };
}

/** The name of a cluster among what is watched. */
export const CLUSTER = 'cluster';

/** The writer of a router's events in the journal, or of the cluster's. */
export function observerOf(router: { name: string }): string {
  return `observer:${router.name}`;
}
