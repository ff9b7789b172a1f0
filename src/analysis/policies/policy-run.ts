// From the journal of one run to the figures of each VIP in it.
import type { JournalEvent } from '../../core/journal.ts';
import type { Share } from '../../core/report-format.ts';
import { BIN_MS } from '../bins.ts';
import { type Flow, isOpenAt, sightingAt } from '../flow-life.ts';
import { shareOf, shareOfSamples } from '../intervals.ts';
import { inDoubtOf, judgeLedgers, type LedgerCount, total } from '../ledgers.ts';
import { NextHopHistory } from '../next-hop-history.ts';
import { firstBreakIn, membershipOf } from '../population.ts';
import { indexJournal, isVipTarget, type RunFacts } from '../run-facts.ts';
import { scopesOf } from '../scopes.ts';
import { changesOf, entryAt } from '../set-history.ts';
import { SourceJudge } from '../source-ip.ts';
import { errorsOf } from '../verdict.ts';
import { type Window, windowsOf } from '../windows.ts';
import { countText } from '../wording.ts';
import type { EdgeFigures, PolicyRun, RouteChange, Trial, TrialFigures, VipFigures } from './figures.ts';

type Reading = { facts: RunFacts; windows: readonly Window[]; nextHops: NextHopHistory; counts: readonly LedgerCount[] };

/** Reads a run of `trial`: one fault, flows on several VIPs at once. */
export function readPolicyRun(trial: Trial, events: readonly JournalEvent[]): PolicyRun {
  const facts = indexJournal(events, true);
  const nextHops = new NextHopHistory(facts);
  const windows = windowsOf(facts, nextHops);
  const counts = judgeLedgers({ facts, windows, nextHops }, scopesOf(facts)).map(({ count }) => count);
  const reading = { facts, windows, nextHops, counts };
  const vips = [...new Set((facts.scenario.flows ?? []).map(({ vip }) => vip))];
  const rolledOut = rolledOutBy(events, facts);
  const figures = vips.map((vip) => vipFigures(vip, reading));
  return {
    trial,
    vips: figures,
    figures: figures.filter(({ vip }) => trial !== 'rollout' || rolledOut.includes(vip)).map((vip) => trialFigures(trial, vip, reading)),
    rolledOut,
    trouble: errorsOf(facts)[0] ?? faultTrouble(facts) ?? unopenedText(events),
  };
}

/** A fault that did not stand for its time shows nothing of what it does. */
function faultTrouble({ faults }: RunFacts): string | null {
  if (faults.every(({ intentT }) => intentT === null)) return 'no fault was begun';
  const never = faults.find(({ inForceT }) => inForceT === null);
  if (never) return `${never.kind} at ${never.target} was never in force`;
  const lost = faults.find(({ lostT }) => lostT !== null);
  return lost ? `${lost.kind} at ${lost.target} was lost${lost.reason === null ? '' : `: ${lost.reason}`}` : null;
}

/** What a run holds less than it was to hold says nothing of the flows that are missing. */
const TOLERABLE_SHARE = 0.02;

function unopenedText(events: readonly JournalEvent[]): string | null {
  const ready = events.filter((event) => event.type === 'vantage.ready');
  const failed = ready.reduce((sum, event) => sum + event.failed, 0);
  const all = failed + ready.reduce((sum, event) => sum + event.opened, 0);
  return failed > TOLERABLE_SHARE * all ? `${countText(failed)} of ${countText(all)} flows could not be opened` : null;
}

function vipFigures(vip: string, { facts }: Reading): VipFigures {
  const t = facts.timelineT;
  const flows = facts.flows.filter(({ opened, ...flow }) => opened.vip === vip && isOpenAt({ opened, ...flow }, t));
  const seen = flows.map((flow) => ({ ...sightingAt(flow, t), flow }));
  const judge = new SourceJudge(facts.environment.nodes ?? []);
  const sources = seen.map(({ flow, observedSource, ingress }) => {
    const { verdict, rewrittenBy } = judge.judge(flow.opened.sourceAddress, observedSource);
    return verdict === 'preserved' ? 'preserved' : rewrittenBy !== null && rewrittenBy === ingress ? 'ingress' : 'other';
  });
  const placed = seen.filter(({ ingress }) => ingress !== null);
  const told = facts.cluster.services.find((service) => service.vip === vip && service.policy !== null);
  const pods = [...Map.groupBy(seen, ({ flow, ingress }) => `${flow.opened.sourceAddress} ${ingress ?? ''}`).values()].map(
    (of) => new Set(of.map(({ backend }) => backend)).size,
  );
  const hasAffinity = told?.affinity === 'client-ip';
  return {
    vip,
    policy: told?.policy ?? facts.environment.vips?.find(({ name }) => name === vip)?.policy ?? 'local',
    hasAffinity,
    flows: flows.length,
    byNode: countsBy(seen.map(({ ingress }) => ingress ?? 'unknown')),
    byPod: countsBy(seen.map(({ backend }) => backend)),
    podsOfAClient: pods.length === 0 ? null : { fewest: Math.min(...pods), most: Math.max(...pods) },
    podChoices: pods.length,
    sourcePreserved: shareOf(sources.filter((source) => source === 'preserved').length, sources.length),
    rewrittenByIngress: sources.filter((source) => source === 'ingress').length,
    extraHop: shareOfSamples(
      placed.filter(({ ingress, backendNode }) => ingress !== backendNode).length,
      placed.length,
      hasAffinity ? pods.length : Infinity,
    ),
  };
}

function trialFigures(trial: Trial, { vip, hasAffinity, podChoices }: VipFigures, reading: Reading): TrialFigures {
  // With affinity the flows of a client through a node share a pod, and break with it: they are one sample.
  const about = { vip, samples: hasAffinity ? podChoices : Infinity };
  const { windows, facts } = reading;
  const loss = windows.find(({ cause }) => cause === 'fault-in') ?? null;
  const back = windows.find(({ cause }) => cause === 'fault-out') ?? null;
  const target = loss?.fault?.target ?? null;
  const node = target !== null && isVipTarget(facts, target) ? null : target;
  return {
    trial,
    vip,
    node,
    loss: loss && edgeFigures(about, loss, reading),
    back: back && loss && { ...edgeFigures(about, back, reading), ...byAge(about, { loss, back }, reading) },
    answeredWithoutPods: loss && node !== null ? answeredWithoutPods({ vip, node }, loss, facts) : 0,
  };
}

type About = { vip: string; samples: number };

function edgeFigures({ vip, samples }: About, window: Window, reading: Reading): EdgeFigures {
  const counts = reading.counts.filter((count) => count.window === window && count.scope.vip === vip);
  const byCause: Record<string, number> = {};
  for (const count of counts)
    for (const [cause, flows] of Object.entries(count.brokenByCause)) byCause[cause] = (byCause[cause] ?? 0) + flows;
  return {
    broken: shareOfSamples(
      total(counts, (count) => count.broken),
      total(counts, (count) => count.population),
      samples,
    ),
    byCause,
    inDoubt: total(counts, inDoubtOf),
    route: routeChange(vip, window, reading),
  };
}

function routeChange(vip: string, { fault, fromT, untilT, cause }: Window, { nextHops }: Reading): RouteChange {
  const histories = nextHops.observed.filter((set) => set.vip === vip).map(({ history }) => history);
  if (histories.length === 0 || fault === null) return { kind: 'unknown' };
  const { target } = fault;
  const isInside = ({ t }: { t: number }) => t >= fromT && t < untilT;
  const changeTs = histories
    .flatMap((history) => changesOf(history).filter(isInside))
    .filter(({ before, after }) => {
      const [had, has] = [before.includes(target), after.includes(target)];
      return cause === 'fault-in' ? had && !has : !had && has;
    })
    .map(({ t }) => t);
  const blindTs = histories.flatMap((history) => [
    ...(entryAt(history, fromT)?.nodes == null ? [fromT] : []),
    ...history.filter((entry) => entry.nodes === null && isInside(entry)).map(({ t }) => t),
  ]);
  const changeT = Math.min(...changeTs);
  // What passed while nobody looked is told late, and only as far as it lasted.
  if (Math.min(...blindTs) > changeT) return { kind: 'changed', afterMs: changeT - fromT };
  const isKept = blindTs.length === 0 && histories.every((history) => entryAt(history, fromT)?.nodes?.includes(target));
  return { kind: isKept ? 'kept' : 'unknown' };
}

/** A return hurts flows that never knew the node; those that are older have stayed where they are. */
function byAge(
  { vip, samples }: About,
  { loss, back }: { loss: Window; back: Window },
  { facts, windows }: Reading,
): { older: Share; younger: Share } {
  const sums = { older: { broken: 0, n: 0 }, younger: { broken: 0, n: 0 } };
  for (const flow of facts.flows) {
    if (flow.opened.vip !== vip || !isJudged(flow, windows, back, facts)) continue;
    const sum = flow.opened.t <= loss.fromT ? sums.older : sums.younger;
    sum.n += 1;
    if (firstBreakIn(flow, windows, back)) sum.broken += 1;
  }
  return {
    older: shareOfSamples(sums.older.broken, sums.older.n, samples),
    younger: shareOfSamples(sums.younger.broken, sums.younger.n, samples),
  };
}

function isJudged(flow: Flow, windows: readonly Window[], window: Window, facts: RunFacts): boolean {
  return membershipOf(flow, windows, window, facts.probes[flow.opened.probe]) === 'population';
}

function answeredWithoutPods({ vip, node }: { vip: string; node: string }, window: Window, facts: RunFacts): number {
  const end = facts.cluster.happenings.findLast(
    (happening) =>
      happening.kind === 'pod-ended' &&
      happening.vip === vip &&
      happening.node === node &&
      happening.t >= window.fromT &&
      happening.t < window.untilT,
  );
  if (end?.kind !== 'pod-ended' || !end.isOnlyOfNode) return 0;
  // One second more than it takes: dials of that second may have been answered before.
  const fromBin = Math.ceil(Math.max(end.t, Math.min(end.servedUntilT, window.untilT)) / BIN_MS) + 1;
  return facts.tallies
    .filter(
      ({ fresh, vip: of, path, bin }) =>
        fresh === true && of === vip && path === node && bin >= fromBin && (bin + 1) * BIN_MS <= window.untilT,
    )
    .reduce((sum, { ok }) => sum + ok, 0);
}

/** VIPs behind the Deployment that the fault was aimed at; several Services may stand before the same pods. */
function rolledOutBy(events: readonly JournalEvent[], facts: RunFacts): string[] {
  const deployments = new Map<string, string>();
  for (const event of events) if (event.type === 'cluster.deployment') deployments.set(event.vip, event.deployment);
  const target = facts.faults.find(({ kind }) => kind === 'deployment-rollout')?.target;
  if (target === undefined) return [];
  const deployment = deployments.get(target);
  return [target, ...[...deployments].filter(([vip, of]) => vip !== target && of === deployment).map(([vip]) => vip)];
}

function countsBy(names: readonly string[]): { name: string; flows: number }[] {
  return [...Map.groupBy(names, (name) => name)]
    .map(([name, of]) => ({ name, flows: of.length }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
