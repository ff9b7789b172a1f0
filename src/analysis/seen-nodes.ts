// Which nodes flows came in by during a stretch of time: distinct 5-tuples, by vantage.
import { wholeBins } from './bins.ts';
import { isOpenAt, sightingAt } from './flow-life.ts';
import { compareTexts } from './matrix.ts';
import type { RunFacts } from './run-facts.ts';
import type { Span } from './spans.ts';

export type SeenNodes = {
  vantage: string;
  /** 5-tuples whose ingress is known. */
  of: number;
  /** Of them, those opened inside the stretch: only they could come in by any path of it. */
  fresh: number;
  /** `fresh`: those dialled inside the stretch, which nothing older can have led there. */
  byNode: ReadonlyMap<string, { all: number; fresh: number }>;
};

/** One entry for each vantage that looked, by name. */
export function seenIn(
  facts: Pick<RunFacts, 'tallies' | 'flows'>,
  { vip, vantage, protocol }: { vip: string; vantage?: string; protocol?: string },
  { fromT, untilT }: Span,
): SeenNodes[] {
  const vantages = new Map<string, { of: number; fresh: number; byNode: Map<string, { all: number; fresh: number }> }>();
  const isAbout = (one: { vip: string; vantage: string; protocol: string }) =>
    one.vip === vip && (vantage ?? one.vantage) === one.vantage && (protocol ?? one.protocol) === one.protocol;
  const of = (name: string) => {
    let seen = vantages.get(name);
    if (!seen) vantages.set(name, (seen = { of: 0, fresh: 0, byNode: new Map() }));
    return seen;
  };
  const count = (name: string, node: string | null, times: number, isFresh: boolean) => {
    const seen = of(name);
    if (node === null || node === 'unknown' || times === 0) return;
    const at = seen.byNode.get(node) ?? { all: 0, fresh: 0 };
    seen.byNode.set(node, { all: at.all + times, fresh: at.fresh + (isFresh ? times : 0) });
    seen.of += times;
    if (isFresh) seen.fresh += times;
  };
  const bins = wholeBins(fromT, untilT);
  for (const tally of facts.tallies) {
    if (!tally.fresh || !isAbout(tally) || tally.bin < bins.from || tally.bin >= bins.until) continue;
    count(tally.vantage, tally.path, tally.ok + tally.late, true);
  }
  for (const flow of facts.flows) {
    const { opened } = flow;
    if (!isAbout({ vip: opened.vip, vantage: flow.vantage, protocol: opened.protocol }) || !isOpenAt(flow, untilT)) continue;
    if (flow.breaks.some(({ onsetT, recoveredT }) => onsetT < untilT && (recoveredT ?? Infinity) > untilT)) continue;
    count(flow.vantage, sightingAt(flow, untilT).ingress, 1, opened.t >= fromT);
  }
  return [...vantages].map(([name, seen]) => ({ vantage: name, ...seen })).sort((a, b) => compareTexts([a.vantage], [b.vantage]));
}
