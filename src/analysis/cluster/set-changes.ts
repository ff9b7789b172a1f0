// Why a next-hop set changed: the happening, or the fault, whose effect it was.
import type { FaultFacts } from '../fault-facts.ts';
import type { NextHopHistory, VipChange } from '../next-hop-history.ts';
import type { RunFacts } from '../run-facts.ts';
import { holdTimeMs, lateAfterMs } from '../windows.ts';
import { type ClusterFacts, intentsWithin } from './cluster-facts.ts';
import type { Happening } from './happening.ts';

/** A watch event may come later than what it tells of has its effect. */
export const SEEN_LATE_MS = 2_000;
/** From an object to the router: MetalLB's FRR mode waits 3 s for further changes and then reloads. */
const ROUTE_MS = 10_000;

export type Source =
  | { kind: 'happening'; happening: Happening }
  | { kind: 'fault'; fault: FaultFacts; edge: 'in' | 'out' }
  /** Nothing that was seen explains it. */
  | { kind: 'next-hops'; change: VipChange };

export type ExplainedChange = { change: VipChange; source: Source };

type Move = Pick<VipChange, 'vip' | 't' | 'router' | 'vantage'> & { node: string; hasLeft: boolean };

/** Every change of a next-hop set, and whose effect it was. */
export function explainedChanges(facts: RunFacts, nextHops: NextHopHistory): ExplainedChange[] {
  const changes = nextHops.changes();
  const moves = changes.flatMap(movesOf);
  return changes.map((change) => {
    for (const move of movesOf(change)) {
      const source = explain(move, moves, facts);
      if (source) return { change, source };
    }
    return { change, source: { kind: 'next-hops', change } };
  });
}

/** Nodes that left the set, and those that joined it. */
export function movesOf({ before, after, ...of }: VipChange): Move[] {
  const left = before.filter((node) => !after.includes(node));
  const joined = after.filter((node) => !before.includes(node));
  return [...left.map((node) => ({ ...of, node, hasLeft: true })), ...joined.map((node) => ({ ...of, node, hasLeft: false }))];
}

function explain(move: Move, moves: readonly Move[], facts: RunFacts): Source | null {
  const { cluster } = facts;
  const wanted = wantedKinds(move, cluster);
  const sessionMs = holdTimeMs(facts) + 5_000;
  const fitting = cluster.happenings.filter((happening) => {
    if (!wanted(happening) || !canMove(happening, move, facts)) return false;
    // What it did is over once the node is back.
    if (happening.kind === 'speaker' && hasJoinedBefore(move, moves, happening.sinceT)) return false;
    const { sinceT, untilT } = effectiveSpan(happening);
    return move.t >= sinceT - SEEN_LATE_MS && move.t <= untilT + (happening.kind === 'speaker' ? Math.max(ROUTE_MS, sessionMs) : ROUTE_MS);
  });
  const happening = fitting.findLast(({ t }) => t <= move.t) ?? fitting[0];
  // MetalLB's objects may change as part of a fault, which then says more than they do.
  if (happening?.kind === 'metallb') return faultOf(move, moves, facts) ?? { kind: 'happening', happening };
  return happening ? { kind: 'happening', happening } : faultOf(move, moves, facts);
}

/** Whether the node joined the same set between `sinceT` and the move. */
function hasJoinedBefore({ vip, node, t, router, vantage }: Move, moves: readonly Move[], sinceT: number): boolean {
  return moves.some(
    (each) =>
      !each.hasLeft &&
      each.vip === vip &&
      each.node === node &&
      each.router === router &&
      each.vantage === vantage &&
      each.t >= sinceT &&
      each.t < t,
  );
}

/** When it could take effect on routes: a pod that is terminating keeps its node's route for as long as it serves. */
function effectiveSpan(happening: Happening): { sinceT: number; untilT: number } {
  if (happening.kind !== 'pod-ended' && happening.kind !== 'pod-unready') return { sinceT: happening.sinceT, untilT: happening.t };
  return { sinceT: happening.sinceT, untilT: Math.max(happening.t, Number.isFinite(happening.servedUntilT) ? happening.servedUntilT : 0) };
}

/** The reasons for which MetalLB withdraws a VIP from a node, and advertises it again. */
function canMove(happening: Happening, move: Move, facts: RunFacts): boolean {
  const { vip, node, hasLeft } = move;
  switch (happening.kind) {
    case 'pod-ended':
    case 'pod-unready':
    case 'pod-ready': {
      if (happening.vip !== vip || (happening.kind === 'pod-ready') === hasLeft) return false;
      // Under Cluster only the VIP's last endpoint counts (noEndpoints); under Local each node's own (noLocalEndpoints).
      return happening.isOnlyOfVip || (policyAt(facts, move) !== 'cluster' && happening.node === node && happening.isOnlyOfNode);
    }
    case 'node':
      if (happening.node !== node) return false;
      return hasLeft
        ? ['excluded', 'network-unavailable', 'gone'].includes(happening.change)
        : ['included', 'network-available', 'joined'].includes(happening.change);
    case 'service':
      return happening.vip === vip && happening.change !== 'affinity';
    case 'speaker':
      return happening.node === node && (happening.change === 'ready') !== hasLeft;
    case 'metallb':
      return hasFlipped(happening, move, facts.cluster) || (happening.objectKind === 'BGPPeer' && hasSessionTurned(happening, move, facts));
  }
}

/** MetalLB's reasons that lie in its own objects. */
const CONFIGURED: ReadonlySet<string | null> = new Set([
  ...(['ipNotAllowed', 'notOwner', 'noMatchingAdvertisement'] as const),
  ...(['conflictingAdvertisements', 'noPeer'] as const),
]);

/** Whether the objects meant otherwise of the node from the happening on, for a reason that lies in MetalLB's own. */
function hasFlipped({ sinceT }: Happening, { vip, node, t, hasLeft }: Move, { intents }: ClusterFacts): boolean {
  const own = intents.flatMap((event) => {
    const intent = event.vip === vip && event.t <= t + SEEN_LATE_MS ? event.nodes.find((each) => each.node === node) : undefined;
    return intent ? [{ t: event.t, ...intent }] : [];
  });
  const before = own.findLast((intent) => intent.t < sinceT);
  const flipped = own.find((intent) => intent.t >= sinceT && intent.advertises !== hasLeft);
  return before?.advertises === hasLeft && flipped !== undefined && CONFIGURED.has(hasLeft ? flipped.reason : before.reason);
}

/** Whether a BGP session of the node ended between the happening and the move, or, for a node that joined, came up. */
function hasSessionTurned({ sinceT }: Happening, { node, t, hasLeft }: Move, { sessions }: RunFacts): boolean {
  return sessions.some(
    (session) =>
      session.node === node &&
      session.t >= sinceT - SEEN_LATE_MS &&
      session.t <= t + SEEN_LATE_MS &&
      (session.state === 'Established') !== hasLeft,
  );
}

/** Where the intent is known, MetalLB's own reason says which kinds of happening come into question. */
function wantedKinds(move: Move, cluster: ClusterFacts): (happening: Happening) => boolean {
  const { t, hasLeft } = move;
  const intents = intentsWithin(cluster, { ...move, fromT: t - ROUTE_MS, untilT: t + SEEN_LATE_MS });
  if (intents.length === 0) return () => true;
  // It may mean otherwise again by the time that a router has followed.
  const intent = intents.findLast(({ advertises }) => advertises !== hasLeft);
  // The objects say nothing of it: a speaker, a session or a peer did it.
  if (!intent) return ({ kind }) => kind === 'speaker' || kind === 'metallb';
  if (intent.advertises) return () => true;
  switch (intent.reason ?? '') {
    case 'noLocalEndpoints':
    case 'noEndpoints':
      return ({ kind }) => kind === 'pod-ended' || kind === 'pod-unready' || kind === 'service';
    case 'nodeLabeledExcludeBalancers':
    case 'nodeNetworkUnavailable':
      return ({ kind }) => kind === 'node';
    case 'ipNotAllowed':
    case 'notOwner':
    case 'noMatchingAdvertisement':
    case 'conflictingAdvertisements':
    case 'noPeer':
      return ({ kind }) => kind === 'metallb';
    default:
      return () => true;
  }
}

function faultOf(move: Move, moves: readonly Move[], facts: RunFacts): Source | null {
  const { node, t, hasLeft } = move;
  const lateMs = lateAfterMs(facts);
  for (const fault of facts.faults.toReversed()) {
    const { target, intentT, revertingT } = fault;
    if (fault.aimedAt !== 'node' || target !== node || intentT === null || t < intentT) continue;
    if (hasLeft && (revertingT === null || t < revertingT + SEEN_LATE_MS)) return { kind: 'fault', fault, edge: 'in' };
    const isReturn = !hasLeft && revertingT !== null && t >= revertingT && t <= revertingT + lateMs;
    if (isReturn && !hasJoinedBefore(move, moves, revertingT)) return { kind: 'fault', fault, edge: 'out' };
  }
  return null;
}

/** As the Service said last, else as the environment's file does. */
function policyAt({ cluster, environment }: RunFacts, { vip, t }: Move): string | null {
  const told = cluster.services.findLast((service) => service.vip === vip && service.t <= t && service.exists);
  return told?.policy ?? environment.vips?.find(({ name }) => name === vip)?.policy ?? null;
}
