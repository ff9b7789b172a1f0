// Gauges of what the store knows: runs, agents, findings, alerts, the outbox, and its own size.
import { sql } from 'kysely';
import { agentState } from '../../core/agent-messages.ts';
import { VERDICTS } from '../../core/report-format.ts';
import type { Store } from '../store/open-store.ts';
import type { MetricSet } from './metric-set.ts';

/** An agent tells its state every 2 s. */
const HEARD_WITHIN_MS = 10_000;

export async function setStoreGauges(metrics: MetricSet, store: Store, nowMs: number): Promise<void> {
  await setRunGauges(metrics, store);
  await setAgentGauges(metrics, store, nowMs);
  await setOutboxGauges(metrics, store, nowMs);
  const findings = await store
    .selectFrom('findings')
    .select((row) => ['environment', 'monitor', 'kind', row.fn.countAll<number>().as('count')])
    .where('state', '=', 'open')
    .groupBy(['environment', 'monitor', 'kind'])
    .execute();
  metrics.holdfast_findings_open.reset();
  for (const { count, ...labels } of findings) metrics.holdfast_findings_open.set(labels, count);
  const { rows } = await sql<{ bytes: number }>`select page_count * page_size as bytes from pragma_page_count, pragma_page_size`.execute(
    store,
  );
  metrics.holdfast_store_bytes.set(rows[0]?.bytes ?? 0);
}

async function setRunGauges(metrics: MetricSet, store: Store): Promise<void> {
  const going = await store
    .selectFrom('runs')
    .select((row) => ['environment', 'state', row.fn.countAll<number>().as('count')])
    .where('state', 'in', ['queued', 'running'])
    .groupBy(['environment', 'state'])
    .execute();
  metrics.holdfast_runs.reset();
  for (const { count, ...labels } of going) metrics.holdfast_runs.set(labels, count);
  // SQLite and PostgreSQL differ in how a group's last row is told whole; both have row_number.
  const last = await store
    .with('ranked', (db) =>
      db
        .selectFrom('runs')
        .select(['environment', 'scenario', 'verdict', 'ended_ms'])
        .select(sql<number>`row_number() over (partition by environment, scenario order by ended_ms desc, id desc)`.as('place'))
        .where('state', '=', 'ended')
        .where('ended_ms', 'is not', null),
    )
    .selectFrom('ranked')
    .selectAll()
    .where('place', '=', 1)
    .execute();
  metrics.holdfast_run_last_end_timestamp_seconds.reset();
  metrics.holdfast_run_last_verdict.reset();
  for (const { environment, scenario, verdict, ended_ms } of last) {
    metrics.holdfast_run_last_end_timestamp_seconds.set({ environment, scenario }, (ended_ms ?? 0) / 1_000);
    for (const each of VERDICTS) metrics.holdfast_run_last_verdict.set({ environment, scenario, verdict: each }, each === verdict ? 1 : 0);
  }
}

async function setAgentGauges(metrics: MetricSet, store: Store, nowMs: number): Promise<void> {
  const rows = await store.selectFrom('agents').selectAll().execute();
  const { holdfast_agent_up, holdfast_agent_ill, holdfast_agent_last_seen_timestamp_seconds } = metrics;
  const { holdfast_agent_clock_error_bound_seconds, holdfast_agent_spool_bytes } = metrics;
  const { holdfast_agent_dropped_events_total, holdfast_agent_orders_behind } = metrics;
  for (const gauge of [holdfast_agent_up, holdfast_agent_ill, holdfast_agent_last_seen_timestamp_seconds]) gauge.reset();
  for (const gauge of [holdfast_agent_clock_error_bound_seconds, holdfast_agent_spool_bytes, holdfast_agent_orders_behind]) gauge.reset();
  holdfast_agent_dropped_events_total.reset();
  for (const { name: agent, environment, vantage, serial, last_seen_ms, state: json } of rows) {
    const labels = { environment, agent, vantage };
    const isHeard = last_seen_ms !== null && nowMs - last_seen_ms <= HEARD_WITHIN_MS;
    holdfast_agent_up.set(labels, isHeard ? 1 : 0);
    if (last_seen_ms !== null) holdfast_agent_last_seen_timestamp_seconds.set(labels, last_seen_ms / 1_000);
    const state = json === null ? undefined : agentState.safeParse(JSON.parse(json)).data;
    if (!state) continue;
    // What one that fell silent said last holds no longer, but what it dropped, it dropped.
    holdfast_agent_dropped_events_total.inc(labels, Math.max(0, state.droppedEvents));
    if (!isHeard) continue;
    holdfast_agent_ill.set(labels, state.holdings.some(({ isIll }) => isIll) ? 1 : 0);
    if (state.clock !== null) holdfast_agent_clock_error_bound_seconds.set(labels, state.clock.errMs / 1_000);
    holdfast_agent_spool_bytes.set(labels, state.spoolBytes);
    holdfast_agent_orders_behind.set(labels, Math.max(0, serial - state.serial));
  }
}

async function setOutboxGauges(metrics: MetricSet, store: Store, nowMs: number): Promise<void> {
  const waiting = await store
    .selectFrom('deliveries')
    .select((row) => ['destination', 'state', row.fn.countAll<number>().as('count'), row.fn.min('created_ms').as('oldest_ms')])
    .where('state', 'in', ['held', 'pending', 'dead'])
    .groupBy(['destination', 'state'])
    .execute();
  metrics.holdfast_outbox_deliveries.reset();
  for (const { destination, state, count } of waiting) metrics.holdfast_outbox_deliveries.set({ destination, state }, count);
  const oldest = Math.min(nowMs, ...waiting.filter(({ state }) => state === 'pending').map(({ oldest_ms }) => oldest_ms));
  metrics.holdfast_outbox_oldest_pending_seconds.set((nowMs - oldest) / 1_000);
  const alerts = await store
    .selectFrom('alerts')
    .select((row) => ['environment', 'severity', row.fn.countAll<number>().as('count')])
    .where('state', '=', 'open')
    .groupBy(['environment', 'severity'])
    .execute();
  metrics.holdfast_alerts_open.reset();
  for (const { count, ...labels } of alerts) metrics.holdfast_alerts_open.set(labels, count);
}
