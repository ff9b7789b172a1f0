// An event carried from its prober's idea of the session clock to the session's own, with the bound of the error.
import type { JournalEvent } from '../core/journal.ts';

/** Every field of a prober's event that is an instant on the session's clock, in ms. */
const INSTANTS = ['t', 'onsetT', 'lastOkT', 'fromT', 'untilT'] as const;

/**
 * The event `shiftMs` later. A tally's bin, a whole second, moves once the shift is nearer to the next one.
 * @param errMs how far off the result may be; stamped as `clockErrMs` unless it is 0
 */
export function carriedEvent(event: JournalEvent, shiftMs: number, errMs: number): JournalEvent {
  if (shiftMs === 0 && errMs === 0) return event;
  const carried: Record<string, unknown> = { ...event };
  for (const field of INSTANTS) if (typeof carried[field] === 'number') carried[field] = roundedMs(carried[field] + shiftMs);
  if (event.type === 'tally') carried.bin = event.bin + Math.round(shiftMs / 1_000);
  if (errMs > 0) carried.clockErrMs = roundedMs(errMs);
  return carried as JournalEvent;
}

/** To a microsecond, as the prober writes them. */
function roundedMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
