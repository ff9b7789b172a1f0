import { expect, test } from 'vitest';
import type { Pulse } from '../../src/core/control.ts';
import { StopConditions } from '../../src/runner/stop-conditions.ts';

function aPulse(ill: boolean): Pulse {
  return {
    type: 'pulse',
    t: 0,
    open: 1,
    opening: 0,
    broken: 0,
    ill,
    paths: [],
    tally: { scheduled: 0, ok: 0, late: 0, lost: 0, notSent: 0, invalid: 0 },
  };
}

test('a vantage that falls silent for over ten seconds stops the run, by name', () => {
  const stop = new StopConditions();
  stop.watch('v1', 0);
  stop.watch('v2', 0);
  stop.take('v1', aPulse(false), 9_000);
  expect(stop.reasonAt(10_000)).toBeNull();
  expect(stop.reasonAt(10_001)).toMatch(/no fresh data from v2/);
});

test('one stall does not stop the run, an illness of three seconds does', () => {
  const stop = new StopConditions();
  stop.watch('v1', 0);
  for (const [t, ill] of [
    [1000, true],
    [2000, true],
    [3000, false],
    [4000, true],
    [5000, true],
  ] as const) {
    stop.take('v1', aPulse(ill), t);
    expect(stop.reasonAt(t)).toBeNull();
  }
  stop.take('v1', aPulse(true), 6000);
  expect(stop.reasonAt(6000)).toMatch(/prober at v1 has been ill/);
});
