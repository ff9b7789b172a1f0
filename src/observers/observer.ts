// What every observer is: a follower of one router's own story, told as journal events.
import type { RouterReader } from '../core/capabilities.ts';
import type { Node, Router, Vip } from '../core/environment.ts';
import type { EventOf, Unnumbered } from '../core/journal.ts';

export type ObserverEvent = Unnumbered<EventOf<'next-hops'> | EventOf<'bgp-session'> | EventOf<'observer.blind'>>;

export type ObserverContext = {
  router: Router;
  /** Reads that router. */
  reader: RouterReader;
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
 * blind observer ends its blindness. It never throws for what a router does.
 */
export type Observer = {
  readonly name: string;
  open(context: ObserverContext): Promise<AsyncDisposable>;
};

/** The writer of a router's events in the journal. */
export function observerOf(router: { name: string }): string {
  return `observer:${router.name}`;
}
