// The cluster's side of a run: what happened in it, what it intended, and when nobody watched it.
import type { EventOf } from '../../core/journal.ts';
import type { Happening } from './happening.ts';
import { type ClusterEvent, happeningsOf } from './happenings.ts';

export type ClusterFacts = {
  /** Whether anything was ever told of a cluster. */
  isWatched: boolean;
  /** In order of time. */
  happenings: readonly Happening[];
  /** When its observer saw nothing. */
  blind: readonly { fromT: number; untilT: number }[];
  services: readonly EventOf<'cluster.service'>[];
  intents: readonly EventOf<'cluster.intent'>[];
};

/**
 * @param events in order of time
 * @param blinds of any observer, in order of time
 */
export function clusterFacts(events: readonly ClusterEvent[], blinds: readonly EventOf<'observer.blind'>[]): ClusterFacts {
  const own = blinds.filter((blind) => events.some((event) => isSameObserver(event, blind)));
  const blindTs = events.map((event) => own.findLast((blind) => isSameObserver(event, blind) && blind.t <= event.t)?.t ?? null);
  return {
    isWatched: events.length > 0,
    happenings: happeningsOf(events, blindTs),
    // It sees again once it tells anything.
    blind: own.map((blind) => ({
      fromT: blind.t,
      untilT: events.find((event) => event.t > blind.t && isSameObserver(event, blind))?.t ?? Infinity,
    })),
    services: events.filter((event) => event.type === 'cluster.service'),
    intents: events.filter((event) => event.type === 'cluster.intent'),
  };
}

/** Whether the cluster could not be watched at `t`. */
export function isBlindAt({ blind }: ClusterFacts, t: number): boolean {
  return blind.some(({ fromT, untilT }) => fromT <= t && t <= untilT);
}

/** Whether MetalLB meant `node` to advertise the VIP at `t`, and if not, its own word for why; null when nobody told. */
export function intentAt(
  { intents }: ClusterFacts,
  about: { vip: string; node: string; t: number },
): { advertises: boolean; reason: string | null } | null {
  const standing = intents.findLast((intent) => intent.vip === about.vip && intent.t <= about.t);
  return standing?.nodes.find(({ node }) => node === about.node) ?? null;
}

function isSameObserver(one: { from: string; observer: string }, other: { from: string; observer: string }): boolean {
  return one.from === other.from && one.observer === other.observer;
}
