// What broke each flow: tied to a happening by the flow's own pod, ingress or 5-tuple, never by nearness in time alone.
import type { CauseEvidence, UnexplainedBreaks } from '../../core/report-format.ts';
import type { FaultMeans } from '../../core/scenario-file.ts';
import type { FaultFacts } from '../fault-facts.ts';
import { type Break, type Flow, sightingAt } from '../flow-life.ts';
import type { NextHopHistory, VipChange } from '../next-hop-history.ts';
import { isDoubtful } from '../outcomes.ts';
import { firstBreakIn, membershipOf } from '../population.ts';
import type { RunFacts } from '../run-facts.ts';
import { entryAt } from '../set-history.ts';
import type { Window } from '../windows.ts';
import { isBlindAt } from './cluster-facts.ts';
import type { Happening, PodHappening } from './happening.ts';
import { type ExplainedChange, explainedChanges, SEEN_LATE_MS, type Source } from './set-changes.ts';

/** A flow that meets its fate notices at its next exchange. */
const NOTICE_MS = 5_000;
/** A route's change is seen almost at once. */
const ROUTE_SEEN_LATE_MS = 500;
/** Kubernetes calls a node NotReady 50 s after its last word (node-monitor-grace-period), and removes its endpoints then. */
const GRACE_MS = 60_000;

/** `isJudged`: the flow is of the window's population, which figures and sentences count. `isInDoubt`: its prober was ill. */
type BrokenFlow = { flow: Flow; isJudged: boolean; isInDoubt: boolean };
export type AttributedBreak = BrokenFlow & { broken: Break; evidence: CauseEvidence };
export type Cause = { source: Source; breaks: AttributedBreak[] };
export type Attribution = {
  window: Window;
  /** Only those that broke a flow, in no order. */
  causes: readonly Cause[];
  unexplained: readonly (BrokenFlow & { why: UnexplainedBreaks['why'] })[];
  /** Changes of sets inside the window, and earlier ones of its causes; whose effect they were. */
  changes: readonly ExplainedChange[];
  /** Flows that the end of their pod broke. */
  podEnded: ReadonlySet<Flow>;
};

export type AttributionRun = { facts: RunFacts; windows: readonly Window[]; nextHops: NextHopHistory };

/** One attribution a window; none where no cluster was watched. */
export function attributions(run: AttributionRun): Attribution[] {
  if (!run.facts.cluster.isWatched) return [];
  const search = new CauseSearch(run);
  return run.windows.map((window) => search.attribute(window));
}

/** The attribution of one of the windows; null where no cluster was watched. */
export function attributionOf(run: AttributionRun, window: Window): Attribution | null {
  return run.facts.cluster.isWatched ? new CauseSearch(run).attribute(window) : null;
}

type Candidate = { t: number; source: Source; evidence: CauseEvidence };

class CauseSearch {
  readonly #run: AttributionRun;
  readonly #changes: readonly ExplainedChange[];
  readonly #podEnds: ReadonlyMap<string, PodHappening[]>;
  readonly #brokenFlows: readonly Flow[];

  constructor(run: AttributionRun) {
    this.#run = run;
    this.#changes = explainedChanges(run.facts, run.nextHops);
    const ends = run.facts.cluster.happenings.filter((happening) => happening.kind === 'pod-ended');
    this.#podEnds = Map.groupBy(ends as PodHappening[], ({ vip, pod }) => `${vip} ${pod}`);
    this.#brokenFlows = run.facts.flows.filter((flow) => flow.breaks.length > 0);
  }

  attribute(window: Window): Attribution {
    const { windows, facts } = this.#run;
    const causes = new Map<unknown, Cause>();
    const unexplained: Attribution['unexplained'][number][] = [];
    const podEnded = new Set<Flow>();
    for (const flow of this.#brokenFlows) {
      const broken = firstBreakIn(flow, windows, window);
      if (!broken) continue;
      const illnesses = facts.illnesses.filter((ill) => ill.vantage === flow.vantage);
      const isInDoubt = isDoubtful(broken, illnesses);
      // An ill prober may take a living flow for stalled; a reset or a close it cannot make up.
      const isMadeUp = isInDoubt && broken.cause === 'stalled';
      const found = isMadeUp ? null : this.#causeOf(flow, broken);
      const isJudged = membershipOf(flow, windows, window, facts.probes[flow.opened.probe]) === 'population';
      if (!found) {
        unexplained.push({ flow, why: this.#whyNot(flow, broken, isInDoubt), isJudged, isInDoubt });
        continue;
      }
      if (found.evidence === 'its-pod') podEnded.add(flow);
      const key = sourceKey(found.source);
      let cause = causes.get(key);
      if (!cause) causes.set(key, (cause = { source: found.source, breaks: [] }));
      cause.breaks.push({ flow, broken, evidence: found.evidence, isJudged, isInDoubt });
    }
    const changes = this.#changes.filter(
      ({ change: { t }, source }) => t < window.untilT && (t >= window.fromT || causes.has(sourceKey(source))),
    );
    return { window, causes: [...causes.values()], unexplained, changes, podEnded };
  }

  #causeOf(flow: Flow, broken: Break): Candidate | null {
    const direct = [...this.#podEndsOf(flow, broken), ...this.#changesAround(flow, broken)].sort((a, b) => a.t - b.t);
    // What came last before the break broke it; where all was seen only after it, what was seen first.
    const slackMs = broken.clockErrMs;
    return (
      direct.findLast(({ t }) => t <= broken.onsetT + slackMs) ?? direct[0] ?? this.#faultOf(flow, broken) ?? this.#nodeOf(flow, broken)
    );
  }

  #podEndsOf(flow: Flow, broken: Break): Candidate[] {
    const { backend } = sightingAt(flow, broken.onsetT);
    const { onsetT, clockErrMs } = broken;
    return (this.#podEnds.get(`${flow.opened.vip} ${backend}`) ?? [])
      .filter(({ sinceT, goneT }) => onsetT >= sinceT - SEEN_LATE_MS - clockErrMs && onsetT <= goneT + NOTICE_MS)
      .map((happening) => {
        // The end goes on until the pod is gone: its last stage before the break is what the flow met.
        const stages = [happening.sinceT, happening.servedUntilT, happening.goneT].filter((t) => t <= onsetT + clockErrMs);
        return {
          t: stages.length > 0 ? Math.max(...stages) : happening.sinceT,
          source: { kind: 'happening', happening },
          evidence: 'its-pod',
        };
      });
  }

  #changesAround(flow: Flow, broken: Break): Candidate[] {
    const { ingress } = sightingAt(flow, broken.onsetT);
    const { onsetT, clockErrMs, lastOkT } = broken;
    if (ingress === null) return [];
    const intervalMs = this.#run.facts.probes[flow.opened.probe]?.intervalMs;
    const noticeMs = this.#noticeMs(flow) + clockErrMs;
    return this.#changes.flatMap(({ change, source }): Candidate[] => {
      if (!isOfFlow(change, flow) || onsetT < change.t - ROUTE_SEEN_LATE_MS - clockErrMs || onsetT > change.t + noticeMs) return [];
      if (change.before.includes(ingress) && !change.after.includes(ingress)) return [{ t: change.t, source, evidence: 'left-hop' }];
      // Answered as before for more than an interval under the new set: that did not take it elsewhere.
      const hasOutlived = intervalMs !== undefined && lastOkT > change.t + intervalMs + clockErrMs;
      const ingressAfter = this.#ingressBy(change, flow, broken);
      const isRehashed = ingressAfter !== null && ingressAfter !== ingress;
      return isRehashed && !hasOutlived ? [{ t: change.t, source, evidence: 'rehashed' }] : [];
    });
  }

  /** Where the 5-tuple goes by the change; null where it was not seen before the set changed again. */
  #ingressBy({ t }: VipChange, flow: Flow, { onsetT }: Break): string | null {
    const seen = seenAfter(flow, onsetT);
    const hasChangedAgain = this.#changes.some(
      ({ change }) => isOfFlow(change, flow) && change.t > Math.max(t, onsetT) && change.t <= (seen?.t ?? Infinity),
    );
    return hasChangedAgain ? null : (seen?.ingress ?? null);
  }

  /** What a fault in force broke where nothing else was seen of it: only by a means of its kind, and only what that reaches. */
  #faultOf(flow: Flow, broken: Break): Candidate | null {
    const { onsetT } = broken;
    const fault = this.#run.facts.faults.find((each) => {
      const { intentT, revertingT, lostT } = each;
      const slackMs = broken.clockErrMs + each.clockErrMs;
      const isInForce =
        intentT !== null && onsetT >= intentT - slackMs && onsetT <= Math.min(revertingT ?? Infinity, lostT ?? Infinity) + slackMs;
      return isInForce && each.breaksBy.some((means) => this.#reaches(each, means, flow, broken));
    });
    return fault ? { t: fault.intentT ?? 0, source: { kind: 'fault', fault, edge: 'in' }, evidence: 'on-target' } : null;
  }

  #reaches({ target, intentT, inForceT }: FaultFacts, means: FaultMeans, flow: Flow, broken: Break): boolean {
    const { onsetT, clockErrMs } = broken;
    switch (means) {
      case 'links':
        return isSilent(broken) && isOn(target, flow, onsetT);
      case 'routes': {
        if (sightingAt(flow, onsetT).ingress !== target) return false;
        const sets = this.#setsAt(flow, onsetT);
        return sets === null ? (seenAfter(flow, onsetT)?.ingress ?? target) !== target : !sets.flat().includes(target);
      }
      case 'policy':
        return flow.opened.vip === target && onsetT <= (inForceT ?? intentT ?? 0) + this.#noticeMs(flow) + clockErrMs;
      case 'pods':
        return false; // a pod's end is seen as such, or nobody knows of it
    }
  }

  #noticeMs(flow: Flow): number {
    return NOTICE_MS + (this.#run.facts.probes[flow.opened.probe]?.intervalMs ?? 0);
  }

  /** Null: not every set that the flow may have passed is known. */
  #setsAt({ vantage, opened }: Flow, t: number): (readonly string[])[] | null {
    const sets = this.#run.nextHops.historiesOf(vantage, opened.vip).map((history) => entryAt(history, t)?.nodes ?? null);
    return sets.length > 0 && sets.every((nodes) => nodes !== null) ? sets : null;
  }

  #nodeOf(flow: Flow, broken: Break): Candidate | null {
    const { onsetT } = broken;
    if (!isSilent(broken)) return null;
    const happening = this.#run.facts.cluster.happenings.find(
      (each) =>
        each.kind === 'node' &&
        (each.change === 'not-ready' || each.change === 'gone') &&
        onsetT >= each.sinceT - GRACE_MS &&
        onsetT <= each.t + NOTICE_MS &&
        isOn(each.node, flow, onsetT),
    );
    return happening ? { t: happening.t, source: { kind: 'happening', happening }, evidence: 'on-node' } : null;
  }

  #whyNot(flow: Flow, broken: Break, isInDoubt: boolean): UnexplainedBreaks['why'] {
    const { onsetT } = broken;
    if (isInDoubt) return 'prober-ill';
    const { cluster } = this.#run.facts;
    if (isBlindAt(cluster, onsetT) || this.#setsAt(flow, onsetT) === null) return 'unseen';
    const isUnmapped = this.#changes.some(
      ({ change }) =>
        isOfFlow(change, flow) &&
        onsetT >= change.t - ROUTE_SEEN_LATE_MS &&
        onsetT <= change.t + NOTICE_MS &&
        this.#ingressBy(change, flow, broken) === null,
    );
    return isUnmapped ? 'unmapped' : 'no-cause-seen';
  }
}

/** A set that is inferred from one vantage's flows says nothing of another's. */
function isOfFlow({ vip, vantage }: VipChange, flow: Flow): boolean {
  return vip === flow.opened.vip && (vantage === undefined || vantage === flow.vantage);
}

/** A node that is dead says nothing any more: a reset, or a close, is the word of somebody who lives. */
function isSilent({ cause }: Break): boolean {
  return cause === 'stalled' || cause === 'unreachable';
}

/** Where the flow, or its 5-tuple, was answered first after `t`. */
function seenAfter({ changes, mappings }: Flow, t: number): { t: number; ingress: string | null } | null {
  const seen = [...changes, ...mappings].filter((each) => each.t >= t && each.ingress !== null);
  return seen.length === 0 ? null : seen.reduce((a, b) => (b.t < a.t ? b : a));
}

function isOn(node: string, flow: Flow, t: number): boolean {
  const { ingress, backendNode } = sightingAt(flow, t);
  return ingress === node || backendNode === node;
}

/** Two of one key are one. */
export function sourceKey(source: Source): Happening | string {
  switch (source.kind) {
    case 'happening':
      return source.happening;
    case 'fault':
      return `${source.fault.id} ${source.edge}`;
    case 'next-hops':
      return `${source.change.vip} ${String(source.change.t)}`;
  }
}
