// The lanes of the time axis: faults, next hops, flows by path, breaks by cause, exchanges not ok, marks.
import type { Report } from '../../core/report-format.ts';
import { compareNames, formatCount, formatT } from '../format.ts';
import { lastOf, summed, type Steps } from './bins.ts';
import { nextHopSpans } from './next-hop-spans.ts';
import { UNKNOWN_CLASS, type Palette } from './palette.ts';
import { linearScale, roundOff, type Scale } from './scales.ts';
import { stackedSteps } from './stacked-steps.ts';

/** A stretch or an instant on the axis; `y` and `height` count from the row's top. */
export type Box = { x: number; width: number; y: number; height: number; says: string };
export type Row = { label: string; colour: string; top: number; height: number; boxes: Box[] };
export type Layer = { name: string; colour: string; path: string };
export type Lane = {
  title: string;
  /** Said beside the title: a total, a scale, or that there was nothing. */
  note: string;
  height: number;
  /** What the boxes are: stretches of time, counts as bars, or instants. */
  look: 'spans' | 'bars' | 'marks' | 'areas';
  rows: Row[];
  layers: Layer[];
};

const SPAN_ROW = 16;
const BAR_ROW = 30;
const AREA_HEIGHT = 96;
const SECOND_MS = 1_000;

/** Every lane of a run, in the order from cause to effect. */
export function lanesOf(report: Report, palette: Palette, x: Scale): Lane[] {
  return [
    faultLane(report, x),
    ...nextHopLanes(report, palette, x),
    ...flowLanes(report, palette, x),
    breakLane(report, x),
    exchangeLane(report, x),
    markLane(report, x),
  ];
}

function faultLane({ faults, timeline, durationMs }: Report, x: Scale): Lane {
  const end = Math.max(durationMs, timeline.bins * 1_000);
  const rows = faults.map((fault) => {
    const { inForceT, revertedT, kind, target } = fault;
    const says = `${fault.id} ${kind} on ${target}, in force ${formatT(inForceT)}, reverted ${formatT(revertedT)} (${fault.state})`;
    const spans = inForceT === null ? [] : [{ fromT: inForceT, untilT: revertedT ?? end }];
    return {
      label: `${fault.id} ${target}`,
      colour: revertedT === null ? 'harm open' : 'harm',
      spans: spans.map((span) => ({ ...span, says })),
    };
  });
  return spanLane({ title: 'Faults', note: rows.length === 0 ? 'none was planned' : faults.map(({ kind }) => kind).join(', '), rows }, x);
}

function nextHopLanes(report: Report, palette: Palette, x: Scale): Lane[] {
  const sets = nextHopSpans(report);
  if (sets.length === 0) return [spanLane({ title: 'Next hops', note: 'not known', rows: [] }, x)];
  return sets.map(({ router, vip, nodes }) =>
    spanLane(
      {
        title: 'Next hops',
        note: `of ${router} for ${vip}`,
        rows: nodes.map(({ node, spans }) => ({
          label: node,
          colour: palette(node),
          spans: spans.map((span) => ({ ...span, says: `${node} was a next hop from ${formatT(span.fromT)} to ${formatT(span.untilT)}` })),
        })),
      },
      x,
    ),
  );
}

type SpanRow = { label: string; colour: string; spans: { fromT: number; untilT: number; says: string }[] };

function spanLane({ title, note, rows }: { title: string; note: string; rows: SpanRow[] }, x: Scale): Lane {
  return {
    title,
    note,
    look: 'spans',
    height: rows.length * SPAN_ROW,
    layers: [],
    rows: rows.map(({ label, colour, spans }, index) => ({
      label,
      colour,
      top: index * SPAN_ROW,
      height: SPAN_ROW,
      boxes: spans.map(({ fromT, untilT, says }) => ({ ...stretch(fromT, untilT, x), y: 3, height: SPAN_ROW - 6, says })),
    })),
  };
}

function flowLanes({ timeline }: Report, palette: Palette, x: Scale): Lane[] {
  const groups = Map.groupBy(timeline.flows, ({ vip, protocol }) => JSON.stringify([vip, protocol]));
  return [...groups.values()].map((group) => {
    const series = group.toSorted((a, b) => compareNames(a.ingress, b.ingress));
    const steps = series.map(({ flows }) => lastOf(flows, timeline.stepMs ?? SECOND_MS));
    const layers = steps.map(({ values }) => values);
    const totals = (layers[0] ?? []).map((_, step) => layers.reduce((sum, layer) => sum + (layer[step] ?? 0), 0));
    const top = Math.max(1, ...totals);
    const scales = { x: scaleOfSteps(x, steps[0]?.stepMs ?? SECOND_MS), y: linearScale([0, top], [AREA_HEIGHT, 0]) };
    const paths = stackedSteps(layers, scales);
    return {
      title: `${(group[0]?.protocol ?? '').toUpperCase()} flows by path`,
      note: `to ${group[0]?.vip ?? ''}; height = ${formatCount(top)} flows`,
      look: 'areas',
      height: AREA_HEIGHT,
      rows: [],
      layers: series.map(({ ingress }, index) => ({ name: ingress, colour: palette(ingress), path: paths[index] ?? '' })),
    };
  });
}

function breakLane({ timeline }: Report, x: Scale): Lane {
  const series = timeline.breaks.map(({ vip, cause, breaks }) => ({
    vip,
    what: cause,
    colour: 'harm',
    steps: summed(breaks, timeline.stepMs ?? SECOND_MS),
  }));
  return barLane({ title: 'Flows broken', empty: 'none', series }, x);
}

function exchangeLane({ timeline }: Report, x: Scale): Lane {
  const kinds = [
    ['lost', 'lost', 'harm'],
    ['late', 'late', 'harm'],
    ['notSent', 'not sent', UNKNOWN_CLASS],
    ['invalid', 'invalid', UNKNOWN_CLASS],
  ] as const;
  const series = timeline.exchanges.flatMap((exchanges) =>
    kinds
      .map(([key, what, colour]) => ({ vip: exchanges.vip, what, colour, steps: summed(exchanges[key], SECOND_MS) }))
      .filter(({ steps }) => steps.values.some((value) => value > 0)),
  );
  return barLane({ title: 'Exchanges not ok', empty: timeline.exchanges.length === 0 ? 'not known' : 'none', series }, x);
}

type BarSeries = { vip: string; what: string; colour: string; steps: Steps };

function barLane({ title, empty, series }: { title: string; empty: string; series: BarSeries[] }, x: Scale): Lane {
  const vips = new Set(series.map(({ vip }) => vip));
  const rows = series.map(({ vip, what, colour, steps }, index): Row => {
    const total = formatCount(steps.values.reduce((sum, value) => sum + value, 0));
    const label = `${what} ${total}${vips.size > 1 ? ` ${vip}` : ''}`;
    return { label, colour, top: index * BAR_ROW, height: BAR_ROW, boxes: barsOf(steps, what, x) };
  });
  return { title, note: rows.length === 0 ? empty : '', look: 'bars', height: rows.length * BAR_ROW, rows, layers: [] };
}

function barsOf({ stepMs, values }: Steps, what: string, x: Scale): Box[] {
  const top = Math.max(1, ...values);
  return values.flatMap((value, step) => {
    if (value === 0) return [];
    const [fromT, untilT] = [step * stepMs, (step + 1) * stepMs];
    // A single break among thousands must be seen.
    const height = Math.max(2, roundOff((value / top) * (BAR_ROW - 4)));
    const says = `${formatCount(value)} ${what} from ${formatT(fromT)} to ${formatT(untilT)}`;
    return [{ ...stretch(fromT, untilT, x), y: BAR_ROW - height, height, says }];
  });
}

/** Instants of the control plane and the probers; faults have a lane of their own. */
function markLane({ timeline }: Report, x: Scale): Lane {
  const kinds = [
    ['bgp', 'BGP', 'ink'],
    ['cluster', 'cluster', 'ink'],
    ['prober', 'prober', UNKNOWN_CLASS],
    ['note', 'note', 'ink'],
  ] as const;
  const rows = kinds
    .map(([kind, label, colour]) => ({ label, colour, marks: timeline.marks.filter((mark) => mark.kind === kind) }))
    .filter(({ marks }) => marks.length > 0)
    .map(({ label, colour, marks }, index) => ({
      label,
      colour,
      top: index * SPAN_ROW,
      height: SPAN_ROW,
      boxes: marks.map(({ t, text }) => ({ x: roundOff(x(t)), width: 0, y: 2, height: SPAN_ROW - 4, says: `${formatT(t)}: ${text}` })),
    }));
  return {
    title: 'Control plane and probers',
    note: rows.length === 0 ? 'nothing' : '',
    look: 'marks',
    height: rows.length * SPAN_ROW,
    rows,
    layers: [],
  };
}

function stretch(fromT: number, untilT: number, x: Scale): { x: number; width: number } {
  return { x: roundOff(x(fromT)), width: Math.max(0.5, roundOff(x(untilT) - x(fromT))) };
}

/** From the number of a step to its place. */
function scaleOfSteps(x: Scale, stepMs: number): Scale {
  return linearScale([0, 1], [x(0), x(stepMs)]);
}
