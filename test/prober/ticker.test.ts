import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startTicker, TICK_MS } from '../../src/prober/ticker.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A ticker on a clock that the test moves on, a millisecond at a time, up to `untilMs`. */
function ticksOf(originMs: number, untilMs: number, stalls: Record<number, number> = {}): number[] {
  let nowMs = originMs;
  const ticks: number[] = [];
  using _ticker = startTicker({ originMs, now: () => nowMs, onTick: () => ticks.push(nowMs - originMs) });
  while (nowMs - originMs < untilMs) {
    nowMs += stalls[nowMs - originMs] ?? 1;
    vi.advanceTimersByTime(1);
  }
  return ticks;
}

test('a ticker ticks at every point of its grid', () => {
  expect(ticksOf(123.4, 50)).toEqual([1, 10, 20, 30, 40, 50]);
});

test('after a stall it ticks once, at once, and then on the same grid: nothing is made up for', () => {
  const ticks = ticksOf(0, 80, { 12: 25 });
  const after = ticks.filter((t) => t > 12);
  expect(after.length).toBeLessThanOrEqual(6);
  expect(after.slice(-3).map((t) => t % TICK_MS)).toEqual([0, 0, 0]);
});
