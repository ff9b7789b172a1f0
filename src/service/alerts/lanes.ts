// The order in which one destination is told: whatever speaks of one alert goes out one after the other, all else side by side. Pure.

/** A delivery that waits for its turn or its next attempt. `dueMs` counts on a clock that does not step. */
export type Entry = {
  id: string;
  /** Alerts that it speaks of: its own, and those that were folded into it. */
  alerts: readonly string[];
  dueMs: number;
  attempts: number;
  waitedMs: number;
};

export class Lanes {
  readonly #lanes = new Map<string, Entry[]>();
  /** Entries with nothing before them, by the time they are due. */
  readonly #ready: Entry[] = [];
  readonly #all = new Map<string, Entry>();

  get size(): number {
    return this.#all.size;
  }

  get(id: string): Entry | undefined {
    return this.#all.get(id);
  }

  /** Puts an entry behind all that speaks of its alerts. */
  add(entry: Entry): void {
    this.#all.set(entry.id, entry);
    for (const alert of entry.alerts) {
      const lane = this.#lanes.get(alert);
      if (lane) lane.push(entry);
      else this.#lanes.set(alert, [entry]);
    }
    if (this.#isFirst(entry)) this.#makeReady(entry);
  }

  /** Takes an entry that is due and has nothing before it; it then is the caller's until `postpone` or `finish`. */
  take(nowMs: number): Entry | null {
    const [first] = this.#ready;
    if (!first || first.dueMs > nowMs) return null;
    this.#ready.shift();
    return first;
  }

  /** Gives a taken entry back for another attempt. */
  postpone(entry: Entry): void {
    this.#makeReady(entry);
  }

  /** Makes a waiting entry due at `nowMs`; one that was taken or has others before it keeps its place. */
  hasten(id: string, nowMs: number): void {
    const entry = this.#all.get(id);
    if (!entry) return;
    entry.dueMs = Math.min(entry.dueMs, nowMs);
    const at = this.#ready.indexOf(entry);
    if (at === -1) return;
    this.#ready.splice(at, 1);
    this.#makeReady(entry);
  }

  /** Takes an entry out for good, and lets those behind it come. */
  finish(entry: Entry): void {
    this.#all.delete(entry.id);
    const heads: Entry[] = [];
    for (const alert of entry.alerts) {
      const lane = (this.#lanes.get(alert) ?? []).filter((each) => each !== entry);
      if (lane[0]) heads.push(lane[0]);
      if (lane.length === 0) this.#lanes.delete(alert);
      else this.#lanes.set(alert, lane);
    }
    for (const head of new Set(heads)) if (this.#isFirst(head)) this.#makeReady(head);
  }

  #isFirst(entry: Entry): boolean {
    return entry.alerts.every((alert) => this.#lanes.get(alert)?.[0] === entry);
  }

  #makeReady(entry: Entry): void {
    let low = 0;
    let high = this.#ready.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ready[middle]?.dueMs ?? 0) <= entry.dueMs) low = middle + 1;
      else high = middle;
    }
    this.#ready.splice(low, 0, entry);
  }
}
