// Places on drawings: scales, ticks, staircases, spans, matrices, colours.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/core/report-format.ts';
import { lastOf, summed } from '../../src/report/drawing/bins.ts';
import { matricesOf } from '../../src/report/drawing/matrices.ts';
import { nextHopSpans } from '../../src/report/drawing/next-hop-spans.ts';
import { paletteOf } from '../../src/report/drawing/palette.ts';
import { linearScale, ticks } from '../../src/report/drawing/scales.ts';
import { stackedSteps } from '../../src/report/drawing/stacked-steps.ts';
import { layOutTimeline } from '../../src/report/drawing/timeline-layout.ts';
import { simulateRun } from '../support/a-run.ts';
import { SOME_RUNS } from '../support/some-runs.ts';

test('ticks are round, in the range, and not more than asked for', () => {
  expect(ticks(0, 35, 7)).toEqual([0, 5, 10, 15, 20, 25, 30, 35]);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1_000 }),
      fc.integer({ min: 1, max: 90_000 }),
      fc.integer({ min: 1, max: 20 }),
      (from, length, count) => {
        const marks = ticks(from, from + length, count);
        expect(marks.every((mark) => mark >= from && mark <= from + length)).toBe(true);
        expect(marks.length).toBeLessThanOrEqual(count + 1);
      },
    ),
  );
});

test('areas lie upon each other without gap or overlap, in steps', () => {
  const scales = { x: linearScale([0, 3], [0, 30]), y: linearScale([0, 10], [100, 0]) };
  expect(
    stackedSteps(
      [
        [4, 4, 1],
        [6, 6, 0],
        [0, 0, 0],
      ],
      scales,
    ),
  ).toEqual(['M0 60L20 60L20 90L30 90L30 100L0 100Z', 'M0 0L20 0L20 90L30 90L30 90L20 90L20 60L0 60Z', '']);
});

test('long series keep their sums, and their last values', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 5_000 }), (values) => {
      const total = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);
      const { stepMs, values: steps } = summed(values, 100);
      expect(total(steps)).toBe(total(values));
      expect(steps.length).toBeLessThanOrEqual(1_200);
      expect(steps.length * stepMs).toBeGreaterThanOrEqual(values.length * 100);
      expect(lastOf(values, 100).values.at(-1)).toBe(values.at(-1));
    }),
  );
});

describe('next hops over time', () => {
  const change = (t: number, nodes: string[]) => ({ t, router: 'tor', vip: 'web', nodes });
  const spansOf = (nextHops: Report['timeline']['nextHops']) => {
    const { report } = SOME_RUNS.held();
    return nextHopSpans({ ...report, durationMs: 9_000, timeline: { ...report.timeline, nextHops } })[0]?.nodes;
  };

  test('a node is there from the set that has it to the first that has not', () => {
    expect(spansOf([change(0, ['n1', 'n2']), change(2_000, ['n1']), change(3_000, ['n1']), change(5_000, ['n2', 'n1'])])).toEqual([
      { node: 'n1', spans: [{ fromT: 0, untilT: 9_000 }] },
      {
        node: 'n2',
        spans: [
          { fromT: 0, untilT: 2_000 },
          { fromT: 5_000, untilT: 9_000 },
        ],
      },
    ]);
  });

  test('before the first set nothing is claimed', () => {
    expect(spansOf([change(4_000, ['n1'])])).toEqual([{ node: 'n1', spans: [{ fromT: 4_000, untilT: 9_000 }] }]);
  });
});

test('a matrix counts every flow once, and unknown comes last', () => {
  const cell = (from: string, to: string, flows: number) => ({ vantage: 'v1', protocol: 'tcp', vip: 'web', from, to, flows });
  expect(matricesOf([cell('unknown', 'n1', 1), cell('n10', 'n1', 2), cell('n2', 'n2', 4)])).toEqual([
    {
      vantage: 'v1',
      protocol: 'tcp',
      vip: 'web',
      from: ['n2', 'n10', 'unknown'],
      to: ['n1', 'n2'],
      flows: [
        [0, 4],
        [2, 0],
        [1, 0],
      ],
      rowTotals: [4, 2, 1],
      movedFlows: 3,
    },
  ]);
});

test('each of twelve paths has a look of its own, and the unknown none of theirs', () => {
  const nodes = Array.from({ length: 12 }, (_, index) => `n${String(index + 1)}`);
  const palette = paletteOf(simulateRun({ nodes, count: 2 }).report);
  expect(new Set(nodes.map(palette)).size).toBe(12);
  expect([palette('n1'), palette('n7'), palette(null), palette('nobody')]).toEqual(['p0', 'p6', 'pu', 'pu']);
});

describe('the time axis', () => {
  const { report } = SOME_RUNS.deviated();
  const layout = layOutTimeline(report, paletteOf(report), { width: 1_000, gutter: 100 });

  test('puts everything within the plot', () => {
    const boxes = layout?.lanes.flatMap(({ rows }) => rows.flatMap((row) => row.boxes)) ?? [];
    expect(boxes.length).toBeGreaterThan(10);
    for (const { x, width } of boxes) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x + width).toBeLessThanOrEqual((layout?.plotWidth ?? 0) + 0.51);
    }
  });

  test('draws lanes below each other, none over the axis', () => {
    const lanes = layout?.lanes ?? [];
    lanes.forEach((lane, index) => {
      expect(lane.top + lane.height).toBeLessThan(lanes[index + 1]?.top ?? layout?.height ?? 0);
    });
  });

  test('is not drawn when nothing was measured', () => {
    const { report: empty } = SOME_RUNS.empty();
    expect(layOutTimeline(empty, paletteOf(empty), { width: 1_000, gutter: 100 })).toBeNull();
  });
});
