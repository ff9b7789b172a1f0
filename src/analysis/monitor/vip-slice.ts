// What a watch keeps of one VIP's events: the last minutes as they came, and all before them folded into the flows that live.
import type { Vip } from '../../core/environment.ts';
import type { EventOf, JournalEvent } from '../../core/journal.ts';
import { compareEvents } from '../../core/journal.ts';
import { BIN_MS } from '../bins.ts';
import { SPEAKERLESS_MS } from '../cluster/announcers.ts';
import { type ClusterEvent, subjectOf } from '../cluster/happenings.ts';
import { indexJournal, type RunFacts } from '../run-facts.ts';
import { type FlowEvent, type SetEvent, type WatchContext } from './context.ts';

/** A flow as it stood at the horizon; `broken` while it was silent, or had no live replacement. */
type Held = { opened: EventOf<'flow.opened'>; broken: EventOf<'flow.broken'> | null };
type Kept = FlowEvent | EventOf<'tally'>;
type Status = EventOf<'cluster.metallb-status'>;

/** What all VIPs of a monitor share. */
export type Shared = { ready: readonly EventOf<'vantage.ready'>[]; illnesses: readonly EventOf<'prober.ill'>[] };

export type SliceSnapshot = {
  vip: string;
  held: Held[];
  tail: Kept[];
  sets: SetEvent[];
  cluster: ClusterEvent[];
  statuses: Status[];
  horizonT: number;
};

/** Before every instant of a session. */
const BEGINNING_T = -1e12;

export class VipSlice {
  readonly vip: Vip;
  /** Counts up with everything that may change a judgement. */
  version = 0;
  readonly #held = new Map<string, Held>();
  #tail: Kept[] = [];
  #sets: SetEvent[] = [];
  #cluster: ClusterEvent[] = [];
  #statuses: Status[] = [];
  #horizonT = BEGINNING_T;
  #flows = 0;

  constructor(vip: Vip) {
    this.vip = vip;
  }

  /** Sets, in the order in which they were told. */
  get sets(): readonly SetEvent[] {
    return this.#sets;
  }

  /** Whether anybody told what the cluster intends. */
  get hasIntent(): boolean {
    return this.#cluster.some(({ type }) => type === 'cluster.intent');
  }

  get horizonT(): number {
    return this.#horizonT;
  }

  /** Flows that it knows, living or not. */
  get flows(): number {
    return this.#flows;
  }

  /** Events and flows in memory. */
  get size(): number {
    return this.#held.size + this.#tail.length + this.#sets.length + this.#cluster.length + this.#statuses.length;
  }

  /** @returns false when it came too late to change a figure: it is then only folded */
  take(event: Kept): boolean {
    if (event.type !== 'tally') this.version += 1;
    if (event.type === 'flow.opened') this.#flows += 1;
    if (event.t < this.#horizonT) {
      this.#fold(event);
      return false;
    }
    this.#tail.push(event);
    return true;
  }

  takeSet(event: SetEvent): void {
    this.version += 1;
    this.#sets.push(event);
  }

  takeCluster(event: ClusterEvent): void {
    this.version += 1;
    this.#cluster.push(event);
  }

  takeStatus(event: Status): void {
    this.#statuses.push(event);
  }

  /** Whether anything that it keeps was told by this observer. */
  isToldBy({ from, observer }: { from: string; observer: string }): boolean {
    const isOwn = (event: { from: string; observer: string }) => event.from === from && event.observer === observer;
    return this.#sets.some((event) => event.type === 'next-hops' && isOwn(event)) || this.#cluster.some(isOwn);
  }

  /**
   * Folds what is older than `horizonT`; tallies too when they are not needed to infer sets.
   * @returns flows of which nothing is known any more
   */
  prune(horizonT: number): string[] {
    if (horizonT <= this.#horizonT) return [];
    this.#horizonT = horizonT;
    const before = [...this.#held.keys()];
    const old = this.#tail.filter((event) => event.t < horizonT).sort(compareEvents);
    if (old.length > 0) this.#tail = this.#tail.filter((event) => event.t >= horizonT);
    const opened = old.filter((event) => event.type === 'flow.opened').map((event) => event.flow);
    for (const event of old) this.#fold(event);
    // The newest word of each writer stands until there is another.
    this.#sets = this.#sets.filter((event, index, all) => {
      const isSuperseded = all.some((later, place) => place > index && isSameSubject(later, event) && later.t < horizonT);
      return event.t >= horizonT || !isSuperseded;
    });
    const isReplaced = (event: ClusterEvent, place: number) =>
      this.#cluster.some((later, index) => index > place && later.t < horizonT && keptAs(later) === keptAs(event));
    const last = this.#cluster.filter((event, place) => event.t >= horizonT || !isReplaced(event, place));
    this.#cluster = last.filter((event) => event.t >= horizonT || !isGone(event) || isLastSpeaker(event, last, horizonT));
    const standing = this.#statuses.findLastIndex(({ t }) => t < horizonT);
    this.#statuses = this.#statuses.slice(Math.max(0, standing));
    const gone = [...new Set([...before, ...opened])].filter((flow) => !this.#held.has(flow));
    this.#flows -= gone.length;
    return gone;
  }

  /** All of it as the analysis of a run reads a journal. */
  facts(context: WatchContext, { ready, illnesses }: Shared): RunFacts {
    const { environment, probes } = context;
    const flows = context.flows.filter((group) => group.vip === this.vip.name);
    const synthetic = { t: BEGINNING_T, seq: 0 };
    const started = {
      ...synthetic,
      from: 'monitor',
      type: 'run.started',
      schema: 1,
      runId: context.session,
      wallClockMs: context.t0WallMs,
      scenario: { name: context.monitor, flows },
      environment,
      probes,
      seed: 0,
      versions: {},
      planHash: '',
    } as const;
    const held = [...this.#held.values()];
    return indexJournal([
      started,
      ...ready.map((event) => ({ ...event, t: BEGINNING_T })),
      ...held.map(({ opened }) => opened),
      ...held.flatMap(({ broken }) => (broken ? [broken] : [])),
      ...this.#sets,
      ...this.#cluster,
      ...this.#statuses,
      ...this.#tail,
      ...illnesses,
    ] satisfies JournalEvent[]);
  }

  /** What shows a set where nobody observes it: tallies of seconds since `sinceT`, and the flows that moved. */
  evidence(sinceT: number): Pick<RunFacts, 'tallies' | 'flows'> {
    const moved = new Set<string>();
    for (const event of this.#tail) if (event.type === 'flow.changed' || event.type === 'flow.recovered') moved.add(event.flow);
    return indexJournal([
      ...[...moved].flatMap((flow) => this.#held.get(flow)?.opened ?? []),
      ...this.#tail.filter((event) => (event.type === 'tally' ? event.bin * BIN_MS >= sinceT : moved.has(event.flow))),
    ]);
  }

  snapshot(): SliceSnapshot {
    const { vip } = this;
    return {
      vip: vip.name,
      held: [...this.#held.values()],
      tail: [...this.#tail],
      sets: [...this.#sets],
      cluster: [...this.#cluster],
      statuses: [...this.#statuses],
      horizonT: this.#horizonT,
    };
  }

  /** @returns the opening of every flow that it knows */
  restore({ held, tail, sets, cluster, statuses, horizonT }: SliceSnapshot): EventOf<'flow.opened'>[] {
    for (const each of held) this.#held.set(each.opened.flow, each);
    this.#tail = [...tail];
    this.#sets = [...sets];
    this.#cluster = [...cluster];
    this.#statuses = [...statuses];
    this.#horizonT = horizonT;
    const openings = [...held.map(({ opened }) => opened), ...tail.filter((event) => event.type === 'flow.opened')];
    this.#flows = new Set(openings.map(({ flow }) => flow)).size;
    return openings;
  }

  #fold(event: Kept): void {
    if (event.type === 'tally') return;
    if (event.type === 'flow.opened') {
      this.#held.set(event.flow, { opened: event, broken: null });
      if (event.replaces !== undefined && this.#held.get(event.replaces)?.broken) this.#held.delete(event.replaces);
      return;
    }
    const held = this.#held.get(event.flow);
    if (!held) return;
    switch (event.type) {
      case 'flow.changed':
      case 'flow.recovered': {
        const { ingress, backend, backendNode, boot, observedSource } = event;
        held.opened = { ...held.opened, ingress, backend, backendNode, boot, observedSource };
        if (event.type === 'flow.recovered') held.broken = null;
        break;
      }
      case 'flow.broken':
        held.broken = event;
        break;
      case 'flow.closed':
        this.#held.delete(event.flow);
        break;
      case 'flow.quiet':
      case 'flow.mapped':
      case 'flow.final':
        break;
    }
  }
}

/** A speaker's last word comes after the first one of its successor, and does not take that one's place. */
function keptAs(event: ClusterEvent): string {
  return event.type === 'cluster.speaker' ? `${event.type} ${event.pod}` : subjectOf(event);
}

/** Names of nodes, pods and objects may be new each time, and what is gone would be kept for ever; a VIP has one Service. */
function isGone(event: ClusterEvent): boolean {
  if (event.type === 'cluster.metallb') return event.change === 'gone';
  return event.type !== 'cluster.service' && 'exists' in event && !event.exists;
}

/** Whether it says since when a node has no speaker, which matters for a while. */
function isLastSpeaker(event: ClusterEvent, among: readonly ClusterEvent[], horizonT: number): boolean {
  if (event.type !== 'cluster.speaker' || event.t < horizonT - SPEAKERLESS_MS) return false;
  const speakers = among.filter((other) => other.type === 'cluster.speaker');
  return speakers.every((other) => other === event || other.node !== event.node || (!other.exists && other.t < event.t));
}

function isSameSubject(one: SetEvent, other: SetEvent): boolean {
  if (one.from !== other.from || one.observer !== other.observer) return false;
  return one.type === 'next-hops' || other.type === 'observer.blind';
}
