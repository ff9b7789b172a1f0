// Interruptions: from the last ok exchange to the next ok one on the same flow, or on the flow that took its place.
import type { Report } from '../core/report-format.ts';
import type { Flow } from './flow-life.ts';
import type { RunFacts, Scope } from './run-facts.ts';
import type { ScopedFlows } from './scopes.ts';
import { type Window, windowOfBreak } from './windows.ts';

export type Interruption = {
  scope: Scope;
  window: number;
  lengthMs: number;
  /** False: it was not over when the timeline ended, and is at least so long. */
  isOver: boolean;
};

/** Every interruption of every flow, those included that were opened inside a window; each belongs to the window of its onset. */
export function interruptionsOf(facts: RunFacts, windows: readonly Window[], scopes: readonly ScopedFlows[]): Interruption[] {
  return scopes.flatMap(({ scope, flows }) =>
    flows.flatMap((flow) => (flow.breaks.length + flow.quiets.length === 0 ? [] : ofFlow(flow, scope, facts, windows))),
  );
}

function ofFlow(flow: Flow, scope: Scope, facts: RunFacts, windows: readonly Window[]): Interruption[] {
  const interruptions: Interruption[] = [];
  const intervalMs = facts.probes[flow.opened.probe]?.intervalMs ?? 0;
  for (const each of flow.breaks) {
    const window = windowOfBreak(windows, each);
    if (window === null || window < 0) continue;
    const nextOkT = each.recoveredT ?? flow.replacedT;
    const isOver = nextOkT !== null && nextOkT <= facts.endT;
    interruptions.push({ scope, window, lengthMs: (isOver ? nextOkT : facts.endT) - each.lastOkT, isOver });
  }
  for (const { fromT, untilT } of flow.quiets) {
    const window = windows.findLastIndex((each) => each.fromT <= fromT + intervalMs);
    if (window >= 0 && fromT < facts.endT) interruptions.push({ scope, window, lengthMs: untilT - fromT, isOver: true });
  }
  return interruptions;
}

export function interruptionRows(interruptions: readonly Interruption[]): Report['interruptions'] {
  const groups = new Map<string, Interruption[]>();
  for (const each of interruptions) {
    const key = `${String(each.window)} ${each.scope.vantage} ${each.scope.vip} ${each.scope.protocol}`;
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      if (!first) return [];
      const lengths = group.map((each) => each.lengthMs).sort((a, b) => a - b);
      const at = (q: number) => quantileOf(lengths, q) ?? 0;
      return [{ event: first.window, ...first.scope, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), n: lengths.length }];
    })
    .sort((a, b) => a.event - b.event);
}

/** The smallest value that a share `q` of the sorted ones does not exceed; null when there is none. */
export function quantileOf(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}
