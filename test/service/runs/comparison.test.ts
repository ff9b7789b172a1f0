import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareOf } from '../../../src/analysis/intervals.ts';
import { changeOf, comparisonOf, differenceOf } from '../../../src/service/runs/comparison.ts';
import { figuresOf, parseFigures } from '../../../src/service/runs/figures.ts';
import { simulateRun } from '../../support/a-run.ts';

const share = fc.integer({ min: 1, max: 5_000 }).chain((n) => fc.integer({ min: 0, max: n }).map((count) => shareOf(count, n)));

const breaks = (count: number, n: number) => ({ name: 'breaks of tcp flows', count, n });

test('a small difference is told as noise, with both shares and what they are of', () => {
  expect(comparisonOf([breaks(84, 256)], [[breaks(80, 256)], [breaks(78, 256)]])).toEqual([
    'breaks of tcp flows 31 % -> 33 %, within noise (256 flows against 512 of the last 2 runs)',
  ]);
});

test('a large one is told as worse or better', () => {
  expect(comparisonOf([breaks(200, 256)], [[breaks(80, 256)]])).toEqual([
    'worse: breaks of tcp flows 31 % -> 78 % (256 flows against 256 of the last run)',
  ]);
  expect(comparisonOf([breaks(0, 256)], [[breaks(80, 256)]])?.[0]).toMatch(/^better: .* 31 % -> 0 %/);
});

test('nothing to compare with is nothing, not a difference', () => {
  expect(comparisonOf([breaks(1, 10)], [])).toBeNull();
  expect(comparisonOf([breaks(1, 10)], [[{ name: 'breaks of udp flows', count: 1, n: 10 }]])).toBeNull();
  expect(comparisonOf([], [[breaks(1, 10)]])).toBeNull();
});

test('what earlier runs already showed is never a change, and a change always points the way the share went', () => {
  fc.assert(
    fc.property(share, fc.array(share, { minLength: 1, maxLength: 10 }), (now, earlier) => {
      expect(changeOf(now, [...earlier, now])).toBe('noise');
      const change = changeOf(now, earlier);
      const p = now.count / now.n;
      const shares = earlier.map(({ count, n }) => count / n);
      if (change === 'worse') expect(p).toBeGreaterThan(Math.max(...shares));
      if (change === 'better') expect(p).toBeLessThan(Math.min(...shares));
    }),
  );
});

test('the interval of a difference holds the difference, turns round with it, and narrows with more flows', () => {
  fc.assert(
    fc.property(share, share, (a, b) => {
      const there = differenceOf(a, b);
      const back = differenceOf(b, a);
      expect(there.low).toBeLessThanOrEqual(there.value);
      expect(there.high).toBeGreaterThanOrEqual(there.value);
      expect(there.low).toBeCloseTo(-back.high, 12);
      expect(there.high).toBeCloseTo(-back.low, 12);
      const more = differenceOf(shareOf(a.count * 4, a.n * 4), shareOf(b.count * 4, b.n * 4));
      expect(more.high - more.low).toBeLessThanOrEqual(there.high - there.low + 1e-12);
    }),
  );
});

test("Newcombe's own example: 56 of 70 against 48 of 80 differ by 0.20, from 0.0524 to 0.3339", () => {
  const { value, low, high } = differenceOf(shareOf(48, 80), shareOf(56, 70));
  expect(value).toBeCloseTo(0.2, 10);
  expect(low).toBeCloseTo(0.0524, 4);
  expect(high).toBeCloseTo(0.3339, 4);
});

test('figures of a real report are kept and read again', () => {
  const { report } = simulateRun();
  const figures = figuresOf(report);
  expect(figures.some(({ name, count }) => name === 'breaks of tcp flows' && count > 0)).toBe(true);
  for (const { count, n } of figures) expect(count).toBeLessThanOrEqual(n);
  expect(parseFigures(JSON.stringify(figures))).toEqual(figures);
  expect(parseFigures(null)).toBeNull();
  expect(parseFigures('{"of":"another version"}')).toBeNull();
});
