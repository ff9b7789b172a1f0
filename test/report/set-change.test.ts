// A change of next hops is told as people want to hear it.
import { describe, expect, test } from 'vitest';
import type { WindowNextHops } from '../../src/core/report-format.ts';
import { describeSets, describeSource } from '../../src/report/set-change.ts';

const told = (before: string[], after: string[], rest: Partial<WindowNextHops> = {}) =>
  describeSets({ router: 'tor', vip: 'web', from: 'observer', before, after, ...rest })
    .map((word) => ('text' in word ? word.text : word.names.join(' ')))
    .join(' ');

const many = Array.from({ length: 12 }, (_, index) => `n${String(index + 1)}`);

describe('a change of next hops', () => {
  test.each([
    ['of none', ['n1', 'n2'], ['n1', 'n2'], 'n1 n2 (unchanged)'],
    ['of one of three', ['n1', 'n2', 'n3'], ['n1', 'n3'], 'n1 n2 n3 → n1 n3'],
    ['to no route', ['n1'], [], 'n1 → no route'],
    ['of a long set', many, many.toSpliced(3, 1), '12 → 11 without n4'],
    ['both ways', many.slice(0, 8), [...many.slice(1, 8), 'n12'], '8 → 8 without n1 with n12'],
    ['of order alone', ['n1', 'n2'], ['n2', 'n1'], 'n1 n2 → n2 n1'],
  ])('%s', (_what, before, after, text) => {
    expect(told(before, after)).toBe(text);
  });

  test('that nobody saw is unknown, not empty', () => {
    expect(told(['n1'], [], { unknown: ['after'] })).toBe('n1 → unknown');
    expect(told([], [], { unknown: ['before', 'after'] })).toBe('unknown → unknown');
  });

  test('says who saw it', () => {
    const set = { router: 'tor', vip: 'web', before: [], after: [], from: 'flows' as const };
    expect(describeSource(set)).toBe('inferred from fresh flows');
    expect(describeSource({ ...set, vantage: 'v1' })).toBe('inferred from fresh flows of v1');
  });
});
