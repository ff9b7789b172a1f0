// When the network was whole again after the last revert.
import { type BinSpan, BIN_MS, judgedIn, sumOf, wholeBins } from './bins.ts';
import type { NextHopHistory } from './next-hop-history.ts';
import type { RunFacts, Scope } from './run-facts.ts';
import { entryAt, isSameSet, type SetHistory } from './set-history.ts';
import type { Window } from './windows.ts';

/** Fresh dials a second that are enough to call it good, and the share of them that must be. */
const ENOUGH_DIALS = 8;
const GOOD_SHARE = 0.99;

export type Restoration =
  /** No fault was reverted, or a set is not known, or too few fresh dials were made. */
  | { kind: 'unknown'; why: string }
  | { kind: 'not-restored'; revertedT: number; waitedMs: number; why: string }
  /** `restoredT`: start of the first whole second that was good. */
  | { kind: 'restored'; revertedT: number; restoredT: number; tookMs: number };

/**
 * From the last revert's read-back until the set is the baseline's, to stay, and a whole second of at least 8 fresh dials is 99 % ok.
 * Seconds are the run's own, so the figure is up to one second too long, never too short.
 */
export function restorationOf(scope: Scope, facts: RunFacts, windows: readonly Window[], nextHops: NextHopHistory): Restoration {
  const revertedT = lastRevertedT(facts);
  const baseline = windows[0];
  if (revertedT === null || !baseline) return { kind: 'unknown', why: 'no fault was reverted and read back' };
  const { nodes: setBefore } = nextHops.settledAt(scope.vantage, scope.vip, baseline.untilT);
  const { nodes: setAfter } = nextHops.settledAt(scope.vantage, scope.vip, facts.endT);
  if (setBefore === null || setAfter === null) return { kind: 'unknown', why: 'the settled next-hop set is not known' };
  const waitedMs = Math.max(0, facts.endT - revertedT);
  if (!isSameSet(setBefore, setAfter)) {
    const why = `the next-hop set is ${textOf(setAfter)}, and was ${textOf(setBefore)}`;
    return { kind: 'not-restored', revertedT, waitedMs, why };
  }
  const wholeT = Math.max(revertedT, ...nextHops.historiesOf(scope.vantage, scope.vip).map((history) => sinceWhen(history, facts.endT)));
  const good = firstGoodBin(scope, facts, wholeBins(wholeT, facts.endT));
  if (good === 'too-few') return { kind: 'unknown', why: `no second had ${String(ENOUGH_DIALS)} fresh dials` };
  if (good === null) return { kind: 'not-restored', revertedT, waitedMs, why: 'no second of fresh dials was 99% ok' };
  return { kind: 'restored', revertedT, restoredT: good * BIN_MS, tookMs: good * BIN_MS - revertedT };
}

function lastRevertedT(facts: RunFacts): number | null {
  const times = facts.faults.filter((fault) => fault.intentT !== null).map((fault) => fault.revertedT);
  if (times.length === 0 || times.includes(null)) return null;
  return Math.max(...times.filter((t) => t !== null));
}

/** Since when the set has been what it is at `t`. */
function sinceWhen(history: SetHistory, t: number): number {
  return entryAt(history, t)?.t ?? 0;
}

function firstGoodBin(scope: Scope, facts: RunFacts, span: BinSpan): number | 'too-few' | null {
  const dials = facts.tallies.filter(
    (tally) =>
      tally.fresh === true &&
      tally.vantage === scope.vantage &&
      tally.vip === scope.vip &&
      tally.protocol === scope.protocol &&
      tally.bin >= span.from &&
      tally.bin < span.until,
  );
  let result: 'too-few' | null = 'too-few';
  for (const [bin, tallies] of [...Map.groupBy(dials, (tally) => tally.bin)].sort(([a], [b]) => a - b)) {
    const sum = sumOf(tallies);
    const judged = judgedIn(sum);
    if (judged < ENOUGH_DIALS) continue;
    if (sum.ok >= GOOD_SHARE * judged) return bin;
    result = null;
  }
  return result;
}

function textOf(set: readonly string[]): string {
  return set.length === 0 ? 'empty' : set.join(', ');
}
