// Metrics over an empty store and parts that say what a test tells them to; its clock is stepped by hand.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MonitorStatus, PathStatus } from '../../src/core/api.ts';
import type { QueueHealth } from '../../src/service/parts.ts';
import { type Metrics, openMetrics, type MetricsOptions } from '../../src/service/metrics/open-metrics.ts';
import { openStore, type Store } from '../../src/service/store/open-store.ts';

export const OF = { monitor: 'web-all-day', environment: 'three-nodes', session: 's1' };
export const NOW_MS = 1_800_000_000_000;

export type MetricsBench = AsyncDisposable & {
  metrics: Metrics;
  store: Store;
  clock: { now: number };
  /** The value of a series: `name{label="value",…}` with some or all of its labels; null when there is none. */
  value(name: string, labels?: Record<string, string>): Promise<number | null>;
};

export async function someMetrics(options: Partial<MetricsOptions> = {}): Promise<MetricsBench> {
  const store = await openStore(':memory:');
  return await metricsOver(store, options);
}

/** As after a restart of the service: new metrics over a store that is there already. */
export async function metricsOver(store: Store, options: Partial<MetricsOptions> = {}): Promise<MetricsBench> {
  const clock = { now: 0 };
  const metrics = await openMetrics({
    store,
    clock: { nowMs: () => NOW_MS + clock.now, monoMs: () => clock.now },
    monitors: () => [],
    queues: () => someQueues(),
    keepers: () => Promise.resolve([]),
    segments: join(tmpdir(), 'holdfast-no-such-folder'),
    version: '0.1.0',
    ...options,
  });
  return {
    metrics,
    store,
    clock,
    value: async (name, labels = {}) => valueIn(await metrics.text(), name, labels),
    [Symbol.asyncDispose]: () => store.destroy(),
  };
}

/** Reads the Prometheus text format, as far as these metrics use it. */
export function valueIn(text: string, name: string, labels: Record<string, string> = {}): number | null {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const found = text.split('\n').filter((line) => {
    const [, series = '', own = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    return series === name && wanted.every((pair) => `,${own},`.includes(`,${pair},`));
  });
  if (found.length > 1) throw new Error(`${String(found.length)} series of ${name} fit: ${found.join(' and ')}`);
  return found[0] === undefined ? null : Number(found[0].slice(found[0].lastIndexOf(' ')));
}

export function someQueues(health: Partial<QueueHealth> = {}): QueueHealth {
  return { canaryAges: () => [], depths: () => Promise.resolve([]), isRedisUp: () => true, ...health };
}

export function aPathStatus(fields: Partial<PathStatus> = {}): PathStatus {
  const tally = { scheduled: 0, ok: 0, late: 0, lost: 0, notSent: 0, invalid: 0 };
  return { vantage: 'v1', vip: 'web', protocol: 'tcp', ingress: 'n1', state: 'ok', flows: 100, tally, rttMs: null, ...fields };
}

export function aMonitorStatus(fields: Partial<MonitorStatus> = {}): MonitorStatus {
  return {
    name: OF.monitor,
    environment: OF.environment,
    spec: { name: OF.monitor, environment: OF.environment, flows: [] },
    origin: 'file',
    isPaused: false,
    session: OF.session,
    sinceMs: NOW_MS,
    sentence: '',
    vantages: [],
    paths: [aPathStatus()],
    nextHops: [],
    sessions: [],
    recent: [],
    openFindings: 0,
    ...fields,
  };
}
