// The cluster's side of a run: what happened in it, what it intended, and when nobody watched it.
import type { EventOf } from '../../core/journal.ts';
import type { FaultFacts } from '../fault-facts.ts';
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
  nodes: readonly EventOf<'cluster.node'>[];
  speakers: readonly EventOf<'cluster.speaker'>[];
};

/**
 * @param events in order of time
 * @param blinds of any observer, in order of time
 */
export function clusterFacts(
  events: readonly ClusterEvent[],
  blinds: readonly EventOf<'observer.blind'>[],
  faults: readonly FaultFacts[],
): ClusterFacts {
  const drains = faults.flatMap(({ kind, target, intentT, revertingT, clockErrMs }) =>
    kind === 'node-drain' && intentT !== null
      ? [{ node: target, fromT: intentT - clockErrMs, untilT: (revertingT ?? Infinity) + clockErrMs }]
      : [],
  );
  const own = blinds.filter((blind) => events.some((event) => isSameObserver(event, blind)));
  const blindTs = events.map((event) => own.findLast((blind) => isSameObserver(event, blind) && blind.t <= event.t)?.t ?? null);
  return {
    isWatched: events.length > 0,
    happenings: happeningsOf(events, { blindTs, drains }),
    // It sees again once it tells anything.
    blind: own.map((blind) => ({
      fromT: blind.t,
      untilT: events.find((event) => event.t > blind.t && isSameObserver(event, blind))?.t ?? Infinity,
    })),
    services: events.filter((event) => event.type === 'cluster.service'),
    intents: events.filter((event) => event.type === 'cluster.intent'),
    nodes: events.filter((event) => event.type === 'cluster.node'),
    speakers: events.filter((event) => event.type === 'cluster.speaker'),
  };
}

/** Whether the cluster could not be watched at `t`. */
export function isBlindAt({ blind }: ClusterFacts, t: number): boolean {
  return blind.some(({ fromT, untilT }) => fromT <= t && t <= untilT);
}

type NodeIntent = EventOf<'cluster.intent'>['nodes'][number];

/** What MetalLB meant of the node and VIP from `fromT` to `untilT`: what stood then, and what followed, in order of time. */
export function intentsWithin(
  { intents }: ClusterFacts,
  about: { vip: string; node: string; fromT: number; untilT: number },
): NodeIntent[] {
  const own = intents.filter(({ vip, t }) => vip === about.vip && t <= about.untilT);
  const standing = own.findLastIndex(({ t }) => t <= about.fromT);
  return own.slice(Math.max(0, standing)).flatMap(({ nodes }) => nodes.find(({ node }) => node === about.node) ?? []);
}

function isSameObserver(one: { from: string; observer: string }, other: { from: string; observer: string }): boolean {
  return one.from === other.from && one.observer === other.observer;
}
