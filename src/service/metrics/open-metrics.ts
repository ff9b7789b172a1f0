// The service's metrics: counters fed by accepted events, gauges read from the other parts at each scrape, as one Prometheus text.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Gauge } from 'prom-client';
import type { KeeperResource, MonitorStatus } from '../../core/api.ts';
import type { OnEvents, QueueHealth, ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import { DEFINITIONS, type MetricName, type Part } from './definitions.ts';
import { EventCounters } from './event-counters.ts';
import { HistoryCounters } from './history-counters.ts';
import { setKeeperGauges, setMonitorGauges, setQueueGauges } from './live-gauges.ts';
import { makeMetrics, type MetricSet } from './metric-set.ts';
import { setStoreGauges } from './store-gauges.ts';

/** Shorter than Prometheus' usual patience (10 s): a part that hangs costs its own metrics, not the scrape. */
const PART_TIMEOUT_MS = 3_000;

export type MetricsOptions = {
  store: Store;
  clock: ServiceClock;
  /** Asked at each scrape, never before: the parts may be made after the metrics that they feed. */
  monitors: () => readonly MonitorStatus[];
  queues: () => QueueHealth;
  keepers: () => Promise<readonly KeeperResource[]>;
  /** Folder of the monitors' journal segments; it may not be there yet. */
  segments: string;
  version: string;
  /** Paths that are counted one by one; see `PathLabels`. */
  pathCap?: number;
};

export type Metrics = {
  contentType: string;
  /** Never fails: what a part does not tell is missing, and `holdfast_metrics_part_up` says so. */
  text(): Promise<string>;
  onEvents: OnEvents;
};

/** Opens them; runs and findings that the store holds already are not counted. Nothing has to be closed. */
export async function openMetrics(options: MetricsOptions): Promise<Metrics> {
  const { store, clock, monitors, queues, keepers, segments, version, pathCap } = options;
  const { registry, metrics } = makeMetrics();
  const counters = new EventCounters({ metrics, clock, pathCap });
  const history = await HistoryCounters.open({ metrics, store, nowMs: clock.nowMs() });
  metrics.holdfast_build_info.set({ version }, 1);

  const read: Record<Part, () => void | Promise<void>> = {
    monitors: () => {
      setMonitorGauges(metrics, monitors(), counters);
    },
    store: async () => {
      await history.collect(clock.nowMs());
      await setStoreGauges(metrics, store, clock.nowMs());
    },
    queues: () => setQueueGauges(metrics, queues()),
    keepers: async () => {
      setKeeperGauges(metrics, await keepers());
    },
    segments: async () => {
      metrics.holdfast_segment_bytes.set(await bytesBelow(segments));
    },
  };
  return {
    contentType: registry.contentType,
    onEvents: counters.take,
    text: async () => {
      const parts = Object.keys(read) as Part[];
      const told = await Promise.all(parts.map((part) => isTold(read[part])));
      for (const [index, part] of parts.entries()) {
        metrics.holdfast_metrics_part_up.set({ part }, told[index] === true ? 1 : 0);
        if (told[index] !== true) forget(metrics, part);
      }
      counters.expire();
      return await registry.metrics();
    },
  };
}

/** An old reading would look like a new one. */
function forget(metrics: MetricSet, part: Part): void {
  for (const [name, definition] of Object.entries(DEFINITIONS)) {
    if (!('part' in definition) || definition.part !== part) continue;
    const metric = metrics[name as MetricName];
    metric.reset();
    // One without labels begins with 0, which would be a reading too.
    if (metric instanceof Gauge) metric.remove({});
  }
}

async function isTold(read: () => void | Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, PART_TIMEOUT_MS, false);
  });
  // A part that fails is told by the gauge; why, it says in the service's own log.
  const done = (async () => {
    await read();
    return true;
  })().catch(() => false);
  const isDone = await Promise.race([done, late]);
  clearTimeout(timer);
  return isDone;
}

async function bytesBelow(folder: string): Promise<number> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    // One may be deleted between the two readings.
    const sizes = files.map((file) =>
      stat(join(file.parentPath, file.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0; // no monitor has written yet
    throw error;
  }
}
