// The last seconds of one VIP's fresh dials from one vantage: how many were answered, by whom, and how many were lost.
import type { EventOf } from '../../core/journal.ts';
import { UNKNOWN } from '../matrix.ts';

export type Bin = { answered: number; lost: number; isInvalid: boolean; paths: string[] };

const KEPT_BINS = 60;

export class FreshBins {
  readonly #bins = new Map<number, Bin>();
  #newest = -Infinity;

  take(tally: EventOf<'tally'>): void {
    if (tally.bin <= this.#newest - KEPT_BINS) return;
    const bin = this.#bin(tally.bin);
    bin.answered += tally.ok + tally.late;
    bin.lost += tally.lost;
    bin.isInvalid ||= tally.invalid + tally.notSent > 0;
    if (tally.ok + tally.late > 0 && tally.path !== UNKNOWN && !bin.paths.includes(tally.path)) bin.paths.push(tally.path);
  }

  /** Somebody, not only a fresh dial, was answered through the path in that second. */
  sawPath(path: string, at: number): void {
    const bin = this.#bins.get(at);
    if (bin && !bin.paths.includes(path)) bin.paths.push(path);
  }

  /** Dials since the path last answered, but for those of the newest second, which may not be told whole. */
  missing(path: string): { dials: number; lost: number; firstLostBin: number } {
    let dials = 0;
    let lost = 0;
    let firstLostBin = 0;
    for (const [at, bin] of this.#backwards()) {
      if (bin.paths.includes(path)) break;
      if (bin.isInvalid) continue;
      dials += bin.answered + bin.lost;
      lost += bin.lost;
      if (bin.lost > 0) firstLostBin = at;
    }
    return { dials, lost, firstLostBin };
  }

  /** The seconds up to now, oldest first, in which dials were lost and none answered. */
  dark(): number[] {
    const dark: number[] = [];
    for (const [at, bin] of this.#backwards()) {
      if (bin.answered > 0 || bin.isInvalid) break;
      if (bin.lost > 0) dark.unshift(at);
    }
    return dark;
  }

  /** Whether a second that began after `t` had an answer. */
  hasAnswerSince(t: number): boolean {
    for (const [at, bin] of this.#bins) if (at * 1_000 > t && bin.answered > 0) return true;
    return false;
  }

  /** Whether the newest whole second began after `t`, and only lost. */
  isDarkSince(t: number): boolean {
    for (const [at, bin] of this.#backwards()) return at * 1_000 > t && bin.answered === 0 && bin.lost > 0 && !bin.isInvalid;
    return false;
  }

  /** Over the last three whole seconds. */
  lately(): { dials: number; lost: number } {
    let [dials, lost, bins] = [0, 0, 0];
    for (const [, bin] of this.#backwards()) {
      if (bins === 3) break;
      bins += 1;
      dials += bin.answered + bin.lost;
      lost += bin.lost;
    }
    return { dials, lost };
  }

  get snapshot(): [number, Bin][] {
    return [...this.#bins];
  }

  restore(bins: readonly [number, Bin][]): void {
    for (const [at, bin] of bins) {
      this.#bins.set(at, bin);
      this.#newest = Math.max(this.#newest, at);
    }
  }

  *#backwards(): Generator<[number, Bin]> {
    const bins = [...this.#bins].filter(([at]) => at < this.#newest).sort(([a], [b]) => b - a);
    yield* bins;
  }

  #bin(at: number): Bin {
    let bin = this.#bins.get(at);
    if (bin) return bin;
    this.#bins.set(at, (bin = { answered: 0, lost: 0, isInvalid: false, paths: [] }));
    if (at > this.#newest) {
      this.#newest = at;
      for (const old of this.#bins.keys()) if (old <= at - KEPT_BINS) this.#bins.delete(old);
    }
    return bin;
  }
}
