// Windows: what lies between two edges. An edge is a fault's intent or revert, or a late change of a next-hop set.
import type { Phase } from '../core/checks.ts';
import type { EventCause } from '../core/report-format.ts';
import type { FaultFacts } from './fault-facts.ts';
import type { Break } from './flow-life.ts';
import { sightingAt } from './flow-life.ts';
import type { NextHopHistory, VipChange } from './next-hop-history.ts';
import type { RunFacts } from './run-facts.ts';
import { SETTLE_MS } from './set-history.ts';

export type Window = {
  index: number;
  fromT: number;
  untilT: number;
  cause: EventCause;
  phase: Phase;
  fault: FaultFacts | null;
  /** Of an observed window: what changed. */
  changes: readonly VipChange[];
  /** Error bound of the opening edge's clock. */
  clockErrMs: number;
};

type Edge = Omit<Window, 'index' | 'untilT' | 'phase'> & { phase: Phase | null };

const DEFAULT_HOLD_MS = 90_000;

/** The windows of a run, in order, without gaps, from the timeline's start to its end; at least the baseline. */
export function windowsOf(facts: RunFacts, nextHops: NextHopHistory): Window[] {
  const baseline: Edge = { fromT: facts.timelineT, cause: 'baseline', phase: 'baseline', fault: null, changes: [], clockErrMs: 0 };
  const faultEdges = faultEdgesOf(facts);
  const edges = [baseline, ...faultEdges, ...observedEdges(facts, nextHops, faultEdges)].sort((a, b) => a.fromT - b.fromT);
  let phase: Phase = 'baseline';
  return edges.map((edge, index) => {
    phase = edge.phase ?? phase;
    return { ...edge, index, phase, untilT: edges[index + 1]?.fromT ?? facts.endT };
  });
}

/**
 * Index of the window that a break belongs to, by its onset; an onset up to the clocks' error before an edge counts as after it.
 * -1: before the first window. Null: after the last one, when nothing is judged any more.
 */
export function windowOfBreak(windows: readonly Window[], { onsetT, clockErrMs }: Break): number | null {
  return windowAt(windows, onsetT, clockErrMs);
}

/** Index of the window that something belongs to that a prober saw at `t`; -1 and null as for a break. */
export function windowAt(windows: readonly Window[], t: number, clockErrMs = 0): number | null {
  const last = windows.at(-1);
  if (last && t >= last.untilT) return null;
  return windows.findLastIndex((window) => window.fromT <= t + clockErrMs + window.clockErrMs);
}

/** The longest time a set may take to change after an edge and still belong to it: the hold timer may have to expire first. */
export function lateAfterMs(facts: Pick<RunFacts, 'environment'>): number {
  return Math.max(30_000, holdTimeMs(facts) + 5_000);
}

export function holdTimeMs(facts: Pick<RunFacts, 'environment'>): number {
  return facts.environment.lab?.topology.holdTime ?? DEFAULT_HOLD_MS;
}

function faultEdgesOf(facts: RunFacts): Edge[] {
  const edges: Edge[] = [];
  for (const fault of facts.faults) {
    const { clockErrMs } = fault;
    if (fault.intentT !== null) edges.push({ fromT: fault.intentT, cause: 'fault-in', phase: 'fault', fault, changes: [], clockErrMs });
    if (fault.revertingT !== null) {
      edges.push({ fromT: fault.revertingT, cause: 'fault-out', phase: 'recovery', fault, changes: [], clockErrMs });
    }
  }
  return edges.filter((edge) => edge.fromT > facts.timelineT && edge.fromT < facts.endT).sort((a, b) => a.fromT - b.fromT);
}

function observedEdges(facts: RunFacts, nextHops: NextHopHistory, faultEdges: readonly Edge[]): Edge[] {
  const lateMs = lateAfterMs(facts);
  const edges: Edge[] = [];
  const all = nextHops.changes().filter((change) => change.t > facts.timelineT && change.t < facts.endT);
  for (const change of all) {
    const before = [facts.timelineT, ...[...faultEdges, ...edges].map((edge) => edge.fromT)].filter((t) => t <= change.t);
    if (change.t - Math.max(...before) <= lateMs) continue;
    // Sets of several VIPs and routers change within moments of each other: one window for what is one happening.
    const changes = all.filter((each) => each.t >= change.t && each.t <= change.t + SETTLE_MS);
    const fromT = earliestOnset(facts, changes, change.t - lateMs) ?? change.t;
    edges.push({ fromT, cause: 'observed', phase: null, fault: null, changes, clockErrMs: 0 });
  }
  return edges;
}

/** Earliest onset, from `sinceT` on, of a flow whose ingress left in one of the changes and not before its break. */
export function earliestOnset(facts: RunFacts, changes: readonly VipChange[], sinceT: number): number | null {
  let earliest: number | null = null;
  for (const flow of facts.flows) {
    for (const { onsetT } of flow.breaks) {
      if (onsetT < sinceT || (earliest !== null && onsetT >= earliest)) continue;
      const { ingress } = sightingAt(flow, onsetT);
      const hasLeft = changes.some(
        ({ vip, vantage = flow.vantage, before, after, t }) =>
          vip === flow.opened.vip &&
          vantage === flow.vantage &&
          ingress !== null &&
          onsetT <= t &&
          before.includes(ingress) &&
          !after.includes(ingress),
      );
      if (hasLeft) earliest = onsetT;
    }
  }
  return earliest;
}
