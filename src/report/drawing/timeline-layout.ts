// The one time axis: where every lane, bar, area and mark of a run lies; no markup, so that any page can draw it.
import type { Phase } from '../../core/checks.ts';
import type { Report } from '../../core/report-format.ts';
import { linearScale, roundOff, ticks, type Scale } from './scales.ts';
import { lanesOf, type Lane } from './timeline-lanes.ts';
import type { Palette } from './palette.ts';

export type TimelineSize = {
  width: number;
  /** Left of the plot, for labels. */
  gutter: number;
};
export type PlacedLane = Lane & { top: number };
export type TimelineLayout = TimelineSize & {
  height: number;
  plotWidth: number;
  /** End of the axis, ms. */
  endT: number;
  /** Places of `x` are within the plot; `t` lets a zoom move them. */
  windows: { label: string; phase: Phase; fromT: number; untilT: number; x: number; width: number }[];
  ticks: { x: number; t: number; label: string }[];
  lanes: PlacedLane[];
};

/** Above the first lane: the names of the windows. */
export const WINDOWS_HEIGHT = 20;
/** A lane's title, and the gap after a lane. */
export const TITLE_HEIGHT = 18;
const LANE_GAP = 10;
export const AXIS_HEIGHT = 24;
const RIGHT_MARGIN = 12;

/** Lays out a run for a drawing of `size`; null when there is no time to draw. */
export function layOutTimeline(report: Report, palette: Palette, size: TimelineSize): TimelineLayout | null {
  const endT = Math.max(report.durationMs, report.timeline.bins * 1_000);
  if (report.timeline.bins === 0 || endT <= 0) return null;
  const plotWidth = size.width - size.gutter - RIGHT_MARGIN;
  const x = linearScale([0, endT], [0, plotWidth]);
  let top = WINDOWS_HEIGHT;
  const lanes = lanesOf(report, palette, x).map((lane) => {
    const placed = { ...lane, top };
    top += TITLE_HEIGHT + lane.height + LANE_GAP;
    return placed;
  });
  return { ...size, height: top + AXIS_HEIGHT, plotWidth, endT, windows: windowsOf(report, x), ticks: ticksOf(endT, plotWidth, x), lanes };
}

function windowsOf(report: Report, x: Scale): TimelineLayout['windows'] {
  return report.events.map(({ fromT, untilT, phase }, index) => {
    const width = roundOff(x(untilT) - x(fromT));
    const full = `${String(index)} ${phase}`;
    return { label: full.length * 6.5 < width ? full : String(index), phase, fromT, untilT, x: roundOff(x(fromT)), width };
  });
}

function ticksOf(endT: number, plotWidth: number, x: Scale): TimelineLayout['ticks'] {
  return ticks(0, endT / 1_000, plotWidth / 70).map((second) => ({
    t: second * 1_000,
    x: roundOff(x(second * 1_000)),
    label: `${String(second)} s`,
  }));
}
