// How the lost exchanges of a path spread over its flows, as far as the journal tells.
//
// Tallies count exchanges per path and second and name no flow. Flows tell of themselves what was more than a moment: a break with the
// time until its replacement or its recovery, and a quiet spell of more than two intervals. On a fixed schedule such a gap is so many
// exchanges of one flow. What the tallies count beyond that was lost alone, one exchange here and there: at most one of a flow
// more than of another. Both together are the sample that the bootstrap draws from.
import type { BinSpan } from './bins.ts';
import { BIN_MS } from './bins.ts';
import type { LossClasses } from './bootstrap.ts';
import { type Flow, sightingAt } from './flow-life.ts';

/** How many of `flows` flows lost how many exchanges. */
export type LossSample = { classes: LossClasses; flows: number };

/** A stretch in which one flow, or its place until its replacement lived, had no ok exchange. */
type Gap = { fromT: number; untilT: number };

/**
 * @param flows of one scope
 * @param where whole seconds that count, and the path; null: any path
 * @param lost exchanges that the tallies count there as late or lost
 * @param size `places`: flows held there at a time; `intervalOf` in ms
 */
export function lossClasses(
  flows: readonly Flow[],
  where: { spans: readonly BinSpan[]; path: string | null; endT: number },
  lost: number,
  size: { places: number; intervalOf: (flow: Flow) => number },
): LossSample {
  const perFlow: number[] = [];
  for (const flow of flows) {
    if (flow.breaks.length === 0 && flow.quiets.length === 0) continue;
    let count = 0;
    for (const gap of gapsOf(flow, where.endT)) {
      if (where.path === null || sightingAt(flow, gap.fromT).ingress === where.path) {
        count += exchangesIn(gap, size.intervalOf(flow), where.spans);
      }
    }
    if (count > 0) perFlow.push(count);
  }
  return spread(perFlow, lost, Math.max(1, Math.round(size.places)));
}

function gapsOf(flow: Flow, endT: number): Gap[] {
  return [...flow.breaks.map((each): Gap => ({ fromT: each.lastOkT, untilT: each.recoveredT ?? flow.replacedT ?? endT })), ...flow.quiets];
}

function exchangesIn(gap: Gap, intervalMs: number, spans: readonly BinSpan[]): number {
  let count = 0;
  for (const span of spans) {
    // The gap's own schedule: one exchange an interval after the last ok one, until the next ok one.
    const first = Math.max(1, Math.ceil((span.from * BIN_MS - gap.fromT) / intervalMs));
    const end = Math.ceil((Math.min(span.until * BIN_MS, gap.untilT) - gap.fromT) / intervalMs);
    count += Math.max(0, end - first);
  }
  return count;
}

function spread(perFlow: readonly number[], lost: number, places: number): LossSample {
  const inGaps = perFlow.reduce((sum, count) => sum + count, 0);
  const classes = new Map<number, number>();
  const add = (count: number, flows: number) => {
    if (count > 0 && flows > 0) classes.set(count, (classes.get(count) ?? 0) + flows);
  };
  // The tallies are exact and the gaps reckoned: where the gaps say more, they are scaled to the tallies.
  const scale = inGaps > lost && inGaps > 0 ? lost / inGaps : 1;
  for (const count of perFlow) add(count * scale, 1);
  const alone = Math.max(0, lost - inGaps);
  // Flows that took each other's places may be more than there were at a time.
  const others = Math.max(0, places - perFlow.length) || (alone > 0 ? 1 : 0);
  if (others > 0) {
    const each = Math.floor(alone / others);
    add(each + 1, alone - each * others);
    add(each, others - (alone - each * others));
  }
  return { classes, flows: perFlow.length + others };
}
