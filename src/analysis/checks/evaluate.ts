// Every expectation of the scenario, judged for each (vantage, VIP, protocol); the worst counts and is named.
import type { Expectation } from '../../core/checks.ts';
import { type CheckResult, VERDICTS } from '../../core/report-format.ts';
import type { Scope } from '../run-facts.ts';
import { availability } from './availability.ts';
import { brokenElsewhere } from './broken-elsewhere.ts';
import { broken } from './broken.ts';
import type { Check, Evidence, ScopeVerdict } from './check.ts';
import { faultEffective } from './fault-effective.ts';
import { intentMatchesWire } from './intent-matches-wire.ts';
import { interruption } from './interruption.ts';
import { pathAvailability } from './path-availability.ts';
import { pathsCovered } from './paths-covered.ts';
import { restored } from './restored.ts';
import { sourceIp } from './source-ip.ts';
import { stalled } from './stalled.ts';

export function evaluateChecks(evidence: Evidence): CheckResult[] {
  return (evidence.facts.scenario.expect ?? []).map((expectation) => {
    const bound = bind(expectation);
    const verdicts: { scope: Scope; result: ScopeVerdict }[] = [];
    for (const { scope } of evidence.scopes) {
      const result = isAbout(expectation, scope) ? bound.judge(scope, evidence) : null;
      if (result) verdicts.push({ scope, result });
    }
    return nameWorst(expectation, bound.expected, verdicts);
  });
}

/** What an expectation asks for, as the report and a dry run tell it: `max 0`, `within 10s`. */
export function expectedText(expectation: Expectation): string {
  return bind(expectation).expected;
}

type Bound = { expected: string; judge(scope: Scope, evidence: Evidence): ScopeVerdict | null };

function bindTo<Expected extends Expectation>(check: Check<Expected>, expectation: Expected): Bound {
  return { expected: check.expected(expectation), judge: (scope, evidence) => check.judge(expectation, scope, evidence) };
}

function bind(expectation: Expectation): Bound {
  switch (expectation.check) {
    case 'broken-elsewhere':
      return bindTo(brokenElsewhere, expectation);
    case 'broken':
      return bindTo(broken, expectation);
    case 'stalled':
      return bindTo(stalled, expectation);
    case 'source-ip':
      return bindTo(sourceIp, expectation);
    case 'path-availability':
      return bindTo(pathAvailability, expectation);
    case 'availability':
      return bindTo(availability, expectation);
    case 'restored':
      return bindTo(restored, expectation);
    case 'interruption':
      return bindTo(interruption, expectation);
    case 'paths-covered':
      return bindTo(pathsCovered, expectation);
    case 'intent-matches-wire':
      return bindTo(intentMatchesWire, expectation);
    case 'fault-effective':
      return bindTo(faultEffective, expectation);
  }
}

function isAbout({ vip, vantage, protocol }: Expectation, scope: Scope): boolean {
  return (
    (vip ?? scope.vip) === scope.vip && (vantage ?? scope.vantage) === scope.vantage && (protocol ?? scope.protocol) === scope.protocol
  );
}

function nameWorst(expectation: Expectation, expected: string, verdicts: { scope: Scope; result: ScopeVerdict }[]): CheckResult {
  const { check, during, vip, vantage, protocol } = expectation;
  const common = { check, ...(during && { during }), expected };
  const [worst] = verdicts.toSorted(
    ({ result: a }, { result: b }) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict) || b.badness - a.badness,
  );
  if (!worst) {
    const asked = { ...(vip && { vip }), ...(vantage && { vantage }), ...(protocol && { protocol }) };
    return { ...common, ...asked, observed: 'nothing', verdict: 'inconclusive', why: 'there was nothing that it could be judged by' };
  }
  const { observed, share, verdict, why } = worst.result;
  const ofMany = verdicts.length > 1 ? ` (the worst of ${String(verdicts.length)})` : '';
  return { ...common, ...worst.scope, observed, ...(share && { share }), verdict, why: `${why}${ofMany}` };
}
