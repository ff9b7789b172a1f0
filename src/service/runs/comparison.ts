// A run laid beside the last ones of the same scenario and environment: one sentence a figure, with how sure it is.
import { shareOf } from '../../analysis/intervals.ts';
import type { Share } from '../../core/report-format.ts';
import type { Figure } from './figures.ts';

/** Runs that are compared with, at most. */
export const COMPARED_RUNS = 10;

/** `noise`: the difference may be chance, or earlier runs differed as much among themselves. */
export type Change = 'better' | 'worse' | 'noise';

/**
 * `now` against all of `earlier` together. A change is told only if Newcombe's 95 % interval of the difference leaves zero out *and* the
 * share lies outside of what the earlier runs showed one by one: flows of a run share its hashing, so runs differ by more than flows do.
 */
export function changeOf(now: Share, earlier: readonly Share[]): Change {
  const known = earlier.filter(({ n }) => n > 0);
  if (now.n === 0 || known.length === 0) return 'noise';
  const { low, high } = differenceOf(pooled(known), now);
  const shares = known.map(({ count, n }) => count / n);
  const share = now.count / now.n;
  if (low > 0 && share > Math.max(...shares)) return 'worse';
  if (high < 0 && share < Math.min(...shares)) return 'better';
  return 'noise';
}

/**
 * The difference `to - from` of two shares with its 95 % interval, by the square-and-add of their Wilson intervals
 * (R. G. Newcombe, Statistics in Medicine 17, 1998, p. 873, method 10).
 */
export function differenceOf(from: Share, to: Share): { value: number; low: number; high: number } {
  const p = (share: Share) => (share.n === 0 ? 0 : share.count / share.n);
  const value = p(to) - p(from);
  return {
    value,
    low: Math.max(-1, value - Math.hypot(p(to) - to.low, from.high - p(from))),
    high: Math.min(1, value + Math.hypot(to.high - p(to), p(from) - from.low)),
  };
}

/**
 * One sentence a figure that this run and an earlier one both have.
 * @param earlier figures of the last ended runs, at most COMPARED_RUNS
 * @returns null when there is nothing to compare with
 */
export function comparisonOf(now: readonly Figure[], earlier: readonly (readonly Figure[])[]): string[] | null {
  const sentences = now.flatMap(({ name, count, n }) => {
    const shares = earlier.flatMap((figures) => figures.filter((each) => each.name === name)).map((each) => shareOf(each.count, each.n));
    if (n === 0 || !shares.some((each) => each.n > 0)) return [];
    return [sentenceOf(name, shareOf(count, n), shares)];
  });
  return sentences.length === 0 ? null : sentences;
}

function sentenceOf(name: string, now: Share, earlier: readonly Share[]): string {
  const before = pooled(earlier);
  const change = changeOf(now, earlier);
  const runs = `${String(now.n)} flows against ${String(before.n)} of ${earlier.length === 1 ? 'the last run' : `the last ${String(earlier.length)} runs`}`;
  const shares = `${percent(before)} -> ${percent(now)}`;
  return change === 'noise' ? `${name} ${shares}, within noise (${runs})` : `${change}: ${name} ${shares} (${runs})`;
}

function pooled(shares: readonly Share[]): Share {
  return shareOf(
    shares.reduce((sum, { count }) => sum + count, 0),
    shares.reduce((sum, { n }) => sum + n, 0),
  );
}

/** As few digits as tell it apart from none and from all. */
function percent({ count, n }: Share): string {
  const value = (100 * count) / n;
  const digits = count === 0 || count === n || (value >= 1 && value <= 99) ? 0 : value >= 0.1 && value <= 99.9 ? 1 : 2;
  return `${value.toFixed(digits)} %`;
}
