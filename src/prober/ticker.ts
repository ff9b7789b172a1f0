// The one ticker of a prober: on a fixed grid, so that what is due on the grid is sent when it is due.

/** Exchanges are due at multiples of this after the start: a finer schedule would only be measured as latency. */
export const TICK_MS = 10;

/**
 * Calls back just after every point of the grid `originMs + n * TICK_MS`, as soon as it can; a point that was missed is not made up for.
 * @param options `now` monotonic, ms
 */
export function startTicker(options: { originMs: number; now: () => number; onTick: () => void }): Disposable {
  const { originMs, now, onTick } = options;
  let nextMs = originMs;
  let timer = setTimeout(tick, 0);
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
    },
  };

  function tick(): void {
    const nowMs = now();
    if (nowMs >= nextMs) {
      nextMs = originMs + (Math.floor((nowMs - originMs) / TICK_MS) + 1) * TICK_MS;
      // Armed first: what is done in a tick may dispose of the ticker.
      timer = setTimeout(tick, Math.ceil(nextMs - nowMs));
      onTick();
    } else {
      // Timers count whole milliseconds of the loop's own clock, and may be that early.
      timer = setTimeout(tick, 1);
    }
  }
}
