// Ledgers: every flow of a window's population counted once, per vantage, protocol, VIP and router.
import { type FlowOutcome, type Ledger, type Outcome, OUTCOMES } from '../core/report-format.ts';
import { blameOf } from './blame.ts';
import type { Flow } from './flow-life.ts';
import type { Attribution } from './cluster/attribution.ts';
import { shareOf } from './intervals.ts';
import type { KnownSet, NextHopHistory } from './next-hop-history.ts';
import { type Circumstances, judgeFlow, type Judgement } from './outcomes.ts';
import { membershipOf } from './population.ts';
import type { RunFacts, Scope } from './run-facts.ts';
import type { ScopedFlows } from './scopes.ts';
import type { Window } from './windows.ts';

/** A ledger with everything that the checks, the matrix and the sentences count in it. */
export type LedgerCount = {
  window: Window;
  scope: Scope;
  router: string | null;
  before: KnownSet;
  after: KnownSet;
  population: number;
  excluded: number;
  openedAndBroken: number;
  /** Of the population: opened in the window before, after its last set change. */
  young: number;
  outcomes: Record<Outcome, number>;
  brokenByCause: Record<string, number>;
  broken: number;
  /** Broken, with the outcome `unknown`. */
  brokenUnknown: number;
  /** Broken while the prober was ill: perhaps not broken at all. */
  inDoubt: number;
  stalledInDoubt: number;
  /** Silent for long enough while the prober was ill: perhaps stalled, and not called broken. */
  silentInDoubt: number;
  /** `moved-broken`: how many of them silently, and how many of them young. */
  movedBroken: { stalled: number; young: number };
  /** Broken by the end of the pod that answered them: all of them, those whose hop stayed in the set, and those `moved-broken`. */
  podEnded: { flows: number; elsewhere: number; moved: number };
  /** Broken, and the re-dial of the 5-tuple was not answered in time. */
  redialTimedOut: number;
  /** Unbroken flows of the same ingress that another backend, or a restarted one, answered at the end. */
  rebacked: number;
  /** `inDoubt`: of the broken ones. */
  byIngress: Map<string | null, { flows: number; broken: number; inDoubt: number }>;
  /** Ingress before -> ingress after -> flows. */
  moves: Map<string | null, Map<string | null, number>>;
};

/** A scope in a window: its counts, and its lines of flows.ndjson when asked. */
export type JudgedLedger = { count: LedgerCount; lines(): Generator<FlowOutcome> };

type Run = {
  facts: RunFacts;
  windows: readonly Window[];
  nextHops: NextHopHistory;
  /** What broke the flows of each window; none where no cluster was watched. */
  attributions?: readonly Attribution[];
};

/** All ledgers, by window and then by scope. Flows are judged twice, once for counts and once a line: nothing is kept per flow. */
export function judgeLedgers(run: Run, scopes: readonly ScopedFlows[]): JudgedLedger[] {
  return run.windows.flatMap((window) => judgeWindow(run, window, scopes));
}

/** The ledgers of one of the windows. */
export function judgeWindow(run: Run, window: Window, scopes: readonly ScopedFlows[]): JudgedLedger[] {
  return scopes.map((scoped) => judgeLedger(run, window, scoped));
}

function judgeLedger({ facts, windows, nextHops, attributions }: Run, window: Window, { scope, flows }: ScopedFlows): JudgedLedger {
  const { vantage, vip } = scope;
  const count = emptyCount(window, scope);
  const podEnded = attributions?.find((attribution) => attribution.window === window)?.podEnded;
  count.router = nextHops.routerOf(vip);
  count.before = nextHops.settledAt(vantage, vip, window.fromT);
  count.after = nextHops.settledAt(vantage, vip, window.untilT);
  const circumstances: Circumstances = {
    windows,
    window,
    setAfter: count.after.nodes && new Set(count.after.nodes),
    illnesses: facts.illnesses.filter((ill) => ill.vantage === vantage),
    probes: facts.probes,
  };
  // Opened under the set that the window found: since its last change, if that was in the window before.
  const changedT = nextHops.lastChangeT(vantage, vip, window.fromT) ?? -Infinity;
  const youngSinceT = Math.max(changedT, windows[window.index - 1]?.fromT ?? window.fromT);
  for (const flow of flows) {
    const membership = membershipOf(flow, windows, window, facts.probes[flow.opened.probe]);
    if (membership === 'population') {
      const hasLostPod = podEnded?.has(flow) ?? false;
      countJudgement(count, judgeFlow(flow, circumstances), { isYoung: flow.opened.t >= youngSinceT, hasLostPod });
    } else if (membership !== 'elsewhere') count[membership] += 1;
  }
  const vipAddress = facts.environment.vips?.find(({ name }) => name === vip)?.address ?? '';
  return {
    count,
    *lines() {
      for (const flow of flows) {
        if (membershipOf(flow, windows, window, facts.probes[flow.opened.probe]) !== 'population') continue;
        yield lineOf(flow, judgeFlow(flow, circumstances), { count, vipAddress });
      }
    },
  };
}

export function ledgerOf(count: LedgerCount): Ledger {
  const { scope, router, population, excluded, openedAndBroken, outcomes, brokenByCause } = count;
  const shares = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, shareOf(outcomes[outcome], population)]));
  return {
    ...scope,
    router,
    population,
    excluded,
    openedAndBroken,
    outcomes: shares as Ledger['outcomes'],
    brokenByCause,
  };
}

export function total(counts: readonly LedgerCount[], of: (count: LedgerCount) => number): number {
  return counts.reduce((sum, count) => sum + of(count), 0);
}

/** Broken, and no illness of their prober makes that doubtful. */
export function brokenForSure({ broken, inDoubt }: { broken: number; inDoubt: number }): number {
  return broken - inDoubt;
}

/** Whether they broke nobody can say: their prober was ill. */
export function inDoubtOf({ inDoubt, silentInDoubt }: LedgerCount): number {
  return inDoubt + silentInDoubt;
}

/** Broken although their hop stayed in the set. */
export function elsewhereOf({ outcomes }: LedgerCount): number {
  return outcomes['moved-broken'] + outcomes['broken-in-place'];
}

function emptyCount(window: Window, scope: Scope): LedgerCount {
  return {
    window,
    scope,
    router: null,
    before: { nodes: null, from: 'flows' },
    after: { nodes: null, from: 'flows' },
    population: 0,
    excluded: 0,
    openedAndBroken: 0,
    young: 0,
    outcomes: { unknown: 0, 'on-dead-hop': 0, 'broken-in-place': 0, 'moved-broken': 0, 'moved-survived': 0, unmoved: 0 },
    brokenByCause: {},
    broken: 0,
    brokenUnknown: 0,
    inDoubt: 0,
    stalledInDoubt: 0,
    silentInDoubt: 0,
    movedBroken: { stalled: 0, young: 0 },
    podEnded: { flows: 0, elsewhere: 0, moved: 0 },
    redialTimedOut: 0,
    rebacked: 0,
    byIngress: new Map(),
    moves: new Map(),
  };
}

function countJudgement(
  count: LedgerCount,
  judgement: Judgement,
  { isYoung, hasLostPod }: { isYoung: boolean; hasLostPod: boolean },
): void {
  const { outcome, before, after, broken, isInDoubt, mappedBy, mapFailure } = judgement;
  count.population += 1;
  if (isYoung) count.young += 1;
  count.outcomes[outcome] += 1;
  let ingress = count.byIngress.get(before.ingress);
  if (!ingress) count.byIngress.set(before.ingress, (ingress = { flows: 0, broken: 0, inDoubt: 0 }));
  ingress.flows += 1;
  let moves = count.moves.get(before.ingress);
  if (!moves) count.moves.set(before.ingress, (moves = new Map<string | null, number>()));
  moves.set(after.ingress, (moves.get(after.ingress) ?? 0) + 1);
  if (broken) {
    ingress.broken += 1;
    count.broken += 1;
    count.brokenByCause[broken.cause] = (count.brokenByCause[broken.cause] ?? 0) + 1;
    if (outcome === 'unknown') count.brokenUnknown += 1;
    if (isInDoubt) count.inDoubt += 1;
    if (isInDoubt) ingress.inDoubt += 1;
    if (isInDoubt && broken.cause === 'stalled') count.stalledInDoubt += 1;
    if (outcome === 'moved-broken') {
      if (broken.cause === 'stalled') count.movedBroken.stalled += 1;
      if (isYoung) count.movedBroken.young += 1;
    }
    if (mapFailure === 'timeout') count.redialTimedOut += 1;
    if (hasLostPod && !isInDoubt) {
      count.podEnded.flows += 1;
      if (outcome === 'moved-broken' || outcome === 'broken-in-place') count.podEnded.elsewhere += 1;
      if (outcome === 'moved-broken') count.podEnded.moved += 1;
    }
  } else if (isInDoubt) count.silentInDoubt += 1;
  else if (mappedBy === 'live' && after.ingress === before.ingress && 'boot' in after && after.boot !== before.boot) count.rebacked += 1;
}

function lineOf(flow: Flow, judgement: Judgement, { count, vipAddress }: { count: LedgerCount; vipAddress: string }): FlowOutcome {
  const { outcome, before, after, mappedBy, mapFailure, broken } = judgement;
  const { opened } = flow;
  return {
    event: count.window.index,
    flowId: flow.id,
    vantage: flow.vantage,
    protocol: opened.protocol,
    router: count.router,
    sourceAddress: opened.sourceAddress,
    sourcePort: opened.sourcePort,
    vip: vipAddress,
    vipName: opened.vip,
    port: opened.port,
    ingressBefore: before.ingress,
    ingressAfter: after.ingress,
    backendBefore: before.backend,
    backendAfter: after.backend,
    outcome,
    broken: broken !== null,
    breakCause: broken?.cause ?? null,
    blame: blameOf(judgement, count.byIngress),
    mappedBy,
    mapFailure,
    observedSourceBefore: before.observedSource,
    observedSourceAfter: after.observedSource,
    lastOkT: broken?.lastOkT ?? null,
    onsetT: broken?.onsetT ?? null,
    brokenT: broken?.brokenT ?? null,
    restoredT: broken ? (broken.recoveredT ?? flow.replacedT) : null,
  };
}
