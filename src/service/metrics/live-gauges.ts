// Gauges of what is now, as the other parts say it: paths, next hops and sessions of monitors, keepers, queues.
import type { KeeperResource, MonitorStatus, PathStatus } from '../../core/api.ts';
import type { QueueHealth } from '../parts.ts';
import type { EventCounters } from './event-counters.ts';
import type { MetricSet } from './metric-set.ts';
import { isOverflow } from './path-labels.ts';

/** 1 a path that answers, 0 one that should and does not; an idle or unknown path tells neither. */
const UP = { ok: 1, ill: 1, dead: 0, lost: 0, idle: null, unknown: null } as const satisfies Record<PathStatus['state'], 0 | 1 | null>;
/** States in which a fault disturbs, or may. */
const IN_FORCE: ReadonlySet<string> = new Set(['intent', 'in-force', 'reverting', 'unverified']);

export function setMonitorGauges(metrics: MetricSet, statuses: readonly MonitorStatus[], counters: EventCounters): void {
  const { holdfast_flows_held, holdfast_path_up, holdfast_source_ip_lost_flows, holdfast_next_hops, holdfast_bgp_session_up } = metrics;
  for (const gauge of [holdfast_flows_held, holdfast_path_up, holdfast_source_ip_lost_flows, holdfast_next_hops, holdfast_bgp_session_up]) {
    gauge.reset();
  }
  counters.forgetMonitorsBut(new Set(statuses.map(({ name }) => name)));
  for (const { name: monitor, environment, paths, nextHops, sessions } of statuses) {
    for (const { vantage, vip, protocol, ingress, flows, state } of paths) {
      const path = counters.admit({ environment, monitor, vantage, vip, protocol, path: ingress });
      // Added, not set: several paths may share the labels of the overflow.
      holdfast_flows_held.inc(path, flows);
      const up = UP[state];
      if (up !== null && !isOverflow(path)) holdfast_path_up.set(path, up);
    }
    for (const { vip, nodes, from } of nextHops) {
      if (nodes !== null) holdfast_next_hops.set({ environment, monitor, vip, from }, nodes.length);
    }
    for (const { router, peer, node, state } of sessions) {
      holdfast_bgp_session_up.set({ environment, monitor, router, peer, node: node ?? '' }, state === 'Established' ? 1 : 0);
    }
  }
  for (const { path, flows } of counters.sourceLoss()) holdfast_source_ip_lost_flows.inc(counters.admit(path), flows);
}

export function setKeeperGauges(metrics: MetricSet, keepers: readonly KeeperResource[]): void {
  metrics.holdfast_keeper_up.reset();
  metrics.holdfast_keeper_link_up.reset();
  metrics.holdfast_faults_in_force.reset();
  for (const { environment, isReachable, faults, joined } of keepers) {
    metrics.holdfast_keeper_up.set({ environment }, isReachable ? 1 : 0);
    if (joined) metrics.holdfast_keeper_link_up.set({ keeper: joined.name }, joined.isConnected ? 1 : 0);
    if (!isReachable) continue;
    metrics.holdfast_faults_in_force.set({ environment }, faults.filter(({ state }) => IN_FORCE.has(state)).length);
  }
}

/** A Redis that is away tells no depths; how old the canaries are is known without it, and matters most then. */
export async function setQueueGauges(metrics: MetricSet, queues: QueueHealth): Promise<void> {
  metrics.holdfast_redis_up.set(queues.isRedisUp() ? 1 : 0);
  metrics.holdfast_queue_canary_age_seconds.reset();
  for (const { queue, ageMs } of queues.canaryAges()) {
    if (ageMs !== null) metrics.holdfast_queue_canary_age_seconds.set({ queue }, ageMs / 1_000);
  }
  metrics.holdfast_queue_jobs.reset();
  if (!queues.isRedisUp()) return;
  const depths = await queues.depths();
  for (const { queue, ...jobs } of depths) {
    for (const [state, count] of Object.entries(jobs)) metrics.holdfast_queue_jobs.set({ queue, state }, count);
  }
}
