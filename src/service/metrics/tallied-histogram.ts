// A Prometheus histogram that takes the mergeable histograms of tallies, in ms, as they are.
import type { Metric, Registry } from 'prom-client';
import { bucketMs, type Histogram } from '../../core/histogram.ts';

/** Upper bounds in seconds: from a lab's fraction of a millisecond to past any timeout. */
const BOUNDS_SEC = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

type Labels<Name extends string> = Record<Name, string>;
type Series<Name extends string> = { labels: Labels<Name>; counts: number[]; sumSec: number; count: number };
type Value = { metricName: string; labels: Record<string, string | number>; value: number };

/** prom-client's own observes one value a call: tens of thousands a second, where a tally has them counted already. */
export class TalliedHistogram<Name extends string> {
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Name[];
  readonly #series = new Map<string, Series<Name>>();

  constructor({ registers, ...about }: { name: string; help: string; labelNames: readonly Name[]; registers: readonly Registry[] }) {
    this.name = about.name;
    this.help = about.help;
    this.labelNames = about.labelNames;
    // A registry asks a metric for its name, type, help and `get` alone; its type knows no metrics but prom-client's four classes.
    for (const registry of registers) registry.registerMetric(this as unknown as Metric<Name>);
  }

  /** Adds the latencies of a tally, each known within 1 %. What is no latency is left out: an agent may send anything. */
  add(labels: Labels<Name>, latencies: Histogram): void {
    const series = this.#of(labels);
    for (const [bucket, count] of Object.entries(latencies)) {
      const seconds = bucketMs(Number(bucket)) / 1_000;
      if (!Number.isFinite(seconds) || !Number.isSafeInteger(count) || count < 0) continue;
      const bound = BOUNDS_SEC.findIndex((each) => seconds <= each);
      if (bound !== -1) series.counts[bound] = (series.counts[bound] ?? 0) + count;
      series.count += count;
      series.sumSec += seconds * count;
    }
  }

  remove(labels: Labels<Name>): void {
    this.#series.delete(this.#keyOf(labels));
  }

  reset(): void {
    this.#series.clear();
  }

  get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: Value[] }> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({
      name,
      help,
      type,
      aggregator,
      values: [...this.#series.values()].flatMap((series) => this.#valuesOf(series)),
    });
  }

  #of(labels: Labels<Name>): Series<Name> {
    const key = this.#keyOf(labels);
    const series = this.#series.get(key) ?? { labels, counts: BOUNDS_SEC.map(() => 0), sumSec: 0, count: 0 };
    this.#series.set(key, series);
    return series;
  }

  #keyOf(labels: Labels<Name>): string {
    return JSON.stringify(this.labelNames.map((name) => labels[name]));
  }

  #valuesOf({ labels, counts, sumSec, count }: Series<Name>): Value[] {
    let upTo = 0;
    const buckets = BOUNDS_SEC.map((le, index) => {
      upTo += counts[index] ?? 0;
      return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: upTo };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${this.name}_sum`, labels, value: sumSec },
      { metricName: `${this.name}_count`, labels, value: count },
    ];
  }
}
