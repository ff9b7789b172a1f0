// Numbers, shares, times as every output prints them: one spelling each, never rounded into a claim the data does not make.
import { OUTCOMES, type Outcome, type Share } from '../core/report-format.ts';

/** Outcomes as people read them: harm first, what nobody knows last. */
export const OUTCOMES_TO_READ: readonly Outcome[] = [...OUTCOMES.filter((outcome) => outcome !== 'unknown'), 'unknown'];

/** 1024 -> `1,024`. */
export function formatCount(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 1 -> `1 flow`, 1024 -> `1,024 flows`. */
export function formatCounted(n: number, noun: string): string {
  return `${formatCount(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** A share in 0..1 in percent, with as many digits as it takes not to round 0.9996 up to 100% or 0.0004 down to 0%. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return 'unknown';
  if (share === 0 || share === 1) return `${String(share * 100)}%`;
  for (const digits of [1, 2, 3]) {
    const text = (share * 100).toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text}%`;
  }
  return share < 0.5 ? '<0.001%' : '>99.999%';
}

/** `27.7–39.2%`; an interval over nothing says nothing: `unknown`. */
export function formatInterval({ n, low, high }: Pick<Share, 'n' | 'low' | 'high'>): string {
  return n === 0 ? 'unknown' : `${formatPercent(low).replace('%', '')}–${formatPercent(high)}`;
}

/** `33.2%`; of nothing: `unknown`. */
export function formatShare({ count, n }: Share): string {
  return n === 0 ? 'unknown' : formatPercent(count / n);
}

/** A length of time: `0.21 ms`, `84 ms`, `7.9 s`, `2 min 5 s`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return 'unknown';
  if (ms === 0) return '0 ms';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${ms.toFixed(0)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${String(Math.floor(seconds / 60))} min ${String(seconds % 60)} s`;
}

/** Two lengths of time, the unit once where it is the same: `0.21 / 1.7 ms`. */
export function formatMsPair(a: number, b: number): string {
  const [left, right] = [formatMs(a), formatMs(b)];
  const unit = right.slice(right.lastIndexOf(' '));
  return left.endsWith(unit) ? `${left.slice(0, -unit.length)} / ${right}` : `${left} / ${right}`;
}

/** An instant of the run: `5.071 s`, as it stands in the journal; null: `unknown`. */
export function formatT(t: number | null): string {
  return t === null || !Number.isFinite(t) ? 'unknown' : `${(t / 1_000).toFixed(3)} s`;
}

/** Unix ms -> `2026-03-14 03:15:00 UTC`. */
export function formatWallClock(unixMs: number): string {
  const iso = new Date(unixMs).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** Names in their natural order: n2 before n10. */
export function compareNames(a: string, b: string): number {
  const [partsA, partsB] = [a, b].map((name) => name.split(/(\d+)/));
  for (const [index, part] of (partsA ?? []).entries()) {
    const other = partsB?.[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const difference = Number(part) - Number(other);
    return Number.isFinite(difference) && difference !== 0 ? difference : part < other ? -1 : 1;
  }
  return a === b ? 0 : -1;
}
