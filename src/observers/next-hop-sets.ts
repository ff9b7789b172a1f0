// The next-hop sets of a router as they were last read: which reading is news, and when a set has settled.
import type { NextHop } from '../core/journal.ts';

/** A set counts as settled when it was unchanged for this long (DESIGN.md section 5). */
export const SETTLED_AFTER_MS = 2_000;

export type Reading = { prefix: string; /** In the router's own order: a changed order is a changed set. */ nextHops: NextHop[] };
export type NextHopNews = Reading & { t: number; settled: boolean };

export class NextHopSets {
  readonly #known = new Map<string, { reading: Reading; changedT: number; isSettled: boolean }>();

  /**
   * Takes one reading at `t` and returns what it tells, null when nothing.
   * The first reading of a prefix counts as settled: what stood before a run is taken to have stood for long.
   * @param anew tell it even when it is no news
   */
  saw(reading: Reading, t: number, anew = false): NextHopNews | null {
    const known = this.#known.get(reading.prefix);
    if (known === undefined || !isSame(known.reading, reading)) {
      const isSettled = known === undefined;
      this.#known.set(reading.prefix, { reading, changedT: t, isSettled });
      return { ...reading, t, settled: isSettled };
    }
    const settles = !known.isSettled && t >= known.changedT + SETTLED_AFTER_MS;
    known.isSettled ||= settles;
    return settles || anew ? { ...reading, t, settled: known.isSettled } : null;
  }

  /** When the next set may be called settled, if it is read unchanged then; Infinity when all are. */
  nextSettleT(): number {
    const unsettled = [...this.#known.values()].filter((each) => !each.isSettled);
    return Math.min(...unsettled.map((each) => each.changedT + SETTLED_AFTER_MS));
  }
}

function isSame(a: Reading, b: Reading): boolean {
  return a.nextHops.length === b.nextHops.length && a.nextHops.every((hop, place) => hop.address === b.nextHops[place]?.address);
}
