// What every check is: an expectation judged for one (vantage, VIP, protocol).
import type { Expectation, Phase } from '../../core/checks.ts';
import type { CheckResult, Share, Verdict } from '../../core/report-format.ts';
import type { Availability } from '../availability.ts';
import { judgedIn } from '../bins.ts';
import type { Attribution } from '../cluster/attribution.ts';
import type { Interruption } from '../interruptions.ts';
import { shareOf } from '../intervals.ts';
import type { LedgerCount } from '../ledgers.ts';
import type { NextHopHistory } from '../next-hop-history.ts';
import type { RunFacts, Scope } from '../run-facts.ts';
import { isSameScope, type ScopedFlows } from '../scopes.ts';
import type { Window } from '../windows.ts';
import { countText, percentText } from '../wording.ts';

/** All that checks are judged from. */
export type Evidence = {
  facts: RunFacts;
  windows: readonly Window[];
  scopes: readonly ScopedFlows[];
  nextHops: NextHopHistory;
  /** One a window; none where no cluster was watched. */
  attributions: readonly Attribution[];
  counts: readonly LedgerCount[];
  interruptions: readonly Interruption[];
};

export type ScopeVerdict = Pick<CheckResult, 'observed' | 'why'> & {
  verdict: Verdict;
  share?: Share;
  /** Of two equal verdicts the one with more of it is named. */
  badness: number;
};

export type Check<Expected extends Expectation = Expectation> = {
  expected(expectation: Expected): string;
  /** Null: it does not apply to this scope. */
  judge(expectation: Expected, scope: Scope, evidence: Evidence): ScopeVerdict | null;
};

export type ExpectationOf<Name extends Expectation['check']> = Extract<Expectation, { check: Name }>;

/** Ledgers of a scope, of one phase or of the whole run. */
export function countsOf(evidence: Evidence, scope: Scope, during: Phase | undefined): LedgerCount[] {
  return evidence.counts.filter((count) => isSameScope(count.scope, scope) && (during === undefined || count.window.phase === during));
}

export const NO_DATA = { verdict: 'inconclusive', observed: 'nothing', badness: 0 } as const;

/** `max 0`, `max 5%` */
export function maxText(max: number): string {
  return max === 0 ? 'max 0' : `max ${percentText(max)}`;
}

/**
 * A share of flows against the most that is allowed. 0 counts: one flow is too many, and none of fewer than `minFlows` proves nothing;
 * a share is judged by its Wilson interval.
 * @param sample `inDoubt`: flows that may have to be counted too; when that changes the verdict, nobody can give it
 */
export function judgeMax(sample: { count: number; n: number; inDoubt: number }, max: number, minFlows: number): ScopeVerdict {
  const { count, n, inDoubt } = sample;
  const share = shareOf(count, n);
  const observed = `${countText(count)} of ${countText(n)}`;
  const result = { observed, share, badness: n === 0 ? 0 : count / n };
  if (n === 0) return { ...result, verdict: 'inconclusive', why: 'there was no flow to judge' };
  const verdict = verdictOf(count);
  const worst = verdictOf(Math.min(n, count + inDoubt));
  if (verdict !== worst) {
    const why = `${countText(inDoubt)} more flows may have to be counted: with them it would be ${worst}, without them ${verdict}`;
    return { ...result, verdict: 'inconclusive', why };
  }
  return { ...result, verdict, why: whyOf() };

  function verdictOf(counted: number): Verdict {
    if (max === 0) return counted > 0 ? 'deviated' : n >= minFlows ? 'held' : 'inconclusive';
    const { low, high } = shareOf(counted, n);
    return high <= max ? 'held' : low > max ? 'deviated' : 'inconclusive';
  }

  function whyOf(): string {
    if (max !== 0) return `between ${percentText(share.low)} and ${percentText(share.high)} of the flows, with 95% confidence`;
    if (count > 0) return 'one is too many';
    return n >= minFlows ? `${countText(n)} flows are enough to say so` : `fewer than ${countText(minFlows)} flows are too few to say so`;
  }
}

/**
 * An availability against the least that is allowed, by its bootstrap. Without any loss that has no width, and the verdict's reason is
 * the number of exchanges instead of an interval.
 */
export function judgeMin({ tally, value, low, high }: Availability, min: number): Omit<ScopeVerdict, 'observed'> {
  const n = judgedIn(tally);
  const lost = n - tally.ok;
  const verdict = low >= min ? 'held' : high < min ? 'deviated' : 'inconclusive';
  if (lost === 0) return { verdict, badness: 0, why: `none of ${countText(n)} exchanges was late or lost` };
  const why =
    `${countText(lost)} of ${countText(n)} exchanges were late or lost; between ${percentText(low)} and ${percentText(high)} ok, ` +
    'with 95% confidence';
  return { verdict, share: { count: tally.ok, n, low, high }, badness: 1 - value, why };
}
