// fault-effective: every fault did something: took its node out of the next-hop set, or broke flows of its target; a control did nothing.
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

/** Null: this VIP was not meant. */
function judgeFault(count: LedgerCount, evidence: Evidence): ScopeVerdict | null {
  const { fault } = count.window;
  if (fault?.isControl) return judgeControl(count, evidence);
  if (fault?.aimedAt === 'vip') return fault.target === count.scope.vip ? judgeVip(count, evidence) : null;
  return judgeNode(count, evidence);
}

/** A control is of every VIP: whatever changes, it was not to. */
function judgeControl(count: LedgerCount, evidence: Evidence): ScopeVerdict {
  const { broken, population, window } = count;
  if (window.fault?.inForceT === null) return neverInForce(count);
  const hasMoved = setsIn(count, evidence).length > 0;
  const observed = `${countText(broken)} of ${flowsText(population)} broke, the set ${hasMoved ? 'changed' : 'stayed'}`;
  if (broken > 0 || hasMoved) return { verdict: 'deviated', observed, badness: 1, why: 'it is a control, and something came of it' };
  return population === 0
    ? { ...NO_DATA, why: 'no flow was watched' }
    : { verdict: 'held', observed, badness: 0, why: 'it is a control, and nothing came of it' };
}

function judgeVip(count: LedgerCount, evidence: Evidence): ScopeVerdict {
  const { window, broken, population } = count;
  if (window.fault?.inForceT === null) return neverInForce(count);
  const changes = setsIn(count, evidence).length;
  const observed = `${countText(broken)} of ${flowsText(population)} broke, the set ${changes > 0 ? 'changed' : 'stayed'}`;
  if (broken > 0 || changes > 0) return { verdict: 'held', observed, badness: 0, why: 'it broke flows, or changed the next-hop set' };
  if (count.after.nodes === null && population === 0) return { ...NO_DATA, why: 'neither the next-hop set nor a flow is known' };
  return { verdict: 'deviated', observed, badness: 1, why: 'the next-hop set stayed as it was, and no flow broke' };
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
  const onTarget = byIngress.get(target) ?? { flows: 0, broken: 0 };
  if (before.nodes?.includes(target) === false && onTarget.flows === 0) return null;
  if (window.fault?.inForceT === null) return neverInForce(count);
  const hasLeft = after.nodes?.includes(target) === false || setsIn(count, evidence).some(({ after: now }) => !now.includes(target));
  if (hasLeft) return { verdict: 'held', observed: `${target} left the set`, badness: 0, why: 'the router sent nothing there any more' };
  const observed = `${target}: ${countText(onTarget.broken)} of ${flowsText(onTarget.flows)} broke`;
  if (onTarget.flows > 0 && onTarget.broken === onTarget.flows) {
    return { verdict: 'held', observed, badness: 0, why: 'every flow that lay on it broke' };
  }
  if (onTarget.broken > 0) return { verdict: 'inconclusive', observed, badness: 1, why: 'it stayed in the set, and flows on it lived on' };
  if (after.nodes === null && onTarget.flows === 0) return { ...NO_DATA, why: 'neither its place in the set nor a flow on it is known' };
  return { verdict: 'deviated', observed, badness: 1, why: 'it stayed in the set, and no flow on it broke' };
}
