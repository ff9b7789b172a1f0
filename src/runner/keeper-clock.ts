// The clock of a keeper's machine against the runner's: what it writes of faults must stand at its place among what probers saw.
import { boundedOffset, CLOCK_DRIFT, type ClockExchange } from '../io/clock-exchange.ts';

/** One reading of the keeper's clock; `boot` names the machine whose clock it is. */
export type ClockReading = { boot: string; monoMs: number };

/** keeper = runner + offsetMs, to within `errMs(now)`. */
export type KeeperClock = { offsetMs: number; errMs(nowMs: number): number };

const SAME: KeeperClock = { offsetMs: 0, errMs: () => 0 };
/** The shortest round trip of these bounds the error. */
const EXCHANGES = 8;

/**
 * Compares the clocks. On one machine there is one clock, and nothing to compare.
 * @param read asks the keeper for a reading
 * @param own boot id of this machine and its monotonic clock, ms
 * @throws what `read` throws
 */
export async function compareClocks(read: () => Promise<ClockReading>, own: { boot: string; now: () => number }): Promise<KeeperClock> {
  const exchanges: ClockExchange[] = [];
  for (let left = EXCHANGES; left > 0; left -= 1) {
    const sentMs = own.now();
    const { boot, monoMs } = await read();
    if (boot === own.boot) return SAME;
    exchanges.push({ sentMs, receivedThereMs: monoMs, answeredThereMs: monoMs, gotMs: own.now() });
  }
  const nowMs = own.now();
  const [best] = exchanges.map((exchange) => boundedOffset(exchange, nowMs)).sort((a, b) => a.errMs - b.errMs);
  if (!best) return SAME;
  return { offsetMs: best.offsetMs, errMs: (atMs) => best.errMs + CLOCK_DRIFT * Math.max(0, atMs - nowMs) };
}
