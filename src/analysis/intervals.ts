// How sure a share is: Wilson's interval for counts of flows.
import type { Share } from '../core/report-format.ts';

/** The 97.5 % point of the normal distribution: two-sided 95 %. */
const Z = 1.959963984540054;

/**
 * `count` of `n` with Wilson's 95 % score interval (E. B. Wilson, JASA 22, 1927, p. 209).
 * With n = 0 the interval is 0..1: nothing is known. 0 and n give exactly 0 and 1 at their own end.
 */
export function shareOf(count: number, n: number): Share {
  if (n === 0) return { count, n, low: 0, high: 1 };
  const p = count / n;
  const middle = p + (Z * Z) / (2 * n);
  const half = Z * Math.sqrt((p * (1 - p) + (Z * Z) / (4 * n)) / n);
  const scale = 1 + (Z * Z) / n;
  return {
    count,
    n,
    low: count === 0 ? 0 : Math.max(0, (middle - half) / scale),
    high: count === n ? 1 : Math.min(1, (middle + half) / scale),
  };
}

/** The same where the `n` are no samples of their own: what happens to one of `samples` happens to all that it stands for. */
export function shareOfSamples(count: number, n: number, samples: number): Share {
  if (n === 0 || samples >= n) return shareOf(count, n);
  const { low, high } = shareOf((count / n) * samples, samples);
  return { count, n, low, high };
}
