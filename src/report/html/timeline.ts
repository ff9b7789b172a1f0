// The time axis as SVG, in three sizes of which a screen shows the one that fits; a script may zoom it.
import type { Report } from '../../core/report-format.ts';
import type { Palette } from '../drawing/palette.ts';
import type { Lane, Row } from '../drawing/timeline-lanes.ts';
import {
  AXIS_HEIGHT,
  layOutTimeline,
  TITLE_HEIGHT,
  WINDOWS_HEIGHT,
  type PlacedLane,
  type TimelineLayout,
} from '../drawing/timeline-layout.ts';
import { formatCounted, formatT } from '../format.ts';
import { h, type Markup } from './markup.ts';
import { nothing, pathChip, section, table } from './table.ts';

const SIZES = [
  { name: 'wide', width: 1_080, gutter: 150 },
  { name: 'middling', width: 720, gutter: 120 },
  { name: 'narrow', width: 380, gutter: 98 },
] as const;
/** Average advance of the label font at its size. */
const CHARACTER_WIDTH = 6.4;

export function timelineSection(report: Report, palette: Palette): Markup {
  const drawings = SIZES.flatMap((size) => {
    const layout = layOutTimeline(report, palette, size);
    return layout ? [drawTimeline(layout, size.name, describe(report))] : [];
  });
  if (drawings.length === 0) return section('time', 'One time axis', nothing('Nothing was measured, so there is no time to show.'));
  const paths = [...new Set(report.timeline.flows.map(({ ingress }) => ingress))];
  return section(
    'time',
    'One time axis',
    h(
      'ul',
      { class: 'legend', 'aria-label': 'Colours' },
      paths.map((path) => h('li', null, pathChip(path, palette))),
      h('li', null, h('span', { class: 'path' }, h('i', { class: 'chip harm' }), 'harm')),
      h('li', null, h('span', { class: 'path' }, h('i', { class: 'chip pu' }), "not known, or the prober's own")),
    ),
    h('div', { class: 'zoom', hidden: true, 'data-zoom': true }),
    h('figure', { class: 'time', 'data-end': Math.max(report.durationMs, report.timeline.bins * 1_000) }, drawings),
    marksTable(report),
  );
}

function describe(report: Report): string {
  const windows = report.events.map(({ phase, fromT, untilT }) => `${phase} from ${formatT(fromT)} to ${formatT(untilT)}`);
  const broken = report.timeline.breaks.reduce((sum, { breaks }) => sum + breaks.reduce((total, each) => total + each, 0), 0);
  return `Windows: ${windows.join('; ') || 'none'}. ${formatCounted(broken, 'flow')} broke. The tables below hold every number.`;
}

function drawTimeline(layout: TimelineLayout, name: string, description: string): Markup {
  const { width, height, gutter, plotWidth } = layout;
  const plotHeight = height - AXIS_HEIGHT;
  return h(
    'svg',
    {
      class: `timeline ${name}`,
      viewBox: `0 0 ${String(width)} ${String(height)}`,
      role: 'img',
      'aria-labelledby': `time-${name}-title time-${name}-desc`,
      'data-gutter': gutter,
      'data-plot': plotWidth,
      'data-base': plotHeight,
    },
    h('title', { id: `time-${name}-title` }, 'Faults, next hops, flows by path, breaks and lost exchanges on one time axis'),
    h('desc', { id: `time-${name}-desc` }, description),
    h(
      'svg',
      {
        class: 'plot',
        x: gutter,
        y: 0,
        width: plotWidth,
        height: plotHeight,
        viewBox: `0 0 ${String(plotWidth)} ${String(plotHeight)}`,
        preserveAspectRatio: 'none',
      },
      layout.windows.map(({ x, width: windowWidth, phase, label, fromT, untilT }) =>
        h(
          'rect',
          { class: `window ${phase}`, x, y: 0, width: windowWidth, height: plotHeight },
          h('title', null, `window ${label}: ${formatT(fromT)} to ${formatT(untilT)}`),
        ),
      ),
      h(
        'g',
        { class: 'grid' },
        layout.ticks.map(({ x }) => h('path', { d: `M${String(x)} ${String(WINDOWS_HEIGHT)}V${String(plotHeight)}` })),
      ),
      layout.lanes.map(drawLane),
    ),
    layout.windows.map(({ x, label, fromT }) => h('text', { class: 'window-name', x: gutter + x + 4, y: 14, 'data-t': fromT }, label)),
    layout.lanes.map((lane) => drawLabels(lane, layout)),
    h(
      'g',
      { class: 'axis' },
      layout.ticks.map(({ x, label }) => h('text', { x: gutter + x, y: height - 8 }, label)),
    ),
  );
}

function drawLane(lane: PlacedLane): Markup {
  const top = lane.top + TITLE_HEIGHT;
  return h(
    'g',
    { class: lane.look, transform: `translate(0 ${String(top)})` },
    lane.layers
      .filter(({ path }) => path !== '')
      .map(({ name, colour, path }) => h('path', { class: colour, d: path }, h('title', null, `flows on ${name}`))),
    lane.rows.map((row) => drawRow(row, lane.look)),
  );
}

function drawRow(row: Row, look: Lane['look']): Markup {
  const shapes = row.boxes.map(({ x, y, width, height, says }) => {
    const title = h('title', null, says);
    return look === 'marks'
      ? h('path', { d: `M${String(x)} ${String(y)}v${String(height)}` }, title)
      : h('rect', { x, y, width, height }, title);
  });
  const base = look === 'bars' ? h('path', { class: 'base', d: `M0 ${String(row.height)}H100000` }) : null;
  return h('g', { class: row.colour, transform: `translate(0 ${String(row.top)})` }, base, shapes);
}

/** Titles and labels lie outside the plot, which a zoom stretches. */
function drawLabels(lane: PlacedLane, { gutter }: TimelineLayout): Markup {
  const room = Math.floor((gutter - 8) / CHARACTER_WIDTH);
  return h(
    'g',
    { class: 'labels' },
    h(
      'text',
      { class: 'lane-title', x: 0, y: lane.top + 13 },
      lane.title,
      lane.note === '' ? null : h('tspan', { class: 'lane-note', dx: 6 }, lane.note),
    ),
    lane.rows.map(({ label, top, height }) =>
      h(
        'text',
        { x: gutter - 8, y: lane.top + TITLE_HEIGHT + top + height / 2 + 4, class: 'row-label' },
        label.length > room ? h('title', null, label) : null,
        label.length > room ? `${label.slice(0, room - 1)}…` : label,
      ),
    ),
  );
}

function marksTable({ timeline }: Report): Markup | null {
  if (timeline.marks.length === 0) return null;
  return h(
    'details',
    null,
    h('summary', null, `${formatCounted(timeline.marks.length, 'event')} of faults, control plane and probers, in words`),
    table({
      caption: 'Events of faults, BGP sessions and probers in the order of time',
      columns: [{ title: 'at', align: 'right' }, { title: 'of' }, { title: 'what' }],
      rows: timeline.marks.map(({ t, kind, text }) => [formatT(t), kind, text]),
    }),
  );
}
