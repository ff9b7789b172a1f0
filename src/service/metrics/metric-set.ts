// The metrics as prom-client has them, in a registry of their own, made from the table of definitions.
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { DEFINITIONS, type MetricName } from './definitions.ts';
import { TalliedHistogram } from './tallied-histogram.ts';

type LabelOf<Name extends MetricName> = (typeof DEFINITIONS)[Name]['labels'][number];
type MetricOf<Name extends MetricName> = {
  counter: Counter<LabelOf<Name>>;
  gauge: Gauge<LabelOf<Name>>;
  histogram: TalliedHistogram<LabelOf<Name>>;
}[(typeof DEFINITIONS)[Name]['type']];
export type MetricSet = { readonly [Name in MetricName]: MetricOf<Name> };

/** Gauges of prom-client's own set that are called `_total`, which promtool objects to; each is the sum of another one. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];
const CLASSES = { counter: Counter, gauge: Gauge, histogram: TalliedHistogram };

export function makeMetrics(): { registry: Registry; metrics: MetricSet } {
  const registry = new Registry();
  const made = Object.entries(DEFINITIONS).map(([name, { type, labels, help }]) => {
    return [name, new CLASSES[type]({ name, help, labelNames: labels, registers: [registry] })] as const;
  });
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return { registry, metrics: Object.fromEntries(made) as MetricSet }; // as CLASSES and DEFINITIONS have it, which fromEntries forgets
}
