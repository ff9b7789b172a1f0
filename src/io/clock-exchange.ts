// What another machine's monotonic clock reads, seen from here, by an exchange of readings (RFC 5905 section 8). Pure.

/** Sent and got on our own monotonic clock, received and answered on the other one's; ms. */
export type ClockExchange = { sentMs: number; receivedThereMs: number; answeredThereMs: number; gotMs: number };

/** Two quartz clocks drift apart by less; what NTP makes of CLOCK_MONOTONIC stays below it too (adjtimex(2)). */
export const CLOCK_DRIFT = 50e-6;

/**
 * there = here + offsetMs, off by at most errMs at `nowMs`. An exchange proves that the offset lay between (answered - got) and
 * (received - sent); the middle is off by half of the round trip at most, and by the drift since it began.
 */
export function boundedOffset(exchange: ClockExchange, nowMs: number): { offsetMs: number; errMs: number } {
  const { sentMs, receivedThereMs, answeredThereMs, gotMs } = exchange;
  const most = receivedThereMs - sentMs;
  const least = answeredThereMs - gotMs;
  return { offsetMs: (most + least) / 2, errMs: Math.max(0, (most - least) / 2) + CLOCK_DRIFT * (nowMs - sentMs) };
}
