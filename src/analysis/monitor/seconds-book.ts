// The last minutes in numbers, for status alone: each path's last minute, each VIP's last five minutes by the second.
import type { PathStatus, SecondOfVip } from '../../core/api.ts';
import { type Histogram, mergeHistogram, quantileMs } from '../../core/histogram.ts';
import type { EventOf, Tally } from '../../core/journal.ts';
import { addTally, BIN_MS, emptyTally } from '../bins.ts';
import { UNKNOWN } from '../matrix.ts';

const RECENT_BINS = 300;
/** A path's minute is kept in parts, or many VIPs would fill the memory with seconds. */
const PART_BINS = 10;
const MINUTE_PARTS = 6;

type Part = { part: number; tally: Tally; rtt: Histogram };
type Series = { vantage: string; vip: string; protocol: string; path: string; parts: Part[] };
/** `answered`: flows by path, as many as were answered at their pace; of those of an ill prober nobody knows. */
type Second = { answered: Map<string, number>; lost: number; broke: number };
export type SecondsSnapshot = {
  series: Series[];
  seconds: { vip: string; bins: { bin: number; answered: [string, number][]; lost: number; broke: number }[] }[];
};

export class SecondsBook {
  readonly #series = new Map<string, Series>();
  readonly #seconds = new Map<string, Map<number, Second>>();

  /** Series and seconds in memory. */
  get size(): number {
    let size = 0;
    for (const bins of this.#seconds.values()) size += bins.size;
    for (const { parts } of this.#series.values()) size += parts.length;
    return size;
  }

  /** @param intervalMs of the flows that are counted */
  take(tally: EventOf<'tally'>, intervalMs: number): void {
    if (tally.fresh) return;
    const { vantage, vip, protocol, path, bin } = tally;
    const second = this.#second(vip, bin);
    if (second) {
      const add = (place: string, exchanges: number) => {
        if (exchanges > 0) second.answered.set(place, (second.answered.get(place) ?? 0) + (exchanges * intervalMs) / BIN_MS);
      };
      add(path, tally.ok);
      // Their prober was ill: drawn as nothing, they would look lost.
      add(UNKNOWN, tally.invalid);
      second.lost += tally.lost + tally.late;
    }
    const key = `${vantage} ${vip} ${protocol} ${path}`;
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = { vantage, vip, protocol, path, parts: [] }));
    const place = Math.floor(bin / PART_BINS);
    let part = series.parts.find((each) => each.part === place);
    if (!part) {
      part = { part: place, tally: emptyTally(), rtt: {} };
      series.parts.push(part);
      const newest = Math.max(...series.parts.map((each) => each.part));
      series.parts = series.parts.filter((each) => each.part > newest - MINUTE_PARTS);
    }
    addTally(part.tally, tally);
    mergeHistogram(part.rtt, tally.rtt);
  }

  broke(vip: string, onsetT: number): void {
    const second = this.#second(vip, Math.floor(onsetT / BIN_MS));
    if (second) second.broke += 1;
  }

  /** Exchanges and latencies of every series, of the minute before `nowT`. */
  *minute(nowT: number): Generator<Omit<Series, 'parts'> & Pick<PathStatus, 'tally' | 'rttMs'>> {
    const oldest = Math.floor(nowT / BIN_MS / PART_BINS) - MINUTE_PARTS;
    for (const { parts, ...series } of this.#series.values()) {
      const tally = emptyTally();
      const rtt: Histogram = {};
      for (const part of parts) {
        if (part.part < oldest) continue;
        addTally(tally, part.tally);
        mergeHistogram(rtt, part.rtt);
      }
      const p50 = quantileMs(rtt, 0.5);
      const p99 = quantileMs(rtt, 0.99);
      yield { ...series, tally, rttMs: p50 === null || p99 === null ? null : { p50, p99 } };
    }
  }

  /** Oldest first. */
  recent(nowT: number, t0WallMs: number): SecondOfVip[] {
    const oldest = Math.floor(nowT / BIN_MS) - RECENT_BINS;
    return [...this.#seconds].flatMap(([vip, bins]) =>
      [...bins]
        .filter(([bin]) => bin >= oldest)
        .sort(([a], [b]) => a - b)
        .map(([bin, { answered, lost, broke }]) => ({
          atMs: Math.round(t0WallMs + bin * BIN_MS),
          vip,
          byPath: Object.fromEntries([...answered].map(([path, flows]) => [path, Math.round(flows)])),
          lost,
          broke,
        })),
    );
  }

  prune(nowT: number): void {
    const oldest = Math.floor(nowT / BIN_MS) - RECENT_BINS;
    for (const bins of this.#seconds.values()) for (const bin of bins.keys()) if (bin < oldest) bins.delete(bin);
    for (const [key, { parts }] of this.#series) {
      if (parts.every(({ part }) => (part + 1) * PART_BINS < oldest)) this.#series.delete(key);
    }
  }

  snapshot(): SecondsSnapshot {
    return {
      series: [...this.#series.values()],
      seconds: [...this.#seconds].map(([vip, bins]) => ({
        vip,
        bins: [...bins].map(([bin, second]) => ({ bin, ...second, answered: [...second.answered] })),
      })),
    };
  }

  restore({ series, seconds }: SecondsSnapshot): void {
    for (const each of series) this.#series.set(`${each.vantage} ${each.vip} ${each.protocol} ${each.path}`, each);
    for (const { vip, bins } of seconds) {
      this.#seconds.set(vip, new Map(bins.map(({ bin, answered, lost, broke }) => [bin, { answered: new Map(answered), lost, broke }])));
    }
  }

  /** Null for a second that is older than what is kept. */
  #second(vip: string, bin: number): Second | null {
    let bins = this.#seconds.get(vip);
    if (!bins) this.#seconds.set(vip, (bins = new Map<number, Second>()));
    let second = bins.get(bin);
    if (second) return second;
    bins.set(bin, (second = { answered: new Map(), lost: 0, broke: 0 }));
    return second;
  }
}
