// Unix ms that never step while the service lives: the wall clock's reading at the start, carried on by the monotonic clock.
import type { ServiceClock } from '../parts.ts';

/** For waits that stand in the store as instants: a step of the wall clock neither fires nor delays them. */
export function steadyClock(clock: ServiceClock): () => number {
  const offsetMs = clock.nowMs() - clock.monoMs();
  return () => Math.round(offsetMs + clock.monoMs());
}
