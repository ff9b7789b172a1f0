// What a vantage may make this service remember: an agent whose token was stolen could name flows and nodes without end.
import { FIRST_FLOWS_PER_SECOND, replacementsPerSecond } from '../../core/control.ts';
import { type JournalEvent, vantageOf } from '../../core/journal.ts';
import { CLOCK_SLACK_MS } from './accept-chunk.ts';
import type { MonitorPlan } from './monitor-plan.ts';

/** Of what was ordered: flows that break all at once are replaced one by one, but nobody counts that exactly. */
const FLOWS = { times: 4, more: 1_000 };
/** Of what a prober's gates let through. */
const OPENINGS_TIMES = 2;
/** Of two lives of a prober that follow one another: by so much the second may tell earlier times than the first. */
const CLOCKS_APART_MS = 2 * CLOCK_SLACK_MS;
/** Ingress nodes that the environment does not name: under policy Local any node of a cluster may answer. */
const MORE_NODES = 256;
/** A node that was not heard of for so long is no longer counted: clusters exchange theirs. */
const NODE_KEPT_MS = 24 * 3_600_000;

export class ChunkBounds {
  readonly #plan: MonitorPlan;
  readonly #vantages = new Map<string, Vantage>();

  constructor(plan: MonitorPlan) {
    this.#plan = plan;
  }

  /** Follows events that were taken. */
  follow(events: readonly JournalEvent[]): void {
    for (const event of events) {
      const vantage = vantageOf(event);
      if (vantage !== null) this.#of(vantage).follow(event);
    }
  }

  /**
   * What speaks against taking `events` of a vantage; null when nothing does.
   * @param watched how many flows of the vantage the watch holds: only it knows which lives of a prober are over
   */
  complaint(vantage: string, events: readonly JournalEvent[], watched: number): string | null {
    const of = this.#of(vantage);
    const ordered = orderedAt(this.#plan, vantage);
    const held = Math.max(watched, of.counted);
    const then = held + more(events);
    // Who closes what was never open lowers the sum, but not what is held.
    if (then > mostHeld(ordered) && events.some(isOpening)) return `it holds ${String(then)} flows, and ${String(ordered)} were ordered`;
    if (of.openings.after(events).spare < 0)
      return `it tells of more than ${String(of.openings.perSecond)} flows opened a second, and ${String(ordered)} were ordered`;
    const named = this.#plan.environment.nodes.length;
    const nodes = of.nodesWith(events);
    if (nodes > named + MORE_NODES) return `it names ${String(nodes)} ingress nodes in a day, and its environment ${String(named)}`;
    return null;
  }

  #of(vantage: string): Vantage {
    const known = this.#vantages.get(vantage) ?? new Vantage(orderedAt(this.#plan, vantage));
    this.#vantages.set(vantage, known);
    return known;
  }
}

/**
 * Flows that may still be told as opened. Time, as the events tell it, fills it: what an agent spooled for hours comes all at once. Time
 * that was told already fills it no second time.
 */
class Openings {
  readonly perSecond: number;
  readonly #most: number;
  #spare: number;
  #newestT = 0;

  /** @param ordered flows; all of them may be opened anew each second, as by a prober that dies again and again */
  constructor(ordered: number) {
    this.perSecond = OPENINGS_TIMES * (Math.min(FIRST_FLOWS_PER_SECOND, ordered) + replacementsPerSecond(ordered));
    this.#most = (this.perSecond * CLOCKS_APART_MS) / 1_000 + mostHeld(ordered);
    this.#spare = this.#most;
  }

  /** How it would be after these events; below 0 they are too many. */
  after(events: readonly JournalEvent[]): { spare: number; newestT: number } {
    let [spare, newestT] = [this.#spare, this.#newestT];
    for (const event of events) {
      if (!isOpening(event)) continue;
      spare = Math.min(this.#most, spare + (Math.max(0, event.t - newestT) * this.perSecond) / 1_000) - 1;
      newestT = Math.max(newestT, event.t);
    }
    return { spare, newestT };
  }

  follow(event: JournalEvent): void {
    if (isOpening(event)) ({ spare: this.#spare, newestT: this.#newestT } = this.after([event]));
  }
}

class Vantage {
  readonly openings: Openings;
  /** Flows as the metrics keep them: of the newest stream; whether a break is a flow's end. */
  readonly #counted = new Map<string, boolean>();
  /** Ingress nodes, with the newest instant that was told of them; those heard of last at the end. */
  readonly #nodes = new Map<string, number>();
  #newestT = 0;

  constructor(ordered: number) {
    this.openings = new Openings(ordered);
  }

  get counted(): number {
    return this.#counted.size;
  }

  /** How many ingress nodes it would have named with these events. */
  nodesWith(events: readonly JournalEvent[]): number {
    const oldestT = events.reduce((newestT, { t }) => Math.max(newestT, t), this.#newestT) - NODE_KEPT_MS;
    const nodes = new Set(events.map(nodeOf).filter((node) => node !== null));
    for (const [node, t] of this.#nodes) if (t >= oldestT) nodes.add(node);
    return nodes.size;
  }

  follow(event: JournalEvent): void {
    if (event.seq === 0) this.#counted.clear();
    if (event.type === 'flow.opened') this.#counted.set(event.flow, event.protocol !== 'udp');
    else if (event.type === 'flow.closed' || (event.type === 'flow.broken' && this.#counted.get(event.flow) === true))
      this.#counted.delete(event.flow);
    this.openings.follow(event);
    this.#newestT = Math.max(this.#newestT, event.t);
    const node = nodeOf(event);
    if (node === null) return;
    this.#nodes.delete(node);
    this.#nodes.set(node, this.#newestT);
    for (const [oldest, t] of this.#nodes) {
      if (t >= this.#newestT - NODE_KEPT_MS) break;
      this.#nodes.delete(oldest);
    }
  }
}

function mostHeld(ordered: number): number {
  return FLOWS.times * ordered + FLOWS.more;
}

function isOpening({ type }: JournalEvent): boolean {
  return type === 'flow.opened';
}

/** How many more flows there are after these events, if they tell of flows that were there. */
function more(events: readonly JournalEvent[]): number {
  let sum = 0;
  for (const event of events) {
    if (event.type === 'flow.opened' && event.replaces === undefined) sum += 1;
    else if (event.type === 'flow.closed') sum -= 1;
  }
  return Math.max(0, sum);
}

function orderedAt({ spec }: MonitorPlan, vantage: string): number {
  return spec.flows.reduce((sum, { vantages, count }) => sum + (vantages === 'all' || vantages.includes(vantage) ? count : 0), 0);
}

function nodeOf(event: JournalEvent): string | null {
  if (event.type === 'tally') return event.path;
  return 'ingress' in event && typeof event.ingress === 'string' ? event.ingress : null;
}
