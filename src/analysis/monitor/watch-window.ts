// A window of a monitor: opened by something seen, closed by quiet; judged by the same ledgers as those of a run.
import type { WindowReport } from '../../core/report-format.ts';
import { attributionOf } from '../cluster/attribution.ts';
import { withCauses } from '../cluster/cause-rows.ts';
import { causeShares } from '../cluster/cause-shares.ts';
import { judgeWindow, type LedgerCount, total } from '../ledgers.ts';
import type { NextHopHistory, VipChange } from '../next-hop-history.ts';
import type { RunFacts } from '../run-facts.ts';
import { scopesOf } from '../scopes.ts';
import { windowReports } from '../window-reports.ts';
import { earliestOnset, lateAfterMs, type Window } from '../windows.ts';
import { MAX_WINDOW_MS } from './context.ts';

const JUST_BEFORE_MS = 0.001;

export type WatchWindow = {
  key: string;
  vip: string;
  /** Of a change of the set: what changed, so far. */
  changes: VipChange[];
  /** What it is, where that is not told by changes. */
  title: string | null;
  fromT: number;
  /** It opens no earlier: the window before lies there. */
  floorT: number;
  /** Its last sign: a change, or where it began. Quiet is counted from here and from the last break. */
  lastT: number;
  /** The next window's opening, where that came before the quiet. */
  cutT: number | null;
  /** Key of that window. */
  nextKey: string | null;
  /** Where quiet alone would close it. */
  quietT: number;
  /** When it closed; null while it is open. */
  untilT: number | null;
  /** No more data is waited for. */
  isFinal: boolean;
  result: WindowResult | null;
  /** What it was last judged on, and when. */
  judged: { version: number; nowT: number };
};

/** The report and the sums that sentences need, free of the events they came from. */
export type WindowResult = {
  report: WindowReport;
  protocols: { protocol: string; broken: number; population: number }[];
  /** Broken flows by the ingress they had; null: nobody knows. */
  broken: { ingress: string | null; flows: number }[];
  causes: { cause: string; flows: number }[];
  /** What in the cluster broke how many; empty where no cluster is watched. */
  because: { what: string; flows: number }[];
  /** Broken while their prober was ill: perhaps not broken at all. */
  inDoubt: number;
  /** Silent for long while their prober was ill, and not called broken: perhaps they broke. */
  silentInDoubt: number;
  vantages: string[];
  /** Vantages that hold flows and have told of nothing since it opened: they are not in the figures. */
  untold: string[];
};

/** `dataT`: how far every vantage that is waited for has told, `toldT`: how far one has. */
export type Judging = {
  facts: RunFacts;
  nextHops: NextHopHistory;
  quietMs: number;
  nowT: number;
  dataT: number;
  toldT: (vantage: string) => number;
};

/** Judges it as far as is known at `nowT`, and moves its edges to where the events put them. */
export function judge(window: WatchWindow, { facts, nextHops, quietMs, nowT, dataT, toldT }: Judging): void {
  const [change] = window.changes;
  if (change) {
    const sinceT = Math.max(window.floorT, change.t - lateAfterMs(facts));
    window.fromT = earliestOnset(facts, window.changes, sinceT) ?? change.t;
  }
  window.quietT = quietFrom(window, facts, quietMs);
  const closeT = Math.min(window.quietT, window.cutT ?? Infinity);
  window.untilT = closeT <= dataT ? closeT : null;
  const observed: Window = {
    index: 1,
    fromT: window.fromT,
    untilT: window.untilT ?? Math.max(nowT, window.fromT),
    cause: 'observed',
    phase: 'baseline',
    fault: null,
    changes: window.changes,
    clockErrMs: 0,
  };
  const before: Window = { ...observed, index: 0, fromT: window.floorT, untilT: window.fromT, cause: 'baseline', changes: [] };
  const windows = [before, observed];
  // Flows of a vantage that was cut off before it would else count as unbroken.
  const scopes = scopesOf(facts).filter(({ flows }) => flows.length > 0);
  const told = scopes.filter(({ scope }) => toldT(scope.vantage) > window.fromT);
  const untold = [...new Set(scopes.map(({ scope }) => scope.vantage))]
    .filter((vantage) => !told.some(({ scope }) => scope.vantage === vantage))
    .sort();
  const attribution = attributionOf({ facts, windows, nextHops }, observed);
  const attributions = attribution ? [attribution] : [];
  const counts = judgeWindow({ facts, windows, nextHops, attributions }, observed, told).map((ledger) => ledger.count);
  const [report] = windowReports([observed], counts, nextHops, JUST_BEFORE_MS);
  if (!report) return;
  const explained = withCauses(report, attribution, facts);
  const result = resultOf({ ...explained, description: window.title ?? explained.description }, counts, untold);
  window.result = { ...result, because: causeShares(attributions, ({ vantage }) => !untold.includes(vantage)) };
}

/** The first instant from the last sign on at which no flow has broken for `quietMs`. */
function quietFrom({ fromT, lastT }: WatchWindow, facts: RunFacts, quietMs: number): number {
  const breaks = facts.flows
    .flatMap((flow) => flow.breaks.filter((each) => each.onsetT + each.clockErrMs >= fromT && !isInDoubt(flow.vantage, each.onsetT, facts)))
    .map((each) => each.brokenT)
    .sort((a, b) => a - b);
  let closeT = lastT + quietMs;
  for (const t of breaks) if (t <= closeT) closeT = Math.max(closeT, t + quietMs);
  return Math.min(closeT, fromT + MAX_WINDOW_MS);
}

function isInDoubt(vantage: string, t: number, { illnesses }: RunFacts): boolean {
  return illnesses.some((ill) => ill.vantage === vantage && ill.fromT <= t && t <= ill.untilT);
}

function resultOf(report: WindowReport, counts: readonly LedgerCount[], untold: string[]): Omit<WindowResult, 'because'> {
  const broken = new Map<string | null, number>();
  const causes = new Map<string, number>();
  for (const { byIngress, brokenByCause } of counts) {
    for (const [ingress, { broken: flows }] of byIngress) if (flows > 0) broken.set(ingress, (broken.get(ingress) ?? 0) + flows);
    for (const [cause, flows] of Object.entries(brokenByCause)) causes.set(cause, (causes.get(cause) ?? 0) + flows);
  }
  return {
    report,
    protocols: [...Map.groupBy(counts, (count) => count.scope.protocol)].map(([protocol, of]) => ({
      protocol,
      broken: total(of, (count) => count.broken),
      population: total(of, (count) => count.population),
    })),
    broken: [...broken].map(([ingress, flows]) => ({ ingress, flows })).sort((a, b) => b.flows - a.flows),
    causes: [...causes].map(([cause, flows]) => ({ cause, flows })).sort((a, b) => b.flows - a.flows || (a.cause < b.cause ? -1 : 1)),
    inDoubt: total(counts, (count) => count.inDoubt),
    silentInDoubt: total(counts, (count) => count.silentInDoubt),
    vantages: [...new Set(counts.filter((count) => count.population > 0).map((count) => count.scope.vantage))].sort(),
    untold,
  };
}

/** What the breaks of a window came to: all that broke less those in doubt. */
export function brokenIn(result: WindowResult): number {
  return result.causes.reduce((sum, { flows }) => sum + flows, 0);
}
