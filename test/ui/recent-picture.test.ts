// The picture of the last five minutes claims no more than what was told.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SecondOfVip } from '../../src/core/api.ts';
import { paletteOfNames } from '../../src/report/drawing/palette.ts';
import { layOutRecent, SECONDS } from '../../src/ui/drawing/recent-picture.ts';

const UNTIL_MS = Date.UTC(2026, 10, 25, 22, 0, 0);
const FROM_MS = UNTIL_MS - SECONDS * 1_000;
const SIZE = { width: 602, gutter: 0 };

function aSecond(slot: number, given: Partial<SecondOfVip> = {}): SecondOfVip {
  return { atMs: FROM_MS + slot * 1_000, vip: 'web', byPath: { n1: 3, n2: 2 }, lost: 0, broke: 0, ...given };
}

function lay(recent: readonly SecondOfVip[], findings: Parameters<typeof layOutRecent>[0]['findings'] = []) {
  return layOutRecent({ vip: 'web', recent, findings, untilMs: UNTIL_MS, palette: paletteOfNames(['n1', 'n2']) }, SIZE);
}

const whole = Array.from({ length: SECONDS }, (_, slot) => aSecond(slot));

describe('the picture of the last five minutes', () => {
  test('draws each path in its colour, and says the numbers', () => {
    const picture = lay(whole);
    expect(picture.lanes[0]?.layers.map(({ path, colour }) => [path, colour])).toEqual([
      ['n1', 'p0'],
      ['n2', 'p1'],
    ]);
    expect(picture.says).toBe('web, the last five minutes: 3 flows on n1, 2 flows on n2; 0 exchanges lost, 0 flows broken.');
    expect(picture.gaps).toEqual([]);
  });

  test('what nobody told is unknown, not zero', () => {
    const picture = lay(whole.filter((_, slot) => slot < 100 || slot >= 150));
    expect(picture.gaps.map(({ x, width, says }) => ({ x, width, says }))).toEqual([
      { x: 200, width: 100, says: 'unknown: no data for 50 s' },
    ]);
    expect(picture.says).toContain('50 seconds unknown');
    expect(lay([]).gaps).toMatchObject([{ x: 0, width: 600 }]);
    expect(lay([]).says).toContain('no flow seen');
  });

  test('the second that is not over yet is no gap', () => {
    expect(lay(whole.slice(0, -2)).gaps).toEqual([]);
  });

  test('one lost exchange among thousands is still seen', () => {
    const picture = lay([...whole.slice(0, 298), aSecond(298, { lost: 1 }), aSecond(299, { lost: 9_999 })]);
    expect(picture.lanes[1]?.bars[0]?.height).toBeGreaterThanOrEqual(3);
    expect(picture.lanes[1]?.note).toBe('10,000');
  });

  test('another VIP and other times are left out', () => {
    expect(lay([aSecond(10, { vip: 'dns' }), aSecond(-1), aSecond(SECONDS)]).lanes[0]?.layers).toEqual([]);
  });

  test('a finding shades its time, cut at the ends; one of another VIP does not', () => {
    const picture = lay(whole, [
      { vip: 'web', openedMs: FROM_MS - 60_000, resolvedMs: FROM_MS + 30_000, sentence: 'over' },
      { vip: null, openedMs: UNTIL_MS - 60_000, resolvedMs: null, sentence: 'open' },
      { vip: 'dns', openedMs: FROM_MS, resolvedMs: null, sentence: 'elsewhere' },
      { vip: 'web', openedMs: FROM_MS - 60_000, resolvedMs: FROM_MS - 30_000, sentence: 'long over' },
    ]);
    expect(picture.spans.map(({ x, width, says, isOpen }) => ({ x, width, says, isOpen }))).toEqual([
      { x: 0, width: 60, says: 'over', isOpen: false },
      { x: 480, width: 120, says: 'open', isOpen: true },
    ]);
  });

  test('nothing lies outside the plot, whatever was told', () => {
    const second = fc.record({
      atMs: fc.integer({ min: FROM_MS - 100_000, max: UNTIL_MS + 100_000 }),
      vip: fc.constantFrom('web', 'dns'),
      byPath: fc.dictionary(fc.constantFrom('n1', 'n2', 'unknown'), fc.nat(5_000), { noNullPrototype: true }),
      lost: fc.nat(10_000),
      broke: fc.nat(10_000),
    });
    fc.assert(
      fc.property(fc.array(second, { maxLength: 400 }), (recent) => {
        const { lanes, gaps, plotWidth, plotHeight } = lay(recent);
        for (const { x, width } of [...gaps, ...lanes.flatMap(({ bars }) => bars)]) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x + width).toBeLessThanOrEqual(plotWidth + 0.02);
        }
        for (const lane of lanes) {
          for (const { y, height } of lane.bars) expect(y >= 0 && y + height <= lane.height).toBe(true);
          expect(lane.top + lane.height).toBeLessThanOrEqual(plotHeight);
          const numbers = lane.layers.flatMap(({ d }) => d.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
          expect(numbers.every((number) => number >= 0 && number <= plotWidth)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});
