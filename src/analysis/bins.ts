// Tallies by second: which phase a second belongs to, and sums over seconds.
import type { Phase } from '../core/checks.ts';
import type { EventOf, Tally } from '../core/journal.ts';
import type { Window } from './windows.ts';

export const BIN_MS = 1_000;

/** An interval of whole seconds, [from, until). */
export type BinSpan = { from: number; until: number };

/**
 * The phase of a second: that of the window it lies in. One that two phases share is the fault's, whose losses would else spoil the
 * quiet phase beside it. Null: before the timeline or after it.
 */
export function phaseOfBin(windows: readonly Window[], bin: number): Phase | null {
  const fromT = bin * BIN_MS;
  const untilT = fromT + BIN_MS;
  const touched = windows.filter((window) => window.fromT < untilT && window.untilT > fromT).map((window) => window.phase);
  return touched.includes('fault') ? 'fault' : (touched.at(-1) ?? null);
}

/** The seconds of a phase; null: of the whole timeline. */
export function spansOfPhase(windows: readonly Window[], phase: Phase | null): BinSpan[] {
  const spans: BinSpan[] = [];
  const first = Math.floor((windows[0]?.fromT ?? 0) / BIN_MS);
  const end = Math.ceil((windows.at(-1)?.untilT ?? 0) / BIN_MS);
  for (let bin = first; bin < end; bin += 1) {
    const of = phaseOfBin(windows, bin);
    if (of === null || (phase !== null && of !== phase)) continue;
    const last = spans.at(-1);
    if (last?.until === bin) last.until += 1;
    else spans.push({ from: bin, until: bin + 1 });
  }
  return spans;
}

/** Seconds that lie wholly inside [fromT, untilT). */
export function wholeBins(fromT: number, untilT: number): BinSpan {
  return { from: Math.ceil(fromT / BIN_MS), until: Math.floor(untilT / BIN_MS) };
}

export function isInSpans(spans: readonly BinSpan[], bin: number): boolean {
  return spans.some((span) => bin >= span.from && bin < span.until);
}

export function emptyTally(): Tally {
  return { scheduled: 0, ok: 0, late: 0, lost: 0, notSent: 0, invalid: 0 };
}

/** Adds `from` to `into`, in place. */
export function addTally(into: Tally, from: Tally): void {
  into.scheduled += from.scheduled;
  into.ok += from.ok;
  into.late += from.late;
  into.lost += from.lost;
  into.notSent += from.notSent;
  into.invalid += from.invalid;
}

export function sumOf(tallies: Iterable<EventOf<'tally'>>): Tally {
  const sum = emptyTally();
  for (const tally of tallies) addTally(sum, tally);
  return sum;
}

/** Exchanges that say something of the network: those that the prober sent in good health. */
export function judgedIn({ ok, late, lost }: Tally): number {
  return ok + late + lost;
}
