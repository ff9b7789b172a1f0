// Where the interval of a share lies on a bar of 100 units.
import { linearScale, roundOff } from './scales.ts';

/** A share and its interval, all in 0..1. */
export type IntervalOfShare = { low: number; high: number; value: number };

/**
 * @param from share at the bar's left end; what lies below it is drawn there
 * @returns a span at least one unit wide, or a narrow interval could not be seen, and the place of the value
 */
export function placeInterval(share: IntervalOfShare, from = 0): { x: number; width: number; value: number } {
  const x = linearScale([from, 1], [0, 100]);
  const place = (each: number) => roundOff(Math.min(100, Math.max(0, x(each))));
  const [low, high] = [place(share.low), place(share.high)];
  return { x: Math.min(99, low), width: Math.max(1, roundOff(high - low)), value: place(share.value) };
}
