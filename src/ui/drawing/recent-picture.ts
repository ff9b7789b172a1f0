// The last five minutes of one VIP on one time axis: where flows, losses, breaks and findings lie; no markup.
import type { SecondOfVip } from '../../core/api.ts';
import type { Finding } from '../../core/finding.ts';
import { compareNames, formatCount, formatCounted } from '../../report/format.ts';
import { UNKNOWN_CLASS, type Palette } from '../../report/drawing/palette.ts';
import { linearScale, roundOff, type Scale } from '../../report/drawing/scales.ts';
import { stackedSteps } from '../../report/drawing/stacked-steps.ts';

export type Box = { x: number; width: number; y: number; height: number; says: string };
export type RecentLane = {
  title: string;
  /** Said beside the title: a total, a scale, or that there was nothing. */
  note: string;
  top: number;
  height: number;
  colour: string;
  layers: { path: string; colour: string; d: string }[];
  bars: Box[];
};
export type RecentPicture = {
  width: number;
  height: number;
  gutter: number;
  plotWidth: number;
  plotHeight: number;
  ticks: { x: number; label: string }[];
  lanes: RecentLane[];
  /** Open and lately resolved findings. */
  spans: (Box & { isOpen: boolean })[];
  /** Stretches of which nobody told anything: not zero flows, but not known. */
  gaps: Box[];
  /** The picture in a sentence. */
  says: string;
};

export const SECONDS = 300;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const TITLE_HEIGHT = 18;
const LANE_GAP = 6;
const AXIS_HEIGHT = 20;
const AREA_HEIGHT = 64;
const BAR_HEIGHT = 16;

export type RecentInput = {
  vip: string;
  /** Of any VIP and length; what is not of `vip` or not of the last five minutes is left out. */
  recent: readonly SecondOfVip[];
  findings: readonly Pick<Finding, 'vip' | 'openedMs' | 'resolvedMs' | 'sentence'>[];
  /** Right end of the axis, Unix ms. */
  untilMs: number;
  palette: Palette;
};

export function layOutRecent(input: RecentInput, size: { width: number; gutter: number }): RecentPicture {
  const { vip, findings, palette } = input;
  const plotWidth = size.width - size.gutter - 2;
  const untilMs = Math.ceil(input.untilMs / SECOND_MS) * SECOND_MS;
  const fromMs = untilMs - SECONDS * SECOND_MS;
  const seconds = slotsOf(input, fromMs);
  const x = linearScale([fromMs, untilMs], [0, plotWidth]);
  const xOfSlot = linearScale([0, SECONDS], [0, plotWidth]);
  const lanes = stack([
    flowLane(seconds, palette, xOfSlot),
    barLane('Exchanges lost', 'lost', seconds, xOfSlot),
    barLane('Flows broken', 'broke', seconds, xOfSlot),
  ]);
  const last = lanes.at(-1);
  const plotHeight = (last?.top ?? 0) + TITLE_HEIGHT + (last?.height ?? 0) + LANE_GAP;
  const tall = { y: 0, height: plotHeight };
  return {
    ...size,
    plotWidth,
    plotHeight,
    height: plotHeight + AXIS_HEIGHT,
    lanes,
    ticks: ticksOf(fromMs, untilMs, x),
    spans: findings.flatMap((finding) => {
      const stretch = cut(finding.openedMs, finding.resolvedMs ?? untilMs, x);
      if ((finding.vip !== null && finding.vip !== vip) || stretch === null) return [];
      return [{ ...stretch, ...tall, says: finding.sentence, isOpen: finding.resolvedMs === null }];
    }),
    gaps: gapsOf(seconds).map(([from, until]) => ({
      ...tall,
      x: roundOff(xOfSlot(from)),
      width: roundOff(xOfSlot(until) - xOfSlot(from)),
      says: `unknown: no data for ${String(until - from)} s`,
    })),
    says: inWords(vip, seconds),
  };
}

type Slots = readonly (SecondOfVip | undefined)[];

function slotsOf({ recent, vip }: RecentInput, fromMs: number): Slots {
  const slots = new Array<SecondOfVip | undefined>(SECONDS).fill(undefined);
  for (const second of recent) {
    const slot = Math.floor((second.atMs - fromMs) / SECOND_MS);
    if (second.vip === vip && slot >= 0 && slot < SECONDS) slots[slot] = second;
  }
  return slots;
}

type BareLane = Omit<RecentLane, 'top'>;

function stack(lanes: readonly BareLane[]): RecentLane[] {
  let top = 0;
  return lanes.map((lane) => {
    const placed = { ...lane, top };
    top += TITLE_HEIGHT + lane.height + LANE_GAP;
    return placed;
  });
}

function flowLane(seconds: Slots, palette: Palette, x: Scale): BareLane {
  const paths = [...new Set(seconds.flatMap((second) => Object.keys(second?.byPath ?? {})))].sort(compareNames);
  const layers = paths.map((path) => seconds.map((second) => second?.byPath[path] ?? 0));
  const totals = seconds.map((_, slot) => layers.reduce((sum, layer) => sum + (layer[slot] ?? 0), 0));
  const most = Math.max(0, ...totals);
  const drawn = stackedSteps(layers, { x, y: linearScale([0, Math.max(1, most)], [AREA_HEIGHT, 0]) });
  return {
    title: 'Flows by path',
    note: most === 0 ? 'none' : `height = ${formatCounted(most, 'flow')}`,
    height: AREA_HEIGHT,
    colour: '',
    bars: [],
    layers: paths.flatMap((path, index) => {
      const d = drawn[index] ?? '';
      return d === '' ? [] : [{ path, d, colour: path === 'unknown' ? UNKNOWN_CLASS : palette(path) }];
    }),
  };
}

function barLane(title: string, field: 'lost' | 'broke', seconds: Slots, x: Scale): BareLane {
  const most = Math.max(1, ...seconds.map((second) => second?.[field] ?? 0));
  const height = linearScale([0, most], [0, BAR_HEIGHT]);
  const total = seconds.reduce((sum, second) => sum + (second?.[field] ?? 0), 0);
  return {
    title,
    note: total === 0 ? 'none' : formatCount(total),
    height: total === 0 ? 0 : BAR_HEIGHT,
    colour: 'harm',
    layers: [],
    bars: seconds.flatMap((second, slot) => {
      const count = second?.[field] ?? 0;
      if (second === undefined || count === 0) return [];
      // One of many must still be seen.
      const tall = roundOff(Math.max(3, height(count)));
      const wide = roundOff(Math.max(2, x(slot + 1) - x(slot)));
      return [
        { x: roundOff(x(slot)), width: wide, y: BAR_HEIGHT - tall, height: tall, says: `${timeOf(second.atMs)}: ${formatCount(count)}` },
      ];
    }),
  };
}

/** Unknown stretches as [from, until) in slots. */
function gapsOf(seconds: Slots): [number, number][] {
  const gaps: [number, number][] = [];
  seconds.forEach((second, slot) => {
    if (second !== undefined) return;
    const last = gaps.at(-1);
    if (last?.[1] === slot) last[1] = slot + 1;
    else gaps.push([slot, slot + 1]);
  });
  // The second that is just ending is told a moment later: no gap, only young.
  return gaps.filter(([from, until]) => until < SECONDS || until - from > 4);
}

function cut(fromMs: number, untilMs: number, x: Scale): { x: number; width: number } | null {
  const [from, until] = [Math.max(fromMs, x.from), Math.min(untilMs, x.to)];
  if (until < from) return null;
  return { x: roundOff(x(from)), width: Math.max(2, roundOff(x(until) - x(from))) };
}

function ticksOf(fromMs: number, untilMs: number, x: Scale): RecentPicture['ticks'] {
  const first = Math.ceil(fromMs / MINUTE_MS);
  const count = Math.floor(untilMs / MINUTE_MS) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * MINUTE_MS).map((ms) => ({
    x: roundOff(x(ms)),
    label: timeOf(ms).slice(0, 5),
  }));
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

function inWords(vip: string, seconds: Slots): string {
  const known = seconds.filter((second) => second !== undefined);
  const sum = (field: 'lost' | 'broke') => known.reduce((total, second) => total + second[field], 0);
  const newest = Object.entries(known.at(-1)?.byPath ?? {})
    .sort(([a], [b]) => compareNames(a, b))
    .map(([path, flows]) => `${formatCounted(flows, 'flow')} on ${path}`);
  const unknown = SECONDS - known.length;
  return [
    `${vip}, the last five minutes: ${newest.join(', ') || 'no flow seen'};`,
    `${formatCounted(sum('lost'), 'exchange')} lost, ${formatCounted(sum('broke'), 'flow')} broken`,
    unknown > 0 ? `; ${formatCounted(unknown, 'second')} unknown.` : '.',
  ]
    .join(' ')
    .replace(' ;', ';')
    .replace(' .', '.');
}
