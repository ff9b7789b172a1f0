// The run's verdict: errored > deviated > inconclusive > held.
import { type CheckResult, type Verdict, VERDICTS } from '../core/report-format.ts';
import type { FaultFacts } from './fault-facts.ts';
import type { RunFacts } from './run-facts.ts';
import { lengthText } from './wording.ts';

/** Why a run cannot be judged whatever its checks say; empty when it can. Each is a clause of a sentence. */
export function errorsOf(facts: RunFacts): string[] {
  if (facts.started === null) return ['the journal is empty'];
  const errors: string[] = [];
  if (facts.aborted) errors.push(`the run was aborted after ${lengthText(facts.aborted.t)}: ${facts.aborted.why}`);
  else if (!facts.isEnded) errors.push(`the journal ends after ${lengthText(facts.lastT)}, before the run did`);
  for (const fault of facts.faults) {
    const { kind, target, state, reason, intentT } = fault;
    if (state === 'unverified') errors.push(`the revert of ${kind} on ${target} is unverified${reason ? `: ${reason}` : ''}`);
    if (state === 'unknown' && (intentT !== null || mayHaveBegun(fault, facts))) {
      errors.push(`the keeper's last word on ${kind} at ${target} is missing: ask \`holdfast keeper status\``);
    }
  }
  return errors;
}

/** Without a check the run held if anything was watched: no data is never good news. */
export function verdictOf(checks: readonly CheckResult[], errors: readonly string[], judgedFlows: number): Verdict {
  if (errors.length > 0) return 'errored';
  const verdicts: Verdict[] = checks.map((check) => check.verdict);
  if (judgedFlows === 0) verdicts.push('inconclusive');
  return VERDICTS[Math.max(0, ...verdicts.map((verdict) => VERDICTS.indexOf(verdict)))] ?? 'held';
}

/** A second before its time: the keeper may have begun a fault whose first word did not reach a journal that broke off. */
const MARGIN_MS = 1_000;

/** Whether a planned fault of which the journal says nothing more may have been begun all the same. */
export function mayHaveBegun({ plannedAtMs }: FaultFacts, facts: RunFacts): boolean {
  const brokeOff = !facts.isEnded && facts.aborted === null;
  return brokeOff && plannedAtMs !== null && facts.lastT >= facts.timelineT + plannedAtMs - MARGIN_MS;
}
