// Journal events -> findings. Pure: the same journal gives the same findings on every machine, and any beginning of one can be read.
//
//   events -> RunFacts -> windows ----+-> ledgers -> checks -> verdict -> summary, remarks
//                  \-> next-hop sets -+-> matrix, final map, source IPs, paths, interruptions, timeline
import type { JournalEvent } from '../core/journal.ts';
import { type FlowOutcome, type Report, REPORT_SCHEMA } from '../core/report-format.ts';
import type { Evidence } from './checks/check.ts';
import { evaluateChecks } from './checks/evaluate.ts';
import { attributions as attributionsOf } from './cluster/attribution.ts';
import { withCauses } from './cluster/cause-rows.ts';
import { faultRows } from './fault-facts.ts';
import { healthOf } from './health.ts';
import { interruptionRows, interruptionsOf } from './interruptions.ts';
import { type JudgedLedger, judgeLedgers } from './ledgers.ts';
import { finalMapOf, matrixOf } from './matrix.ts';
import { NextHopHistory } from './next-hop-history.ts';
import { pathsOf } from './paths.ts';
import { remarksOf } from './remarks.ts';
import { restorationOf } from './restoration.ts';
import { indexJournal } from './run-facts.ts';
import { scopesOf } from './scopes.ts';
import { sourceIpOf } from './source-ip.ts';
import { summaryOf } from './summary.ts';
import { timelineOf } from './timeline.ts';
import { errorsOf, mayHaveBegun, verdictOf } from './verdict.ts';
import { windowReports } from './window-reports.ts';
import { windowsOf } from './windows.ts';

export type Findings = {
  report: Report;
  /** One line a flow and window, made while it is read, as often as it is read: a million flows need no second copy in memory. */
  flows: Iterable<FlowOutcome>;
};

export type AnalyseOptions = {
  /** The runner came to its end and is about to write `run.ended`. Without that event and without this the run is `errored`. */
  isComplete?: boolean;
};

/**
 * Derives everything that a report says from a journal, whole or cut off anywhere.
 * Events may come in any order; those of unknown types are passed over. `check.evaluated` and `run.ended` change nothing but whether
 * the run came to its end, so the findings before they are written (`isComplete`) and after are the same.
 */
export function analyse(events: readonly JournalEvent[], { isComplete = false }: AnalyseOptions = {}): Findings {
  const facts = indexJournal(events, isComplete);
  const nextHops = new NextHopHistory(facts);
  const windows = windowsOf(facts, nextHops);
  const scopes = scopesOf(facts);
  const attributions = attributionsOf({ facts, windows, nextHops });
  const ledgers = judgeLedgers({ facts, windows, nextHops, attributions }, scopes);
  const counts = ledgers.map((ledger) => ledger.count);
  const interruptions = interruptionsOf(facts, windows, scopes);
  const evidence: Evidence = { facts, windows, scopes, nextHops, attributions, counts, interruptions };
  const checks = evaluateChecks(evidence);
  const errors = errorsOf(facts);
  const judgedFlows = counts.reduce((sum, count) => sum + count.population, 0);
  const restorations = scopes.map(({ scope }) => restorationOf(scope, facts, windows, nextHops));
  const { started, scenario, environment } = facts;
  const report: Report = {
    schema: REPORT_SCHEMA,
    runId: started?.runId ?? 'unknown',
    title: scenario.title ?? scenario.name,
    scenario: scenario.name,
    environment: environment.name,
    wallClockMs: started?.wallClockMs ?? 0,
    durationMs: facts.lastT,
    seed: started?.seed ?? 0,
    versions: started?.versions ?? {},
    verdict: verdictOf(checks, errors, judgedFlows),
    summary: summaryOf({ facts, counts, attributions, restorations, errors }),
    remarks: remarksOf(evidence, errors),
    checks,
    events: windowReports(windows, counts, nextHops).map((window, index) => withCauses(window, attributions[index] ?? null, facts)),
    matrix: matrixOf(counts),
    finalMap: finalMapOf(scopes),
    sourceIp: sourceIpOf(facts, scopes),
    paths: pathsOf(facts, windows, scopes, nextHops),
    interruptions: interruptionRows(interruptions),
    faults: faultRows(facts.faults, (fault) => mayHaveBegun(fault, facts)),
    health: healthOf(facts),
    timeline: timelineOf(facts, nextHops),
  };
  return { report, flows: { [Symbol.iterator]: () => linesOf(ledgers) } };
}

function* linesOf(ledgers: readonly JudgedLedger[]): Generator<FlowOutcome> {
  for (const ledger of ledgers) yield* ledger.lines();
}
