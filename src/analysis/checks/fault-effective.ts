// fault-effective: every fault took its target out of the next-hop set, or broke the flows that lay on it.
import { changesOf } from '../set-history.ts';
import type { LedgerCount } from '../ledgers.ts';
import { countText, flowsText } from '../wording.ts';
import { type Check, countsOf, type Evidence, type ExpectationOf, NO_DATA, type ScopeVerdict } from './check.ts';
import { VERDICTS } from '../../core/report-format.ts';

export const faultEffective: Check<ExpectationOf<'fault-effective'>> = {
  expected: () => 'every fault took effect',
  judge({ during }, scope, evidence) {
    const counts = countsOf(evidence, scope, during).filter((count) => count.window.cause === 'fault-in');
    if (counts.length === 0) return { ...NO_DATA, why: 'no fault was injected' };
    const verdicts = counts.map((count) => judgeFault(count, evidence)).filter((verdict) => verdict !== null);
    return verdicts.sort((a, b) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict))[0] ?? null;
  },
};

/** Null: the target was no path of this VIP. */
function judgeFault({ window, scope, before, after, byIngress }: LedgerCount, { nextHops }: Evidence): ScopeVerdict | null {
  const target = window.fault?.target ?? '';
  const onTarget = byIngress.get(target) ?? { flows: 0, broken: 0 };
  if (before.nodes?.includes(target) === false && onTarget.flows === 0) return null;
  if (window.fault?.inForceT === null) {
    return { verdict: 'deviated', observed: `${target}: never in force`, badness: 1, why: 'its keeper never saw it in force' };
  }
  const hasLeft =
    after.nodes?.includes(target) === false ||
    nextHops
      .historiesOf(scope.vantage, scope.vip)
      .some((history) => changesOf(history).some(({ t, after: now }) => t >= window.fromT && t < window.untilT && !now.includes(target)));
  if (hasLeft) return { verdict: 'held', observed: `${target} left the set`, badness: 0, why: 'the router sent nothing there any more' };
  const observed = `${target}: ${countText(onTarget.broken)} of ${flowsText(onTarget.flows)} broke`;
  if (onTarget.flows > 0 && onTarget.broken === onTarget.flows) {
    return { verdict: 'held', observed, badness: 0, why: 'every flow that lay on it broke' };
  }
  if (onTarget.broken > 0) return { verdict: 'inconclusive', observed, badness: 1, why: 'it stayed in the set, and flows on it lived on' };
  if (after.nodes === null && onTarget.flows === 0) return { ...NO_DATA, why: 'neither its place in the set nor a flow on it is known' };
  return { verdict: 'deviated', observed, badness: 1, why: 'it stayed in the set, and no flow on it broke' };
}
