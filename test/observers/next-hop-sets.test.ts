// Which reading of a next-hop set is news, and when a set has settled.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NextHopSets, SETTLED_AFTER_MS } from '../../src/observers/next-hop-sets.ts';

const reading = (...addresses: string[]) => ({ prefix: '10.0.0.1/32', nextHops: addresses.map((address) => ({ address, node: null })) });

describe('next-hop sets', () => {
  it('what stands at the first look is settled', () => {
    expect(new NextHopSets().saw(reading('a', 'b'), 5)).toEqual({ ...reading('a', 'b'), t: 5, settled: true });
  });

  it('a change is told at once, and again when it has stood for two seconds', () => {
    const sets = new NextHopSets();
    sets.saw(reading('a', 'b', 'c'), 0);
    expect(sets.saw(reading('a', 'c'), 1_000)).toMatchObject({ t: 1_000, settled: false });
    expect(sets.nextSettleT()).toBe(3_000);
    expect(sets.saw(reading('a', 'c'), 2_999)).toBeNull();
    expect(sets.saw(reading('a', 'c'), 3_000)).toMatchObject({ t: 3_000, settled: true });
    expect(sets.saw(reading('a', 'c'), 9_000)).toBeNull();
    expect(sets.nextSettleT()).toBe(Infinity);
  });

  it('a set that changes and changes back within two seconds has two changes and settles after the second', () => {
    const sets = new NextHopSets();
    sets.saw(reading('a', 'b'), 0);
    sets.saw(reading('a'), 1_000);
    expect(sets.saw(reading('a', 'b'), 2_000)).toMatchObject({ settled: false });
    expect(sets.saw(reading('a', 'b'), 3_500)).toBeNull();
    expect(sets.saw(reading('a', 'b'), 4_000)).toMatchObject({ settled: true });
  });

  it('a changed order is a changed set: the hash sees it', () => {
    const sets = new NextHopSets();
    sets.saw(reading('a', 'b'), 0);
    expect(sets.saw(reading('b', 'a'), 10)).not.toBeNull();
  });

  it('each prefix has its own story', () => {
    const sets = new NextHopSets();
    sets.saw(reading('a'), 0);
    expect(sets.saw({ ...reading('b'), prefix: '10.0.0.2/32' }, 10)).toMatchObject({ settled: true });
    expect(sets.saw(reading('a'), 20)).toBeNull();
  });

  it('after blindness everything is told anew, as settled as it was', () => {
    const sets = new NextHopSets();
    sets.saw(reading('a'), 0);
    expect(sets.saw(reading('a'), 5_000, true)).toMatchObject({ settled: true });
    expect(sets.saw(reading('b'), 6_000, true)).toMatchObject({ settled: false });
    expect(sets.saw(reading('b'), 6_500, true)).toMatchObject({ settled: false });
  });

  it('whatever comes, news end with the set that stands, and it is settled exactly when nothing changed for two seconds', () => {
    const step = fc.record({ set: fc.subarray(['a', 'b', 'c']), afterMs: fc.integer({ min: 1, max: 1_500 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), (steps) => {
        const sets = new NextHopSets();
        let t = 0;
        let changedT = -SETTLED_AFTER_MS;
        let before: string | null = null;
        let told: { set: string; settled: boolean } | null = null;
        for (const { set, afterMs } of steps) {
          t += afterMs;
          const news = sets.saw(reading(...set), t);
          if (before !== null && before !== set.join()) changedT = t;
          before = set.join();
          if (news) told = { set: news.nextHops.map((hop) => hop.address).join(), settled: news.settled };
          expect(told).toEqual({ set: before, settled: t - changedT >= SETTLED_AFTER_MS });
        }
      }),
    );
  });
});
