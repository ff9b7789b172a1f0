import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bootstrapAvailability, seedFor } from '../../src/analysis/bootstrap.ts';
import { shareOf } from '../../src/analysis/intervals.ts';

const Z = 1.959963984540054;

test('a Wilson bound is the share at which the observed one is just 1.96 standard errors away', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, part) => {
      const count = Math.round(part * n);
      const { low, high } = shareOf(count, n);
      for (const bound of [low, high]) {
        if (bound === 0 || bound === 1) continue;
        expect(Math.abs(count / n - bound)).toBeCloseTo(Z * Math.sqrt((bound * (1 - bound)) / n), 9);
      }
      expect(low).toBeLessThanOrEqual(count / n);
      expect(high).toBeGreaterThanOrEqual(count / n);
    }),
  );
});

test('nothing counted says nothing, and none or all keeps its own end', () => {
  expect(shareOf(0, 0)).toEqual({ count: 0, n: 0, low: 0, high: 1 });
  expect(shareOf(0, 100)).toMatchObject({ low: 0, high: expect.closeTo(0.037, 3) as number });
  expect(shareOf(100, 100)).toMatchObject({ low: expect.closeTo(0.963, 3) as number, high: 1 });
});

test('a bootstrap over flows is as wide as flows that fail together are', () => {
  // 50 of 1,000 flows lost all of their 100 exchanges: a share of flows, so its interval is about the binomial one.
  const clustered = bootstrapAvailability(new Map([[100, 50]]), { flows: 1_000, exchanges: 100_000 }, 1);
  const binomial = 1.96 * Math.sqrt((0.05 * 0.95) / 1_000);
  expect(clustered.low).toBeCloseTo(0.95 - binomial, 2);
  expect(clustered.high).toBeCloseTo(0.95 + binomial, 2);
  // The same losses, five of every flow: every draw is the same.
  expect(bootstrapAvailability(new Map([[5, 1_000]]), { flows: 1_000, exchanges: 100_000 }, 1)).toEqual({ low: 0.95, high: 0.95 });
  expect(bootstrapAvailability(new Map(), { flows: 1_000, exchanges: 100_000 }, 1)).toEqual({ low: 1, high: 1 });
});

test('a bootstrap holds the value, whatever was lost by how many', () => {
  const losses = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 400 })), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(losses, fc.nat(), (classes, seed) => {
      const byLoss = new Map(classes);
      const lossy = [...byLoss.values()].reduce((sum, flows) => sum + flows, 0);
      const lost = [...byLoss].reduce((sum, [each, flows]) => sum + each * flows, 0);
      const exchanges = 2 * lossy * 50;
      const { low, high } = bootstrapAvailability(byLoss, { flows: 2 * lossy, exchanges }, seed);
      expect(low).toBeLessThanOrEqual(1 - lost / exchanges + 1e-9);
      expect(high).toBeGreaterThanOrEqual(1 - lost / exchanges - 1e-9);
    }),
    { numRuns: 50 },
  );
});

test('every question has a seed of its own, the same in every report', () => {
  expect(seedFor(7, 'path v1 web')).toBe(seedFor(7, 'path v1 web'));
  expect(seedFor(7, 'path v1 web')).not.toBe(seedFor(8, 'path v1 web'));
  expect(seedFor(7, 'path v1 web')).not.toBe(seedFor(7, 'path v2 web'));
});
