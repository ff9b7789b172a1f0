import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDurationMs, parseDurationMs, parsePercent } from '../../src/core/units.ts';

test('a duration reads back as it was written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 86_400_000 }), (ms) => {
      expect(parseDurationMs(formatDurationMs(ms))).toBe(ms);
    }),
  );
});

test('a number without a unit is no duration, and nothing above 100 % is a share', () => {
  expect(parseDurationMs('5')).toBeNull();
  expect(parseDurationMs('-5s')).toBeNull();
  expect(parsePercent('101%')).toBeNull();
  expect(parsePercent('99.5%')).toBe(0.995);
});
