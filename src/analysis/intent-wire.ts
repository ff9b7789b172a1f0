// Intent against wire: for each node of a VIP what the objects intend, what MetalLB says, what routers have and what flows see.
//
// Judged in settled parts of the time only: a change of intent takes its while to reach the router, and more where MetalLB's FRR mode
// waits for further changes. A layer that nobody saw is unknown, and neither confirms nor contradicts.
import type { EventOf } from '../core/journal.ts';
import { CHANCE_OF_MISTAKE } from './inferred-sets.ts';
import { type ObservedSet, observedSets } from './observed-sets.ts';
import type { RunFacts } from './run-facts.ts';
import { settledAt, SETTLE_MS } from './set-history.ts';
import { type SeenNodes, seenIn } from './seen-nodes.ts';
import { type Span, spansWithout } from './spans.ts';

/** How long a change of intent may take to the router: 5.6 s were measured in FRR mode (3 s of waiting, and the reload). */
export const PROPAGATION_MS = 8_000;
/** A shorter part of the time tells nothing. */
const SHORTEST_MS = 1_000;

export type NodeStatus = EventOf<'cluster.metallb-status'>['nodes'][number];

/** What each layer says of one node, or of an address that is no node's. Null is unknown, everywhere. */
export type PathRow = {
  node: string;
  /** `reason`: MetalLB's word; null when it advertises, or is no node of the cluster. */
  intended: { advertises: boolean; reason: string | null } | null;
  status: NodeStatus | null;
  routers: { router: string; has: boolean | null }[];
  /** The session as the router tells it. */
  session: { router: string; state: string; reason: string } | null;
  /** Distinct 5-tuples: fresh dials and held flows that were answered through the node, of all whose ingress is known. */
  flows: { vantage: string; seen: number; of: number }[];
};

/**
 * phantom: seen, and not intended. missing: intended, and not there. zombie: withdrawn, and flows opened afterwards still use it.
 * `chance`, of a path that no flow saw: that it is there and all of them missed it, (1 - 1/N)^n.
 */
export type PathFinding = { kind: 'phantom' | 'missing' | 'zombie'; node: string } & (
  { by: 'router'; router: string } | { by: 'flows'; vantage: string; seen: number; of: number; chance: number | null }
);

/** A part of the time in which nothing changed. `doubts`: what was not seen well enough to call it right. */
export type SettledPart = Span & { rows: PathRow[]; findings: PathFinding[]; doubts: string[] };

/** `unjudged`: why nothing, or not all of it, could be judged; null when all that was settled was seen. */
export type IntentWire = { vip: string; parts: SettledPart[]; unjudged: string | null };

export type WireFacts = Pick<RunFacts, 'cluster' | 'statuses' | 'nextHops' | 'sessions' | 'tallies' | 'flows' | 'faults' | 'environment'>;
/** Without `vantage` and `protocol`: all of them. */
export type WireScope = { vip: string; vantage?: string; protocol?: string };

/** Compares the layers of one VIP over [fromT, untilT]. */
export function intentWire(facts: WireFacts, scope: WireScope, time: Span): IntentWire {
  const { vip } = scope;
  const intents = facts.cluster.intents.filter((intent) => intent.vip === vip);
  if (intents.length === 0) return { vip, parts: [], unjudged: 'nobody told what the cluster intends' };
  const routers = observedSets(
    facts.nextHops,
    (facts.environment.vips ?? []).filter(({ name }) => name === vip),
  );
  const unseen = facts.cluster.blind.filter((blind) => blind.fromT < time.untilT && blind.untilT > time.fromT);
  const settled = spansWithout(time, [...unsettled(facts, intents, routers), ...unseen]).filter(
    ({ fromT, untilT }) => untilT - fromT >= SHORTEST_MS,
  );
  const parts = settled.map((span) => compare({ facts, scope, intents, routers, span }));
  const isBlind = unseen.length > 0 ? 'the cluster could not be watched all the time' : null;
  return { vip, parts, unjudged: isBlind ?? (parts.length === 0 ? 'no part of the time was settled' : null) };
}

/** What takes its time: each change of intent (the first look too, since what came just before it is not known), fault or set. */
function unsettled(facts: WireFacts, intents: readonly EventOf<'cluster.intent'>[], routers: readonly ObservedSet[]): Span[] {
  const changes = intents.filter((intent, index) => {
    const before = intents[index - 1];
    return before === undefined || advertisersOf(before) !== advertisersOf(intent);
  });
  const edges = facts.faults.flatMap(({ intentT, revertingT }) => [intentT, revertingT].filter((t) => t !== null));
  return [
    ...[...changes.map(({ t }) => t), ...edges].map((t) => ({ fromT: t, untilT: t + PROPAGATION_MS })),
    ...routers.flatMap(({ history }) => history.map(({ t, settledT }) => ({ fromT: t, untilT: Math.max(settledT, t + SETTLE_MS) }))),
  ];
}

function advertisersOf({ nodes }: EventOf<'cluster.intent'>): string {
  return nodes
    .filter(({ advertises }) => advertises)
    .map(({ node }) => node)
    .sort()
    .join(' ');
}

type Comparing = {
  facts: WireFacts;
  scope: WireScope;
  intents: readonly EventOf<'cluster.intent'>[];
  routers: readonly ObservedSet[];
  span: Span;
};

function compare({ facts, scope, intents, routers, span }: Comparing): SettledPart {
  const { fromT, untilT } = span;
  const intent = intents.findLast(({ t }) => t <= fromT);
  const status = facts.statuses.findLast(({ vip, t }) => vip === scope.vip && t <= untilT);
  const sets = routers.map(({ router, history }) => {
    const reading = settledAt(history, untilT);
    return { router, nodes: reading.kind === 'settled' ? reading.nodes : null };
  });
  const seen = seenIn(facts, scope, span);
  const intended = intent?.nodes ?? [];
  const names = new Set([
    ...intended.map(({ node }) => node),
    ...sets.flatMap(({ nodes }) => nodes ?? []),
    ...seen.flatMap(({ byNode }) => [...byNode.keys()]),
  ]);
  const rows = [...names].map((node): PathRow => ({
    node,
    intended: intended.find((one) => one.node === node) ?? (intent ? { advertises: false, reason: null } : null),
    status: status?.nodes.find((one) => one.node === node) ?? null,
    routers: sets.map(({ router, nodes }) => ({ router, has: nodes?.includes(node) ?? null })),
    session: facts.sessions.findLast((one) => one.node === node && one.t <= untilT) ?? null,
    flows: seen.map(({ vantage, of, byNode }) => ({ vantage, seen: byNode.get(node)?.all ?? 0, of })),
  }));
  const wasIntended = (node: string) =>
    intents.some(({ t, nodes }) => t < fromT && nodes.some((one) => one.node === node && one.advertises));
  const judged = rows.map((row) => judge(row, { rows, seen, wasIntended: wasIntended(row.node) }));
  return {
    ...span,
    rows,
    findings: judged.flatMap(({ findings }) => findings),
    doubts: [...judged.flatMap(({ doubts }) => doubts), ...blanks(rows)],
  };
}

type Judging = { rows: readonly PathRow[]; seen: readonly SeenNodes[]; wasIntended: boolean };

function judge(row: PathRow, { rows, seen, wasIntended }: Judging): { findings: PathFinding[]; doubts: string[] } {
  const { node, intended, routers } = row;
  const findings: PathFinding[] = [];
  const doubts: string[] = [];
  if (intended === null) return { findings, doubts };
  const { advertises } = intended;
  for (const { router, has } of routers) {
    if (has === !advertises) findings.push({ kind: has ? 'phantom' : 'missing', node, by: 'router', router });
  }
  const inRouter = isInRouter(row);
  const paths = rows.filter((one) => isInRouter(one) ?? one.intended?.advertises === true).length;
  for (const { vantage, of, byNode } of seen) {
    const { all = 0, fresh = 0 } = byNode.get(node) ?? {};
    const flows = { node, by: 'flows', vantage, seen: all, of, chance: null } as const;
    if (fresh > 0 && (inRouter === false || (inRouter === null && !advertises && wasIntended))) findings.push({ kind: 'zombie', ...flows });
    else if (fresh > 0 && !advertises) findings.push({ kind: 'phantom', ...flows });
    if (!advertises || inRouter === false || all > 0) continue;
    const chance = (1 - 1 / Math.max(1, paths)) ** of;
    if (of > 0 && chance <= CHANCE_OF_MISTAKE) findings.push({ kind: 'missing', ...flows, chance });
    else doubts.push(`${String(of)} flows from ${vantage} are too few to tell whether ${node} takes any`);
  }
  return { findings, doubts };
}

/** Whether any router has the path; null when none is known to, and not all are known. */
function isInRouter({ routers }: PathRow): boolean | null {
  if (routers.some(({ has }) => has === true)) return true;
  return routers.length > 0 && routers.every(({ has }) => has === false) ? false : null;
}

/** Nothing of the wire was seen at all: neither a router's set nor a flow. */
function blanks(rows: readonly PathRow[]): string[] {
  const isSeen = rows.some((row) => isInRouter(row) !== null || row.flows.some(({ of }) => of > 0));
  return isSeen ? [] : ['neither a router nor a flow tells which paths there are'];
}
