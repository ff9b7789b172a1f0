// What a vantage may make this service remember: an agent whose token was stolen could name flows and nodes without end.
import { type JournalEvent, vantageOf } from '../../core/journal.ts';
import type { MonitorPlan } from './monitor-plan.ts';

/** Of what was ordered: flows that break all at once are replaced one by one, but nobody counts that exactly. */
const FLOWS = { times: 4, more: 1_000 };
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
    if (then > FLOWS.times * ordered + FLOWS.more && events.some(isOpening))
      return `it holds ${String(then)} flows, and ${String(ordered)} were ordered`;
    const named = this.#plan.environment.nodes.length;
    const nodes = of.nodesWith(events);
    if (nodes > named + MORE_NODES) return `it names ${String(nodes)} ingress nodes in a day, and its environment ${String(named)}`;
    return null;
  }

  #of(vantage: string): Vantage {
    const known = this.#vantages.get(vantage) ?? new Vantage();
    this.#vantages.set(vantage, known);
    return known;
  }
}

class Vantage {
  /** Flows as the metrics keep them: of the newest stream; whether a break is a flow's end. */
  readonly #counted = new Map<string, boolean>();
  /** Ingress nodes, with the newest instant that was told of them; those heard of last at the end. */
  readonly #nodes = new Map<string, number>();
  #newestT = 0;

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
