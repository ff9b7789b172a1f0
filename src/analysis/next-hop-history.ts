// What the next-hop set of a VIP was at an instant: by the router's observer, else inferred from flows.
import { CHANCE_OF_MISTAKE, type InferredSet, inferredSets } from './inferred-sets.ts';
import { type ObservedSet, observedSets } from './observed-sets.ts';
import type { RunFacts } from './run-facts.ts';
import { changesOf, isSameSet, type SetChange, settledAt, type SetHistory, type SetReading } from './set-history.ts';

/** A settled set, or null when it is not known, and who says so. */
export type KnownSet = { nodes: readonly string[] | null; from: 'observer' | 'flows' };

/** `router`: whose observer told it; `vantage`: whose flows alone it is inferred from. */
export type VipChange = SetChange & { vip: string; router?: string; vantage?: string };

/** All next-hop sets of a run. */
export class NextHopHistory {
  readonly observed: readonly ObservedSet[];
  readonly inferred: readonly InferredSet[];
  readonly #onlyRouter: string | null;

  /** @param chance that a hop of an inferred set is taken for gone while it is not */
  constructor(facts: RunFacts, chance = CHANCE_OF_MISTAKE) {
    const { vips = [], routers = [] } = facts.environment;
    // What becomes of VIPs that hold no flow is nobody's question here.
    const held = new Set([...(facts.scenario.flows ?? []).map((group) => group.vip), ...facts.flows.map((flow) => flow.opened.vip)]);
    this.observed = observedSets(
      facts.nextHops,
      vips.filter((vip) => held.has(vip.name)),
    );
    this.inferred = inferredSets(facts, chance);
    this.#onlyRouter = routers.length === 1 ? (routers[0]?.name ?? null) : null;
  }

  /** The router that flows to `vip` pass; null when there are several, or none is known. */
  routerOf(vip: string): string | null {
    const routers = new Set(this.observed.filter((set) => set.vip === vip).map((set) => set.router));
    return routers.size === 0 ? this.#onlyRouter : routers.size === 1 ? ([...routers][0] ?? null) : null;
  }

  /**
   * The settled set at `t` for flows from `vantage`. Where an observer cannot see, flows tell; where it sees and the set is in motion,
   * nobody can. Several routers that disagree leave it unknown, since nobody says which of them a flow passes.
   */
  settledAt(vantage: string, vip: string, t: number): KnownSet {
    const readings = this.observed.filter((set) => set.vip === vip).map((set) => settledAt(set.history, t));
    if (readings.length > 0 && !readings.some((reading) => reading.kind === 'unknown')) {
      return { nodes: agreed(readings), from: 'observer' };
    }
    const inferred = this.inferred.find((set) => set.vip === vip && set.vantage === vantage);
    return { nodes: inferred ? agreed([settledAt(inferred.history, t)]) : null, from: 'flows' };
  }

  /** Histories that speak for flows from `vantage` to `vip`: the observers', else the inferred one. */
  historiesOf(vantage: string, vip: string): SetHistory[] {
    const observed = this.observed.filter((set) => set.vip === vip);
    const sets = observed.length > 0 ? observed : this.inferred.filter((set) => set.vip === vip && set.vantage === vantage);
    return sets.map((set) => set.history);
  }

  /** Instant of the last change at or before `t`; null when there was none. */
  lastChangeT(vantage: string, vip: string, t: number): number | null {
    const changes = this.historiesOf(vantage, vip).flatMap((history) => changesOf(history).filter((change) => change.t <= t));
    return changes.length === 0 ? null : Math.max(...changes.map((change) => change.t));
  }

  /** Every change of every VIP in order of time. */
  changes(): VipChange[] {
    const observedVips = new Set(this.observed.map((set) => set.vip));
    const sets = [...this.observed, ...this.inferred.filter((set) => !observedVips.has(set.vip))];
    return sets.flatMap(({ history, ...of }) => changesOf(history).map((change) => ({ ...change, ...of }))).sort((a, b) => a.t - b.t);
  }
}

function agreed(readings: readonly SetReading[]): readonly string[] | null {
  const [first, ...rest] = readings;
  if (first?.kind !== 'settled') return null;
  return rest.every((reading) => reading.kind === 'settled' && isSameSet(reading.nodes, first.nodes)) ? first.nodes : null;
}
