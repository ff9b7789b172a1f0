// Next-hop sets over time, turned on their side: for each node the stretches in which the router sent flows to it.
import type { Report } from '../../core/report-format.ts';
import { compareNames } from '../format.ts';

export type Span = { /** ms of the run. */ fromT: number; untilT: number };
export type NextHopSpans = { router: string; vip: string; nodes: { node: string; spans: Span[] }[] };

/** Per (router, VIP) and node; before the first set that was seen nothing is claimed. */
export function nextHopSpans(report: Report): NextHopSpans[] {
  const changes = report.timeline.nextHops;
  const groups = Map.groupBy(changes, ({ router, vip }) => JSON.stringify([router, vip]));
  return [...groups.values()].map((sets) => {
    const [first] = sets;
    const nodes = [...new Set(sets.flatMap((set) => set.nodes))].sort(compareNames);
    return {
      router: first?.router ?? '',
      vip: first?.vip ?? '',
      nodes: nodes.map((node) => ({ node, spans: spansOf(node, sets, report.durationMs) })),
    };
  });
}

function spansOf(node: string, sets: Report['timeline']['nextHops'], endT: number): Span[] {
  const spans: Span[] = [];
  sets.forEach((set, index) => {
    if (!set.nodes.includes(node)) return;
    const untilT = sets[index + 1]?.t ?? endT;
    const before = spans.at(-1);
    if (before?.untilT === set.t) before.untilT = untilT;
    else spans.push({ fromT: set.t, untilT });
  });
  return spans;
}
