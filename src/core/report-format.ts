// report.json and flows.ndjson: the findings of a run as other programs read them. Fields are added, never renamed or removed.
import type { Phase } from './checks.ts';
import type { BreakCause, DialFailure, Tally } from './journal.ts';

export const REPORT_SCHEMA = 1;

/** What became of one flow of a window's population; the first that applies, in this order, except that the two `unknown` are one word. */
export const OUTCOMES = ['unknown', 'on-dead-hop', 'broken-in-place', 'moved-broken', 'moved-survived', 'unmoved'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const VERDICTS = ['held', 'inconclusive', 'deviated', 'errored'] as const;
/** In rising order of weight: the worst of a run's checks is the run's. */
export type Verdict = (typeof VERDICTS)[number];

/** A share `count / n` with its Wilson 95 % interval; `low` and `high` in 0..1. With n = 0 the interval is 0..1. */
export type Share = { count: number; n: number; low: number; high: number };

export type Blame = 'vip' | 'path' | 'prober' | 'unknown';

/** One line of flows.ndjson: one flow in one window. Times in ms on the run's clock. */
export type FlowOutcome = {
  /** Index into the report's `events`. */
  event: number;
  flowId: string;
  vantage: string;
  protocol: string;
  router: string | null;
  sourceAddress: string;
  sourcePort: number;
  /** Address of the VIP. */
  vip: string;
  vipName: string;
  port: number;
  ingressBefore: string | null;
  ingressAfter: string | null;
  backendBefore: string | null;
  backendAfter: string | null;
  outcome: Outcome;
  broken: boolean;
  breakCause: BreakCause | null;
  blame: Blame | null;
  mappedBy: 'live' | 'redial' | 'final' | null;
  mapFailure: DialFailure | null;
  observedSourceBefore: string | null;
  observedSourceAfter: string | null;
  lastOkT: number | null;
  onsetT: number | null;
  brokenT: number | null;
  restoredT: number | null;
};

/** Why a window opened. */
export type EventCause = 'baseline' | 'fault-in' | 'fault-out' | 'observed';

export type Ledger = {
  vantage: string;
  protocol: string;
  /** Name of the VIP. */
  vip: string;
  router: string | null;
  population: number;
  excluded: number;
  openedAndBroken: number;
  /** Counts sum to `population`. */
  outcomes: Record<Outcome, Share>;
  brokenByCause: Record<string, number>;
};

/** Settled next-hop sets at a window's two ends, as node names in the router's own order; by name and `from: flows` when inferred. */
export type WindowNextHops = {
  router: string;
  vip: string;
  before: string[];
  after: string[];
  from: 'observer' | 'flows';
  /** An inferred set is what one vantage sees. */
  vantage?: string;
  /** Which of the two is not known: it is then [], which otherwise means that there was no route. */
  unknown?: ('before' | 'after')[];
};

/** What ties a broken flow to a cause; the flow's own pod, its ingress, or its 5-tuple tells. */
export const CAUSE_EVIDENCE = [
  /** The pod that answered it ended. */
  'its-pod',
  /** The node it came in by left the next-hop set. */
  'left-hop',
  /** Its 5-tuple went to another node when a next-hop set changed. */
  'rehashed',
  /** It came in by the fault's target, or was answered there. */
  'on-target',
  /** It came in by a node, or was answered on one, that then was NotReady or gone. */
  'on-node',
] as const;
export type CauseEvidence = (typeof CAUSE_EVIDENCE)[number];

/** What happened inside a window that broke flows or may have, and what it broke: a flow has one cause at most. */
export type WindowCause = {
  t: number;
  kind: 'pod' | 'node' | 'service' | 'speaker' | 'metallb' | 'fault' | 'next-hops';
  vip: string | null;
  node: string | null;
  pod: string | null;
  /** As a person says it: `rollout of web, step 2: n3 lost its last ready endpoint (web-7d9f-x2x1)`. */
  what: string;
  /** What became of next-hop sets by it; null: nothing that anybody saw. */
  effect: string | null;
  /** By protocol; `share`: of the flows that lived just before it, those that it broke. */
  broken: { protocol: string; share: Share; byCause: Record<string, number> }[];
  /** By what the broken flows are tied to it. */
  evidence: Partial<Record<CauseEvidence, number>>;
};

/** Breaks of a window that nothing seen explains. */
export type UnexplainedBreaks = {
  vip: string;
  protocol: string;
  /** Of all breaks of the window there. */
  share: Share;
  /** `unseen`: the cluster or the router was not watched then; `unmapped`: a set changed, but where the 5-tuple went by that is not known. */
  why: 'prober-ill' | 'unseen' | 'unmapped' | 'no-cause-seen';
};

/** One window (the field's word in report.json is `events`). */
export type WindowReport = {
  fromT: number;
  untilT: number;
  eventCause: EventCause;
  phase: Phase;
  fault?: string;
  description: string;
  nextHops: WindowNextHops[];
  ledgers: Ledger[];
  /** In order of time; absent where no cluster was watched. Broken flows of causes + unexplained = all breaks of the window. */
  causes?: WindowCause[];
  unexplained?: UnexplainedBreaks[];
};

export type CheckResult = {
  check: string;
  vip?: string;
  vantage?: string;
  protocol?: string;
  during?: string;
  expected: string;
  observed: string;
  share?: Share;
  verdict: Verdict;
  why: string;
};

export type SourceIpVerdict = 'preserved' | 'node-snat' | 'other-snat' | 'unknown';

export type Report = {
  schema: typeof REPORT_SCHEMA;
  runId: string;
  title: string;
  scenario: string;
  environment: string;
  /** Unix ms of t = 0. */
  wallClockMs: number;
  durationMs: number;
  seed: number;
  versions: Record<string, string>;
  verdict: Verdict;
  /** One sentence a tired person understands. */
  summary: string;
  /** Further sentences: what a fault did, what would have spared whom, what was not seen. */
  remarks: string[];
  checks: CheckResult[];
  events: WindowReport[];
  matrix: { event: number; vantage: string; protocol: string; vip: string; from: string; to: string; flows: number }[];
  finalMap: { vantage: string; vip: string; from: string; to: string; flows: number }[];
  sourceIp: {
    vantage: string;
    vip: string;
    policy: string;
    family: 4 | 6;
    ingress: string;
    verdict: SourceIpVerdict;
    rewrittenBy: string | null;
    flows: number;
  }[];
  paths: {
    vantage: string;
    vip: string;
    router: string | null;
    ingress: string;
    phase: string;
    availability: { value: number; low: number; high: number };
    tally: Tally;
    rttMs: { p50: number; p99: number };
  }[];
  interruptions: {
    event: number;
    vantage: string;
    vip: string;
    protocol: string;
    p50Ms: number;
    p99Ms: number;
    maxMs: number;
    n: number;
  }[];
  faults: {
    id: string;
    kind: string;
    target: string;
    plannedForMs: number;
    inForceT: number | null;
    revertedT: number | null;
    /** `unknown`: the journal ends before the keeper's last word. */
    state: 'verified' | 'unverified' | 'gone' | 'unknown';
  }[];
  health: { vantage: string; invalidBins: number; bins: number; reasons: Record<string, number>; clockErrMs: number }[];
  /** What a drawing of the run needs beyond the tables: one time axis for everything, in s of the run. */
  timeline: Timeline;
};

/** Series on one time axis; every array has `bins` entries, one a second, but for `flows` and `breaks`, which have one a step. */
export type Timeline = {
  bins: number;
  /** Length of a step in ms: short enough that a break is not drawn before its cause. Absent: 1,000. */
  stepMs?: number;
  /** Flows by path: `flows[i]` is the number alive on `ingress` at the end of step i. */
  flows: { vip: string; protocol: string; ingress: string; flows: number[] }[];
  /** Flow breaks by cause, by the step of their onset. */
  breaks: { vip: string; cause: BreakCause; breaks: number[] }[];
  /** Exchanges not ok, by second. */
  exchanges: { vip: string; ok: number[]; late: number[]; lost: number[]; notSent: number[]; invalid: number[] }[];
  /** Next-hop sets as they changed. */
  nextHops: { t: number; router: string; vip: string; nodes: string[] }[];
  /** BGP sessions, faults, happenings of the cluster, notes: one mark each. */
  marks: { t: number; kind: 'fault' | 'bgp' | 'note' | 'prober' | 'cluster'; text: string }[];
};
