// How many next hops a fault must leave.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hopsLeftOf, hopsLeftWithout, minimumNextHops } from '../../src/keeper/next-hop-minimum.ts';
import { SmallNetwork } from '../support/small-network.ts';

test('with two next hops every fault is refused, with three to sixteen one may go', () => {
  expect(minimumNextHops(2, undefined)).toBe(2);
  for (let baseline = 3; baseline <= 16; baseline += 1) expect(minimumNextHops(baseline, undefined)).toBeLessThanOrEqual(baseline - 1);
});

test('the minimum is at least two and at least two thirds of the baseline, and the file overrules it', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000 }), (baseline) => {
      const minimum = minimumNextHops(baseline, undefined);
      expect(minimum).toBeGreaterThanOrEqual(2);
      expect(minimum * 3).toBeGreaterThanOrEqual(baseline * 2);
      expect(minimum === 2 || (minimum - 1) * 3 < baseline * 2).toBe(true);
      expect(minimumNextHops(baseline, 1)).toBe(1);
    }),
  );
});

test('a hop that nobody owns counts as the target’s, and a VIP without the target is left out', () => {
  const { environment } = new SmallNetwork();
  const [n1] = environment.nodes;
  if (!n1) throw new Error('a node');
  expect(hopsLeftWithout(n1, ['10.0.0.1', '10.0.0.2', '10.0.0.3'], environment)).toBe(2);
  expect(hopsLeftWithout(n1, ['10.0.0.2', '10.0.0.3'], environment)).toBeNull();
  expect(hopsLeftWithout(n1, ['10.0.0.2', 'fe80::1'], environment)).toBe(1);
  expect(hopsLeftWithout(n1, [], environment)).toBeNull();
});

test('of pods that may be away at once those count that empty the most nodes, and only nodes that advertise are left', () => {
  const { environment } = new SmallNetwork(4);
  const byNode = new Map([
    ['n1', 2],
    ['n2', 1],
    ['n3', 1],
  ]);
  const hops = ['10.0.0.1', '10.0.0.2', '10.0.0.4', '10.0.0.9'];
  const left = (awayAtOnce: number) => hopsLeftOf({ byNode, awayAtOnce }, hops, environment);
  expect([0, 1, 2, 3, 4].map(left)).toEqual([2, 1, 1, 0, 0]);
});
