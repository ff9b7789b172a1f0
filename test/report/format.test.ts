// Numbers are never rounded into a claim that the data does not make.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareNames,
  formatCount,
  formatInterval,
  formatMs,
  formatMsPair,
  formatPercent,
  formatShare,
  formatT,
} from '../../src/report/format.ts';

describe('a share in percent', () => {
  test.each([
    [0, '0%'],
    [1, '100%'],
    [1 / 3, '33.3%'],
    [0.9996, '99.96%'],
    [0.0004, '0.04%'],
    [0.999_999_9, '>99.999%'],
    [0.000_000_1, '<0.001%'],
    [Number.NaN, 'unknown'],
  ])('%d is %s', (share, text) => {
    expect(formatPercent(share)).toBe(text);
  });

  test('is 0% or 100% only when it is', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
        const value = Number(formatPercent(share).replace(/[%<>]/g, ''));
        expect(value === 0).toBe(share === 0);
        expect(value === 100).toBe(share === 1);
        expect(Math.abs(value / 100 - share)).toBeLessThan(0.0006);
      }),
    );
  });
});

test('a share of nothing is unknown, and so is its interval', () => {
  expect(formatShare({ count: 0, n: 0, low: 0, high: 1 })).toBe('unknown');
  expect(formatInterval({ n: 0, low: 0, high: 1 })).toBe('unknown');
  expect(formatInterval({ n: 256, low: 0, high: 0.0148 })).toBe('0–1.5%');
});

test('counts have their thousands set apart', () => {
  expect([0, 999, 1_000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
});

test('times keep three digits or so, and what is not known is called so', () => {
  expect([0, 0.21, 1.84, 84, 7_912, 125_000, Number.NaN].map(formatMs)).toEqual([
    '0 ms',
    '0.21 ms',
    '1.8 ms',
    '84 ms',
    '7.9 s',
    '2 min 5 s',
    'unknown',
  ]);
  expect(formatMsPair(0.21, 1.7)).toBe('0.21 / 1.7 ms');
  expect(formatMsPair(900, 1_700)).toBe('900 ms / 1.7 s');
  expect([formatT(5_071.4), formatT(null)]).toEqual(['5.071 s', 'unknown']);
});

describe('names', () => {
  test('n2 comes before n10', () => {
    expect(['n10', 'n2', 'n1', 'm', 'n2-b', 'n2'].sort(compareNames)).toEqual(['m', 'n1', 'n2', 'n2', 'n2-b', 'n10']);
  });

  test('have one order, whatever they are', () => {
    const name = fc.string({ unit: fc.constantFrom('n', '1', '0', '-', 'a', 'é'), maxLength: 6 });
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(compareNames(a, b)) + Math.sign(compareNames(b, a))).toBe(0);
        expect(compareNames(a, b) === 0).toBe(a === b);
        if (compareNames(a, b) < 0 && compareNames(b, c) < 0) expect(compareNames(a, c)).toBeLessThan(0);
      }),
    );
  });
});
