// fault-effective: every fault did something: took its node out of the next-hop set, or broke flows of its target; a control did nothing.
import { changesOf } from '../set-history.ts';
import { shareOf } from '../intervals.ts';
import { brokenForSure, inDoubtOf, type LedgerCount } from '../ledgers.ts';
import { isSameScope } from '../scopes.ts';
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

/** Null: this VIP was not meant. */
function judgeFault(count: LedgerCount, evidence: Evidence): ScopeVerdict | null {
  const { fault } = count.window;
  if (fault?.isControl) return judgeControl(count, evidence);
  if (fault?.aimedAt === 'vip') return fault.target === count.scope.vip ? judgeVip(count, evidence) : null;
  return judgeNode(count, evidence);
}

/** A control is of every VIP: whatever changes, it was not to. */
function judgeControl(count: LedgerCount, evidence: Evidence): ScopeVerdict {
  const { population, window } = count;
  if (window.fault?.inForceT === null) return neverInForce(count);
  const set = setWord(count, evidence);
  const broken = brokenForSure(count);
  const observed = `${countText(broken)} of ${flowsText(population)} broke, the set ${set}`;
  if (set === 'changed' || breaksMoreThanBefore(count, evidence)) {
    return { verdict: 'deviated', observed, badness: 1, why: 'it is a control, and something came of it' };
  }
  if (population === 0) return { ...NO_DATA, why: 'no flow was watched' };
  if (broken > 0) return { verdict: 'inconclusive', observed, badness: 1, why: 'so few flows break without any fault too' };
  if (set === 'is not known')
    return { verdict: 'inconclusive', observed, badness: 0, why: 'it is a control, and the next-hop set is not known' };
  if (inDoubtOf(count) > 0) return { verdict: 'inconclusive', observed, badness: 0, why: doubtText(count) };
  return { verdict: 'held', observed, badness: 0, why: 'it is a control, and nothing came of it' };
}

/** Whether flows broke more often than before any fault, by intervals that do not touch; what breaks in a longer time is allowed for. */
function breaksMoreThanBefore(count: LedgerCount, { counts }: Evidence): boolean {
  const { population, window, scope } = count;
  const broken = brokenForSure(count);
  if (broken === 0) return false;
  const before = counts.find((count) => count.window.cause === 'baseline' && isSameScope(count.scope, scope));
  if (before === undefined) return false;
  const longer = Math.max(1, (window.untilT - window.fromT) / Math.max(1, before.window.untilT - before.window.fromT));
  return shareOf(broken, population).low > longer * shareOf(brokenForSure(before), before.population).high;
}

function judgeVip(count: LedgerCount, evidence: Evidence): ScopeVerdict {
  const { window, population } = count;
  if (window.fault?.inForceT === null) return neverInForce(count);
  const set = setWord(count, evidence);
  const broken = brokenForSure(count);
  const observed = `${countText(broken)} of ${flowsText(population)} broke, the set ${set}`;
  if (broken > 0 || set === 'changed') return { verdict: 'held', observed, badness: 0, why: 'it broke flows, or changed the next-hop set' };
  if (set === 'is not known')
    return { verdict: 'inconclusive', observed, badness: 0, why: 'no flow broke, and the next-hop set is not known' };
  if (inDoubtOf(count) > 0) return { verdict: 'inconclusive', observed, badness: 0, why: doubtText(count) };
  return { verdict: 'deviated', observed, badness: 1, why: 'the next-hop set stayed as it was, and no flow broke' };
}

/** Nobody may say then that nothing broke. */
function doubtText(count: LedgerCount): string {
  return `what became of ${flowsText(inDoubtOf(count))} is not known: the prober was ill`;
}

function setWord(count: LedgerCount, evidence: Evidence): 'changed' | 'stayed' | 'is not known' {
  if (setsIn(count, evidence).length > 0) return 'changed';
  return count.after.nodes === null ? 'is not known' : 'stayed';
}

function neverInForce({ window }: LedgerCount): ScopeVerdict {
  const target = window.fault?.target ?? '';
  return { verdict: 'deviated', observed: `${target}: never in force`, badness: 1, why: 'its keeper never saw it in force' };
}

/** Changes of the VIP's next-hop set inside the window. */
function setsIn({ window, scope }: LedgerCount, { nextHops }: Evidence): ReturnType<typeof changesOf> {
  return nextHops
    .historiesOf(scope.vantage, scope.vip)
    .flatMap((history) => changesOf(history).filter(({ t }) => t >= window.fromT && t < window.untilT));
}

/** Null: the node was no path of this VIP. */
function judgeNode(count: LedgerCount, evidence: Evidence): ScopeVerdict | null {
  const { window, before, after, byIngress } = count;
  const target = window.fault?.target ?? '';
  const onTarget = byIngress.get(target) ?? { flows: 0, broken: 0, inDoubt: 0 };
  const broken = brokenForSure(onTarget);
  if (before.nodes?.includes(target) === false && onTarget.flows === 0) return null;
  if (window.fault?.inForceT === null) return neverInForce(count);
  const hasLeft = after.nodes?.includes(target) === false || setsIn(count, evidence).some(({ after: now }) => !now.includes(target));
  if (hasLeft) return { verdict: 'held', observed: `${target} left the set`, badness: 0, why: 'the router sent nothing there any more' };
  const observed = `${target}: ${countText(broken)} of ${flowsText(onTarget.flows)} broke`;
  if (onTarget.flows > 0 && broken === onTarget.flows) {
    return { verdict: 'held', observed, badness: 0, why: 'every flow that lay on it broke' };
  }
  if (after.nodes === null) {
    return {
      verdict: 'inconclusive',
      observed,
      badness: 0,
      why: 'whether it stayed in the set is not known, and not every flow on it broke',
    };
  }
  if (broken > 0) return { verdict: 'inconclusive', observed, badness: 1, why: 'it stayed in the set, and flows on it lived on' };
  if (inDoubtOf(count) > 0) return { verdict: 'inconclusive', observed, badness: 0, why: doubtText(count) };
  return { verdict: 'deviated', observed, badness: 1, why: 'it stayed in the set, and no flow on it broke' };
}
