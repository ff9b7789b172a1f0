// When the layers of a VIP are in motion, and of which nodes: what changes takes its time to go from one layer to the next.
import type { EventOf } from '../core/journal.ts';
import type { ObservedSet } from './observed-sets.ts';
import type { RunFacts } from './run-facts.ts';
import { type SetEntry, SETTLE_MS } from './set-history.ts';
import type { Span } from './spans.ts';

/** How long a change of intent may take to the router: 5.6 s were measured in FRR mode (3 s of waiting, and the reload). */
export const PROPAGATION_MS = 8_000;

/** `nodes`: whose paths it concerns; null is all of them. */
export type Motion = Span & { nodes: readonly string[] | null };

type Intent = EventOf<'cluster.intent'>;
type Status = EventOf<'cluster.metallb-status'>;

/**
 * Each change of intent (the first look too, since what came just before it is not known), of who refuses its configuration, fault or
 * set, and the time in which nobody watched the cluster.
 * @param intents of the VIP, as are `routers`
 */
export function motionsOf(
  { cluster, statuses, faults }: Pick<RunFacts, 'cluster' | 'statuses' | 'faults'>,
  intents: readonly Intent[],
  routers: readonly ObservedSet[],
): Motion[] {
  const vip = intents[0]?.vip;
  const own = statuses.filter((status) => status.vip === vip);
  const edges = faults.flatMap(({ intentT, revertingT }) => [intentT, revertingT].filter((t) => t !== null));
  const changes = [
    ...intents.map((intent, index) => ({ t: intent.t, nodes: toldOtherwise(intents[index - 1], intent) })),
    ...own.map((status, index) => ({ t: status.t, nodes: different(refusersOf(own[index - 1]), refusersOf(status)) })),
    ...edges.map((t) => ({ t, nodes: null })),
  ];
  return [
    ...changes.filter(({ nodes }) => nodes?.length !== 0).map(({ t, nodes }) => ({ fromT: t, untilT: t + PROPAGATION_MS, nodes })),
    ...routers.flatMap(({ history }) => history.map((entry, index) => motionOf(history[index - 1], entry))),
    // What changed last while nobody looked may be as young as the first look.
    ...cluster.blind.map(({ fromT, untilT }) => ({ fromT, untilT: untilT + PROPAGATION_MS, nodes: null })),
  ];
}

function motionOf(before: SetEntry | undefined, { t, nodes, settledT }: SetEntry): Motion {
  const changed = before?.nodes && nodes ? different(before.nodes, nodes) : null;
  return { fromT: t, untilT: Math.max(settledT, t + SETTLE_MS), nodes: changed };
}

/** Nodes that are to tell other routers than before. */
function toldOtherwise(before: Intent | undefined, intent: Intent): string[] | null {
  if (before === undefined) return null;
  const changed = different(tellingsOf(before), tellingsOf(intent));
  return [...new Set(changed.map((telling) => telling.split(' ')[0] ?? ''))];
}

/** Who is to tell whom: `n1 to tor@10.77.0.1`. */
function tellingsOf({ nodes }: Intent): string[] {
  return nodes
    .filter(({ advertises }) => advertises)
    .map(({ node, peers = [] }) => [node, ...peers.map(({ name, address }) => `${name}@${address ?? ''}`).sort()].join(' to '));
}

function refusersOf(status: Status | undefined): string[] {
  return (status?.nodes ?? []).filter(({ configuration }) => configuration === 'Invalid').map(({ node }) => node);
}

/** What is in one of them only. */
function different(some: readonly string[], others: readonly string[]): string[] {
  const [one, other] = [new Set(some), new Set(others)];
  return [...some.filter((each) => !other.has(each)), ...others.filter((each) => !one.has(each))];
}
