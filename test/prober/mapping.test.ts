import { describe, expect, test } from 'vitest';
import { isSecondTryDue, type Tries } from '../../src/prober/mapping.ts';

function someTries(tries: Partial<Tries> = {}): Tries {
  return { startedT: [10_000], isUnderWay: false, hasMapped: false, ...tries };
}

describe('when the next-hop set has settled, a broken 5-tuple is dialled a second time', () => {
  test('if the first try failed', () => {
    expect(isSecondTryDue(someTries(), 11_000)).toBe(true);
  });

  test('if the set changed after the first try: it settles two seconds after its last change', () => {
    expect(isSecondTryDue(someTries({ hasMapped: true }), 12_100)).toBe(true);
    expect(isSecondTryDue(someTries({ hasMapped: true }), 11_900)).toBe(false);
  });

  test('but not before a first try, nor beside one, nor ever a third time: it must not insist', () => {
    expect(isSecondTryDue(someTries({ startedT: [] }), 20_000)).toBe(false);
    expect(isSecondTryDue(someTries({ isUnderWay: true }), 20_000)).toBe(false);
    expect(isSecondTryDue(someTries({ startedT: [10_000, 13_000] }), 20_000)).toBe(false);
  });
});
