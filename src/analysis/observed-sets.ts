// Next-hop sets as a router's observer told them.
import { hostPrefix } from '../core/addresses.ts';
import type { Vip } from '../core/environment.ts';
import type { EventOf } from '../core/journal.ts';
import { appendEntry, type SetEntry, type SetHistory } from './set-history.ts';

export type ObservedSet = { router: string; vip: string; history: SetHistory };

/**
 * One history a router and VIP. A blind observer's sets are unknown until it sees again.
 * @param events in order of time
 */
export function observedSets(events: readonly (EventOf<'next-hops'> | EventOf<'observer.blind'>)[], vips: readonly Vip[]): ObservedSet[] {
  const vipOf = new Map(vips.map((vip) => [hostPrefix(vip.address), vip.name]));
  const sets = new Map<string, ObservedSet & { history: SetEntry[]; seenBy: string }>();
  for (const event of events) {
    const seenBy = `${event.from} ${event.observer}`;
    if (event.type === 'observer.blind') {
      for (const set of sets.values()) if (set.seenBy === seenBy) appendEntry(set.history, event.t, null, event.t);
      continue;
    }
    const vip = vipOf.get(event.prefix);
    if (vip === undefined) continue;
    const key = `${event.router} ${vip}`;
    let set = sets.get(key);
    if (!set) {
      set = { router: event.router, vip, history: [], seenBy };
      sets.set(key, set);
    }
    set.seenBy = seenBy;
    const nodes = [...new Set(event.nextHops.map((hop) => hop.node ?? hop.address))];
    appendEntry(set.history, event.t, nodes, event.settled ? event.t : undefined);
  }
  return [...sets.values()].map(({ router, vip, history }) => ({ router, vip, history }));
}
