// Probers that were ill, and agents that are not heard of: their own trouble, never a VIP's.
import type { EventOf } from '../../core/journal.ts';
import { BIN_MS } from '../bins.ts';

/** So many ill seconds, with no more than `GAP_BINS` well ones between two, are a sick prober; fewer happen on any busy machine. */
const ILL_BINS = 3;
const GAP_BINS = 2;
/** It is well again after this long without an illness. */
const WELL_MS = 10_000;
/** While it was ill so lately, nothing new that it saw is believed. */
const DOUBT_MS = 3_000;
/** Illnesses are kept this long, for breaks that are told late. */
const KEPT_MS = 300_000;

type Ill = { fromT: number; untilT: number; why: string };
type Health = {
  vantage: string;
  ills: Ill[];
  /** Of the row of ill seconds that goes on. */ row: { fromBin: number; untilBin: number; count: number };
  isTold: boolean;
};
export type AgentNews = { at: 'begin' | 'end'; vantage: string; t: number; why: string };

export class AgentWatch {
  readonly #healths = new Map<string, Health>();

  take({ vantage, fromT, untilT, why }: EventOf<'prober.ill'>): AgentNews[] {
    const health = this.#health(vantage);
    const fromBin = Math.floor(fromT / BIN_MS);
    const untilBin = Math.floor(untilT / BIN_MS);
    health.ills = [...health.ills.filter((ill) => ill.untilT > untilT - KEPT_MS), { fromT, untilT, why }];
    const { row } = health;
    if (fromBin > row.untilBin + GAP_BINS + 1) health.row = { fromBin, untilBin, count: untilBin - fromBin + 1 };
    else if (untilBin > row.untilBin) {
      row.count += untilBin - Math.max(fromBin - 1, row.untilBin);
      row.untilBin = untilBin;
    }
    if (health.isTold || health.row.count < ILL_BINS) return [];
    health.isTold = true;
    const first = health.ills.find((ill) => ill.untilT >= health.row.fromBin * BIN_MS);
    return [{ at: 'begin', vantage, t: first?.fromT ?? fromT, why: reasonOf(why) }];
  }

  /** @param dataT how far that vantage has told */
  advance(vantage: string, dataT: number): AgentNews[] {
    const health = this.#healths.get(vantage);
    const last = health?.ills.at(-1);
    if (!health?.isTold || !last || dataT < last.untilT + WELL_MS) return [];
    health.isTold = false;
    return [{ at: 'end', vantage, t: last.untilT, why: reasonOf(last.why) }];
  }

  /** Nothing is heard of it any more: illnesses count anew when it is back. */
  giveUp(vantage: string): void {
    const health = this.#healths.get(vantage);
    if (health) Object.assign(health, { isTold: false, row: { fromBin: -10, untilBin: -10, count: 0 } });
  }

  /** Whether it was ill at any time from `fromT` to `untilT`. */
  wasIll(vantage: string, fromT: number, untilT: number): boolean {
    return this.#healths.get(vantage)?.ills.some((ill) => ill.untilT >= fromT && ill.fromT <= untilT) ?? false;
  }

  isDoubtful(vantage: string, t: number): boolean {
    return this.wasIll(vantage, t - DOUBT_MS, t);
  }

  snapshot(): [string, Health][] {
    return [...this.#healths];
  }

  restore(healths: readonly [string, Health][]): void {
    for (const [vantage, health] of healths) this.#healths.set(vantage, health);
  }

  #health(vantage: string): Health {
    let health = this.#healths.get(vantage);
    if (!health)
      this.#healths.set(vantage, (health = { vantage, ills: [], row: { fromBin: -10, untilBin: -10, count: 0 }, isTold: false }));
    return health;
  }
}

/** `stood still for 114 ms` and `… 230 ms` are one reason. */
function reasonOf(why: string): string {
  return why.replace(/\d[\d.,]*/g, 'N');
}
