// Intent against wire: for each node of a VIP what the objects intend, what MetalLB says, what routers have and what flows see.
//
// Judged in settled parts of the time only: a change of intent takes its while to reach the router, and more where MetalLB's FRR mode
// waits for further changes. A layer that nobody saw is unknown, and neither confirms nor contradicts.
import { canonicalAddress, familyOf } from '../core/addresses.ts';
import { PEER_IS_GONE } from '../core/capabilities.ts';
import type { Vip } from '../core/environment.ts';
import type { EventOf } from '../core/journal.ts';
import { isToldAlike, peersElsewhere, sharedPeers, shouldHave } from './asked-routers.ts';
import { announcersAt } from './cluster/announcers.ts';
import { type Motion, motionsOf } from './motions.ts';
import { type ObservedSet, observedSets } from './observed-sets.ts';
import type { RunFacts } from './run-facts.ts';
import { entryAt } from './set-history.ts';
import { isInRouter, judgePath, type PathDoubt, type PathFinding, type PathRow } from './path-verdicts.ts';
import { seenIn, type SeenNodes } from './seen-nodes.ts';
import { type Span, spansWithout } from './spans.ts';
import { whyNotSpread } from './spreading.ts';

/** A shorter part of the time tells nothing. */
export const SHORTEST_MS = 1_000;

/** A part of the time in which nothing changed. */
export type SettledPart = Span & { rows: PathRow[]; findings: PathFinding[]; doubts: PathDoubt[] };

/**
 * `unjudged`: why nothing, or not all of it, could be judged; null when all that was settled was seen.
 * `isBlind`: some of the time nobody watched the cluster, and no part tells of that.
 */
export type IntentWire = { vip: string; parts: SettledPart[]; unjudged: string | null; isBlind: boolean };

export type WireFacts = Pick<RunFacts, 'cluster' | 'statuses' | 'nextHops' | 'sessions' | 'tallies' | 'flows' | 'faults' | 'environment'>;
/** Without `vantage` and `protocol`: all of them. */
export type WireScope = { vip: string; vantage?: string; protocol?: string };

/** Compares the layers of one VIP over those parts of [fromT, untilT] in which all of it was settled. */
export function intentWire(facts: WireFacts, scope: WireScope, time: Span): IntentWire {
  const { vip } = scope;
  const history = historyOf(facts, vip);
  const { intents, motions } = history;
  if (intents.length === 0) return { vip, parts: [], unjudged: 'nobody told what the cluster intends', isBlind: false };
  const { blind } = facts.cluster;
  const settled = spansWithout(time, motions).filter(({ fromT, untilT }) => untilT - fromT >= SHORTEST_MS);
  const parts = settled.map((span) => compare({ facts, vip, history, span, seen: seenIn(facts, scope, span) }));
  const isBlind = blind.some(({ fromT, untilT }) => fromT < time.untilT && untilT > time.fromT);
  const unsettledText = parts.length === 0 ? 'no part of the time was settled' : null;
  return { vip, parts, unjudged: isBlind ? 'the cluster could not be watched all the time' : unsettledText, isBlind };
}

/** What the cluster intended of a VIP, what the routers had, and when that was in motion. */
export type WireHistory = { intents: readonly EventOf<'cluster.intent'>[]; routers: readonly ObservedSet[]; motions: readonly Motion[] };

export function historyOf(facts: WireFacts, vip: string): WireHistory {
  const intents = facts.cluster.intents.filter((intent) => intent.vip === vip);
  const routers = observedSets(
    facts.nextHops,
    (facts.environment.vips ?? []).filter(({ name }) => name === vip),
  );
  return { intents, routers, motions: motionsOf(facts, intents, routers) };
}

/** `span`: settled; `seen`: in it. `tells`: of which nodes there is to be a verdict. `isPatient`: as of `announcersAt`. */
type Comparing = {
  facts: Omit<WireFacts, 'tallies' | 'flows'>;
  vip: string;
  history: WireHistory;
  span: Span;
  seen: readonly SeenNodes[];
  tells?: (node: string) => boolean;
  isPatient?: boolean;
};

/** Compares the layers in a part of the time in which nothing changed of the nodes that it is to tell of. */
export function compare({ facts, vip, history, span, seen, tells = () => true, isPatient = false }: Comparing): SettledPart {
  const { intents, routers } = history;
  const { fromT, untilT } = span;
  const { environment } = facts;
  const intent = intents.findLast(({ t }) => t <= fromT);
  const status = facts.statuses.findLast((one) => one.vip === vip && one.t < untilT);
  const named = environment.routers ?? [];
  const routerNames = [...new Set([...named, ...routers.map(({ router }) => ({ name: router }))].map(({ name }) => name))];
  const routerAddresses = new Set(named.flatMap(({ addresses = [] }) => addresses));
  // At its beginning: what ends a part is the next change, which has happened when it ends.
  const sets = routerNames.map((router) => {
    const history = routers.find((one) => one.router === router)?.history ?? [];
    // A router behind another has the paths by that one, which is no node and no stranger either.
    return { router, nodes: entryAt(history, fromT)?.nodes?.filter((hop) => !routerAddresses.has(hop)) ?? null };
  });
  const family = environment.vips?.find(({ name }) => name === vip)?.family;
  const sessions = facts.sessions.filter(({ t }) => t < untilT);
  const intended = intent?.nodes ?? [];
  const names = new Set([
    ...intended.map(({ node }) => node),
    ...sets.flatMap(({ nodes }) => nodes ?? []),
    ...seen.flatMap(({ byNode }) => [...byNode.keys()]),
  ]);
  const isAlike = isToldAlike(intended, named);
  const shared = sharedPeers(intended, named, (node) => sets.some(({ nodes }) => nodes?.includes(node) === true));
  const announcerOf = announcersAt(facts.cluster, untilT, isPatient);
  const rows = [...names].map((node): PathRow => {
    const { speaker, excuse } = announcerOf(node);
    const own = intended.find((one) => one.node === node) ?? (intent ? { advertises: false, reason: null } : null);
    return {
      node,
      intended: own,
      status: status?.nodes.find((one) => one.node === node) ?? null,
      routers: sets.map(({ router, nodes }) => ({ router, has: nodes?.includes(node) ?? null, should: shouldHave(own, router, named) })),
      elsewhere: peersElsewhere(own, named, shared),
      excuse,
      speaker,
      sessions: sessionsFor(
        sessions.filter((one) => one.node === node),
        family,
      ),
      flows: seen.map(({ vantage, of, byNode }) => ({ vantage, seen: byNode.get(node)?.all ?? 0, of })),
    };
  });
  const known = new Set([...intended.map(({ node }) => node), ...(environment.nodes ?? []).map(({ name }) => name)]);
  const wasIntended = (node: string) =>
    intents.some(({ t, nodes }) => t < fromT && nodes.some((one) => one.node === node && one.advertises));
  const tellers = new Set(sessions.map(({ router }) => router));
  const unspread = whyNotSpread(environment, routerNames.length, isAlike);
  const judging = { rows, seen, known, tellers, unspread };
  const judged = rows.filter(({ node }) => tells(node)).map((row) => judgePath(row, { ...judging, wasIntended: wasIntended(row.node) }));
  return {
    ...span,
    rows,
    findings: judged.flatMap(({ findings }) => findings),
    doubts: [...judged.flatMap(({ doubts }) => doubts), ...blanks(rows)],
  };
}

/** The last word of each session of a node, of those that speak the VIP's family where there are such; those that are not up first. */
function sessionsFor(told: readonly EventOf<'bgp-session'>[], family: Vip['family'] | undefined): PathRow['sessions'] {
  const last = [...new Map(told.map((one) => [`${one.router} ${one.peer}`, one])).values()];
  const isUp = ({ state }: { state: string }) => Number(state === 'Established');
  return [...Map.groupBy(last, ({ router }) => router).values()].flatMap((all) => {
    const alike = all.filter(({ peer }) => canonicalAddress(peer) !== null && familyOf(peer) === family);
    const ofFamily = alike.length > 0 ? alike : all;
    // A node that has another address now has another session: the old one is no reason for anything.
    const standing = ofFamily.filter(({ reason }) => reason !== PEER_IS_GONE);
    return (standing.length > 0 ? standing : ofFamily).toSorted((a, b) => isUp(a) - isUp(b));
  });
}

/** Nothing of the wire was seen at all: neither a router's set nor a flow. */
function blanks(rows: readonly PathRow[]): PathDoubt[] {
  const isSeen = rows.some((row) => isInRouter(row) !== null || row.flows.some(({ of }) => of > 0));
  return isSeen ? [] : [{ node: null, text: 'neither a router nor a flow tells which paths there are' }];
}
