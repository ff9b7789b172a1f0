// The run on one time axis, drawn with characters: faults, next hops, flows by path, breaks, exchanges not ok.
import type { Report } from '../../core/report-format.ts';
import { nextHopSpans } from '../drawing/next-hop-spans.ts';
import { ticks } from '../drawing/scales.ts';
import { compareNames, formatCount } from '../format.ts';
import { widthOf, type TerminalStyle } from './paint.ts';

type Row = { label: string; cells: string };
/** Columns of the chart; `perColumn` seconds of the run each. */
type Axis = { columns: number; perColumn: number };

const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const NOTHING = '·';

/** Lines of the chart; none when the run has no second to show. */
export function timeChart(report: Report, { width }: TerminalStyle): string[] {
  const { bins } = report.timeline;
  if (bins === 0) return [];
  const gutter = Math.min(30, Math.floor(width / 3));
  const room = width - gutter;
  const columns = bins > room ? room : bins * Math.floor(room / bins);
  const axis: Axis = { columns, perColumn: bins / columns };
  const rows = [
    ...faultRows(report, axis),
    ...nextHopRows(report, axis),
    ...flowRows(report, axis),
    ...breakRows(report, axis),
    ...exchangeRows(report, axis),
    ...clusterRows(report, axis),
  ];
  return [{ label: 'seconds', cells: axisLine(bins, axis) }, ...rows].map(({ label, cells }) => fitLabel(label, gutter) + cells.trimEnd());
}

function fitLabel(label: string, gutter: number): string {
  const room = gutter - 2;
  const text =
    widthOf(label) > room
      ? `${Array.from(label)
          .slice(0, room - 1)
          .join('')}…`
      : label;
  return text + ' '.repeat(gutter - widthOf(text));
}

function axisLine(bins: number, axis: Axis): string {
  let line = '';
  for (const tick of ticks(0, bins, Math.max(2, Math.floor(axis.columns / 8)))) {
    const column = Math.floor(tick / axis.perColumn);
    if (column >= line.length && column < axis.columns) line = line.padEnd(column) + String(tick);
  }
  return line;
}

/** A mark where anything happened in the cluster; the tables of causes tell what. */
function clusterRows({ timeline }: Report, axis: Axis): Row[] {
  const columns = new Set(timeline.marks.filter(({ kind }) => kind === 'cluster').map(({ t }) => Math.floor(t / (axis.perColumn * 1_000))));
  if (columns.size === 0) return [];
  return [{ label: 'cluster', cells: Array.from({ length: axis.columns }, (_, column) => (columns.has(column) ? '│' : NOTHING)).join('') }];
}

/** One character a column for something that is there from `fromT` to `untilT` (ms). */
function spanCells(spans: readonly { fromT: number; untilT: number }[], axis: Axis, [on, off]: readonly [string, string]): string {
  const columnMs = axis.perColumn * 1_000;
  return Array.from({ length: axis.columns }, (_, column) => {
    const middle = (column + 0.5) * columnMs;
    return spans.some((span) => span.fromT <= middle && middle < span.untilT) ? on : off;
  }).join('');
}

function faultRows({ faults, durationMs }: Report, axis: Axis): Row[] {
  return faults.map((fault) => {
    const spans = fault.inForceT === null ? [] : [{ fromT: fault.inForceT, untilT: fault.revertedT ?? durationMs }];
    // A fault whose end nobody saw is drawn with question marks: it may still be in force.
    return { label: `${fault.id} ${fault.target}`, cells: spanCells(spans, axis, [fault.revertedT === null ? '?' : '█', NOTHING]) };
  });
}

function nextHopRows(report: Report, axis: Axis): Row[] {
  const place = placesOf(report);
  return nextHopSpans(report).flatMap(({ router, vip, nodes }) =>
    nodes.map(({ node, spans }) => ({ label: `next hop ${node}${place({ router, vip })}`, cells: spanCells(spans, axis, ['━', ' ']) })),
  );
}

function flowRows(report: Report, axis: Axis): Row[] {
  const { timeline } = report;
  const place = placesOf(report);
  const top = Math.max(0, ...timeline.flows.flatMap((series) => series.flows));
  return timeline.flows
    .toSorted((a, b) => compareNames(`${a.vip} ${a.protocol} ${a.ingress}`, `${b.vip} ${b.protocol} ${b.ingress}`))
    .map((series) => ({
      label: `${series.protocol} flows on ${series.ingress}${place(series)}`,
      cells: levels(series.flows, { axis, top, merge: last }),
    }));
}

function breakRows(report: Report, axis: Axis): Row[] {
  const { timeline } = report;
  const place = placesOf(report);
  if (timeline.breaks.length === 0) return [{ label: 'broken', cells: NOTHING.repeat(axis.columns) }];
  return timeline.breaks.map((series) => ({
    label: `broken: ${series.cause} ${formatCount(sum(series.breaks))}${place(series)}`,
    cells: levels(series.breaks, { axis, merge: sum }),
  }));
}

function exchangeRows(report: Report, axis: Axis): Row[] {
  const place = placesOf(report);
  return report.timeline.exchanges.flatMap((series) =>
    (['late', 'lost', 'notSent', 'invalid'] as const)
      .filter((kind) => sum(series[kind]) > 0)
      .map((kind) => ({
        label: `${kind === 'notSent' ? 'not sent' : kind}: ${formatCount(sum(series[kind]))}${place(series)}`,
        cells: levels(series[kind], { axis, merge: sum }),
      })),
  );
}

/** How a row names its VIP and router: not at all where there is only one. */
function placesOf({ timeline }: Report): (row: { vip: string; router?: string }) => string {
  const isOne = (names: readonly string[]) => new Set(names).size < 2;
  const hasOneVip = isOne([...timeline.flows, ...timeline.exchanges, ...timeline.nextHops].map(({ vip }) => vip));
  const hasOneRouter = isOne(timeline.nextHops.map(({ router }) => router));
  return ({ vip, router }) => {
    const parts = [...(router === undefined || hasOneRouter ? [] : [router]), ...(hasOneVip ? [] : [vip])];
    return parts.length === 0 ? '' : ` (${parts.join(' ')})`;
  };
}

/** One character a column; a series may have more or fewer values than there are columns. */
function levels(values: readonly number[], how: { axis: Axis; merge: (values: readonly number[]) => number; top?: number }): string {
  const perColumn = values.length / how.axis.columns;
  const merged = Array.from({ length: how.axis.columns }, (_, column) => {
    const from = Math.floor(column * perColumn);
    return how.merge(values.slice(from, Math.max(from + 1, Math.floor((column + 1) * perColumn))));
  });
  const top = Math.max(1, how.top ?? Math.max(...merged));
  return merged.map((value) => (value === 0 ? NOTHING : (LEVELS[Math.min(7, Math.floor((value / top) * 8))] ?? '█'))).join('');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function last(values: readonly number[]): number {
  return values.at(-1) ?? 0;
}
