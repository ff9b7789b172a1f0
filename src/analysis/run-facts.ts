// The journal read once: everything the findings ask for, indexed by noun.
import type { Environment } from '../core/environment.ts';
import { compareEvents, type EventOf, type JournalEvent, vantageOf } from '../core/journal.ts';
import type { Probe } from '../core/probe-file.ts';
import type { Scenario } from '../core/scenario-file.ts';
import { type ClusterFacts, clusterFacts } from './cluster/cluster-facts.ts';
import type { ClusterEvent } from './cluster/happenings.ts';
import { type FaultFacts, faultFacts } from './fault-facts.ts';
import type { Break, Flow } from './flow-life.ts';

/** Flows that are judged together: they share everything but the source port and the router. */
export type Scope = { vantage: string; vip: string; protocol: string };

export type RunFacts = {
  /** Null: the journal ends before its first line. */
  started: EventOf<'run.started'> | null;
  scenario: Partial<Scenario> & { name: string };
  environment: Partial<Environment> & { name: string };
  probes: Record<string, Partial<Probe>>;
  /** In order of their opening. */
  flows: Flow[];
  faults: FaultFacts[];
  tallies: EventOf<'tally'>[];
  illnesses: EventOf<'prober.ill'>[];
  nextHops: (EventOf<'next-hops'> | EventOf<'observer.blind'>)[];
  sessions: EventOf<'bgp-session'>[];
  cluster: ClusterFacts;
  /** What MetalLB said of itself. */
  statuses: EventOf<'cluster.metallb-status'>[];
  notes: (EventOf<'run.note'> | EventOf<'run.aborted'>)[];
  aborted: EventOf<'run.aborted'> | null;
  /** Error bound of each vantage's clock against the runner's. */
  clockErrMs: Map<string, number>;
  /** All flows are open: window 0 begins. */
  timelineT: number;
  /** The last window ends: `timeline.ended`, or the journal's end. */
  endT: number;
  /** The last event that says anything of the run itself. */
  lastT: number;
  /** The runner came to its end, or is about to say so. */
  isEnded: boolean;
};

/** Whether a fault's target is a VIP, and no node. */
export function isVipTarget({ environment }: Pick<RunFacts, 'environment'>, target: string): boolean {
  const isNamed = (all: readonly { name: string }[] = []) => all.some(({ name }) => name === target);
  return isNamed(environment.vips) && !isNamed(environment.nodes);
}

/** Reads the events once, in the order of `compareEvents`; types it does not know are passed over. */
export function indexJournal(events: readonly JournalEvent[], isComplete = false): RunFacts {
  const reading = new Reading(isComplete);
  for (const event of inOrder(events)) reading.take(event);
  return reading.facts();
}

function inOrder(events: readonly JournalEvent[]): readonly JournalEvent[] {
  const isSorted = events.every((event, index) => {
    const before = events[index - 1];
    return before === undefined || compareEvents(before, event) <= 0;
  });
  return isSorted ? events : events.toSorted(compareEvents);
}

/** Most flows keep all four lists empty: one list serves them all. */
const NONE: readonly never[] = [];

class Reading {
  readonly #flows = new Map<string, Flow>();
  readonly #vantages = new Map<string, string>();
  readonly #clockErrMs = new Map<string, number>();
  readonly #faultEvents: JournalEvent[] = [];
  readonly #tallies: EventOf<'tally'>[] = [];
  readonly #illnesses: EventOf<'prober.ill'>[] = [];
  readonly #nextHops: RunFacts['nextHops'] = [];
  readonly #sessions: EventOf<'bgp-session'>[] = [];
  readonly #cluster: ClusterEvent[] = [];
  readonly #statuses: EventOf<'cluster.metallb-status'>[] = [];
  readonly #notes: RunFacts['notes'] = [];
  #started: EventOf<'run.started'> | null = null;
  #aborted: EventOf<'run.aborted'> | null = null;
  #baselineT: number | null = null;
  #readyT: number | null = null;
  #endedT: number | null = null;
  #lastT = 0;
  #isEnded: boolean;

  constructor(isComplete: boolean) {
    this.#isEnded = isComplete;
  }

  /** The most frequent types come first: a switch over texts is a row of comparisons, and there may be millions of events. */
  take(event: JournalEvent): void {
    switch (event.type) {
      case 'flow.opened':
        this.#open(event);
        break;
      case 'flow.closed':
      case 'flow.final':
      case 'flow.changed':
      case 'flow.broken':
      case 'flow.mapped':
      case 'flow.recovered':
      case 'flow.quiet':
        this.#live(event);
        break;
      case 'tally':
        this.#tallies.push(event);
        break;
      case 'run.started':
        this.#started ??= event;
        break;
      case 'phase.started':
        if (event.phase === 'baseline') this.#baselineT ??= event.t;
        break;
      case 'vantage.ready':
        this.#readyT = event.t;
        this.#clockErrMs.set(event.vantage, event.clockErrMs);
        break;
      case 'timeline.ended':
        this.#endedT ??= event.t;
        break;
      case 'run.aborted':
        this.#aborted ??= event;
        this.#notes.push(event);
        break;
      case 'run.note':
        this.#notes.push(event);
        break;
      case 'prober.ill':
        this.#illnesses.push(event);
        break;
      case 'fault.planned':
      case 'fault.intent':
      case 'fault.in-force':
      case 'fault.lost':
      case 'fault.reverting':
      case 'fault.verified':
      case 'fault.unverified':
      case 'fault.gone':
        this.#faultEvents.push(event);
        break;
      case 'next-hops':
      case 'observer.blind':
        this.#nextHops.push(event);
        break;
      case 'bgp-session':
        this.#sessions.push(event);
        break;
      case 'cluster.endpoints':
      case 'cluster.service':
      case 'cluster.node':
      case 'cluster.deployment':
      case 'cluster.speaker':
      case 'cluster.metallb':
      case 'cluster.intent':
        this.#cluster.push(event);
        break;
      case 'cluster.metallb-status':
        this.#statuses.push(event);
        break;
      case 'dial.failed':
        break;
      case 'run.ended':
        this.#isEnded = true;
        return;
      case 'check.evaluated':
        return;
    }
    // Not of the two types above, which a verdict computed from this very journal added to it: read again, it must change nothing.
    this.#lastT = Math.max(this.#lastT, event.t);
  }

  facts(): RunFacts {
    const started = this.#started;
    const faults = faultFacts(this.#faultEvents);
    const readyT = Math.max(this.#baselineT ?? -Infinity, this.#readyT ?? -Infinity);
    const timelineT = Number.isFinite(readyT) ? readyT : this.#lastT;
    return {
      started,
      scenario: started?.scenario ?? { name: '' },
      environment: started?.environment ?? { name: '' },
      probes: started?.probes ?? {},
      flows: [...this.#flows.values()],
      faults,
      tallies: this.#tallies,
      illnesses: this.#illnesses,
      nextHops: this.#nextHops,
      sessions: this.#sessions,
      cluster: clusterFacts(
        this.#cluster,
        this.#nextHops.filter((event) => event.type === 'observer.blind'),
        faults,
      ),
      statuses: this.#statuses,
      notes: this.#notes,
      aborted: this.#aborted,
      clockErrMs: this.#clockErrMs,
      timelineT,
      endT: Math.max(timelineT, this.#endedT ?? this.#lastT),
      lastT: this.#lastT,
      isEnded: this.#isEnded,
    };
  }

  #open(event: EventOf<'flow.opened'>): void {
    let vantage = this.#vantages.get(event.from);
    if (vantage === undefined) {
      vantage = vantageOf(event) ?? event.from;
      this.#vantages.set(event.from, vantage);
    }
    this.#flows.set(event.flow, {
      id: event.flow,
      vantage,
      opened: event,
      changes: NONE,
      breaks: NONE,
      mappings: NONE,
      quiets: NONE,
      closedT: null,
      final: null,
      replacedT: null,
      outlivedBreak: false,
    });
    const replaced = event.replaces === undefined ? undefined : this.#flows.get(event.replaces);
    if (replaced) replaced.replacedT ??= event.t;
  }

  /** A flow that this journal never saw opened is passed over: nothing is known of it. */
  #live(
    event: EventOf<'flow.changed' | 'flow.recovered' | 'flow.broken' | 'flow.quiet' | 'flow.mapped' | 'flow.closed' | 'flow.final'>,
  ): void {
    const flow = this.#flows.get(event.flow);
    if (!flow) return;
    switch (event.type) {
      case 'flow.changed':
        flow.changes = [...flow.changes, event];
        break;
      case 'flow.recovered':
        flow.changes = [...flow.changes, event];
        flow.breaks = flow.breaks.map((each) => (each.recoveredT === null ? { ...each, recoveredT: event.t } : each));
        flow.outlivedBreak = true;
        break;
      case 'flow.broken':
        flow.breaks = [...flow.breaks, this.#breakOf(event, flow)];
        flow.outlivedBreak = false;
        break;
      case 'flow.quiet':
        flow.quiets = [...flow.quiets, { fromT: event.fromT, untilT: event.untilT }];
        break;
      case 'flow.mapped':
        flow.mappings = [...flow.mappings, event];
        break;
      case 'flow.closed':
        flow.closedT ??= event.t;
        flow.outlivedBreak = flow.breaks.length > 0;
        break;
      case 'flow.final':
        flow.final = event;
        break;
    }
  }

  #breakOf(event: EventOf<'flow.broken'>, flow: Flow): Break {
    return {
      cause: event.breakCause,
      onsetT: event.onsetT,
      lastOkT: event.lastOkT ?? flow.opened.t,
      brokenT: event.t,
      clockErrMs: Math.max(event.clockErrMs ?? 0, this.#clockErrMs.get(flow.vantage) ?? 0),
      recoveredT: null,
    };
  }
}
