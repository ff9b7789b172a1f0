// Breaks in numbers that nothing else explains.
//
// A break by background loss takes three lost exchanges in a row. At 0.1 % that is one in 10^9 exchanges: 4,096 flows of one VIP with two
// exchanges a second break 8e-6 times a second, and four within 5 s come together (4e-5)^4 / 24 = 1e-19 of the time, so 100 VIPs see
// 7.8e8 s x 1e-19 < 1e-10 such bursts in 90 days.
const BURST_MS = 5_000;
const LEAST = 4;
const SHARE = 0.02;
/** What explains a break (the set, a dead path) may be known a moment later than the break itself. */
const DECIDE_AFTER_MS = 2_500;
const FORGET_MS = 60_000;

export type SeenBreak = { t: number; onsetT: number; vantage: string };
export type Burst = { sinceT: number; vantages: string[] };

export class BurstWatch {
  #breaks: SeenBreak[] = [];

  get size(): number {
    return this.#breaks.length;
  }

  take(seen: SeenBreak): void {
    this.#breaks.push(seen);
  }

  /** @param flows held by all vantages; `isExplained`: whether a window of the VIP holds the break, or its prober was ill */
  decide(dataT: number, flows: number, isExplained: (seen: SeenBreak) => boolean): Burst | null {
    if (this.#breaks.length === 0) return null;
    this.#breaks = this.#breaks.filter((seen) => !isExplained(seen));
    const decided = this.#breaks.filter((seen) => seen.t <= dataT - DECIDE_AFTER_MS).sort((a, b) => a.onsetT - b.onsetT);
    // Only after they were looked at once: a vantage that was cut off tells of long ago.
    this.#breaks = this.#breaks.filter((seen) => seen.t > dataT - FORGET_MS);
    const enough = Math.max(LEAST, Math.ceil(SHARE * flows));
    for (const [index, first] of decided.entries()) {
      const last = decided[index + enough - 1];
      if (!last || last.onsetT - first.onsetT > BURST_MS) continue;
      const together = decided.filter(({ onsetT }) => onsetT >= first.onsetT && onsetT <= first.onsetT + BURST_MS);
      return { sinceT: first.onsetT, vantages: [...new Set(together.map(({ vantage }) => vantage))].sort() };
    }
    return null;
  }

  snapshot(): SeenBreak[] {
    return this.#breaks;
  }

  restore(breaks: readonly SeenBreak[]): void {
    this.#breaks = [...breaks];
  }
}
