// What a scrape tells of runs, findings, agents, queues, keepers and the outbox, and what it tells when one of them does not answer.
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AgentState } from '../../../src/core/agent-messages.ts';
import type { KeeperResource } from '../../../src/core/api.ts';
import { aMonitorStatus, aPathStatus, metricsOver, NOW_MS, someMetrics, someQueues } from '../../support/some-metrics.ts';
import { anAgentRow, aDeliveryRow, aFindingRow, anAlertRow, aRunRow } from '../../support/store-rows.ts';

describe('runs', () => {
  test('are counted by verdict once each, also those that ended late, and none of before this process', async () => {
    await using bench = await someMetrics();
    const insert = (id: string, fields: Parameters<typeof aRunRow>[1]) =>
      bench.store.insertInto('runs').values(aRunRow(id, fields)).execute();
    const runs = (verdict: string) => bench.value('holdfast_runs_total', { scenario: 'bgp-session-drop', verdict });
    await insert('r1', { state: 'ended', verdict: 'held', ended_ms: NOW_MS - 10 });
    expect(await runs('held')).toBe(1);
    await insert('r2', { state: 'ended', verdict: 'deviated', ended_ms: NOW_MS - 1_000 });
    await insert('r3', { state: 'skipped', verdict: null, ended_ms: null, created_ms: NOW_MS });
    expect([await runs('held'), await runs('deviated'), await runs('skipped')]).toEqual([1, 1, 1]);

    await using again = await metricsOver(bench.store);
    expect(await again.value('holdfast_runs_total', { verdict: 'held' })).toBe(null);
    await bench.store
      .insertInto('runs')
      .values(aRunRow('r4', { state: 'ended', verdict: 'held', ended_ms: NOW_MS + 5 }))
      .execute();
    expect(await again.value('holdfast_runs_total', { verdict: 'held' })).toBe(1);
  });

  test('show the last verdict of each scenario, and which are going', async () => {
    await using bench = await someMetrics();
    const ended = { state: 'ended' as const };
    const rows = [
      aRunRow('r1', { ...ended, verdict: 'held', ended_ms: 2_000 }),
      aRunRow('r2', { ...ended, verdict: 'deviated', ended_ms: 3_000 }),
      aRunRow('r3', { ...ended, verdict: 'held', ended_ms: 1_000, scenario: 'idle' }),
      aRunRow('r4', { state: 'running' }),
      aRunRow('r5', { state: 'queued' }),
      aRunRow('r6', { state: 'queued' }),
    ];
    await bench.store.insertInto('runs').values(rows).execute();
    const last = (verdict: string) => bench.value('holdfast_run_last_verdict', { scenario: 'bgp-session-drop', verdict });
    expect([await last('deviated'), await last('held'), await last('errored')]).toEqual([1, 0, 0]);
    expect(await bench.value('holdfast_run_last_end_timestamp_seconds', { scenario: 'bgp-session-drop' })).toBe(3);
    expect([await bench.value('holdfast_runs', { state: 'running' }), await bench.value('holdfast_runs', { state: 'queued' })]).toEqual([
      1, 2,
    ]);
  });
});

describe('findings', () => {
  test('and their windows are counted once, a window when it has closed, whatever restarts', async () => {
    await using bench = await someMetrics();
    const write = (fields: Parameters<typeof aFindingRow>[1]) => {
      const row = aFindingRow('f1', fields);
      return bench.store
        .insertInto('findings')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute();
    };
    const counts = async (of = bench) => [
      await of.value('holdfast_findings_total'),
      await of.value('holdfast_windows_total', { cause: 'observed' }),
    ];
    await write({ updatedMs: NOW_MS + 1, isProvisional: true, windows: 1 });
    expect(await counts()).toEqual([1, null]);
    await write({ updatedMs: NOW_MS + 2, isProvisional: false, windows: 1 });
    expect(await counts()).toEqual([1, 1]);
    expect(await bench.value('holdfast_findings_open', { kind: 'next-hops-changed' })).toBe(1);

    await using again = await metricsOver(bench.store);
    await write({ updatedMs: NOW_MS + 3, isProvisional: true, windows: 2 });
    expect(await counts(again)).toEqual([null, null]);
    await write({ updatedMs: NOW_MS + 4, isProvisional: false, windows: 2, state: 'resolved' });
    expect(await counts(again)).toEqual([null, 1]);
    expect(await counts()).toEqual([1, 2]);
    expect(await bench.value('holdfast_findings_open')).toBe(null);
  });
});

describe('agents', () => {
  const state: AgentState = {
    version: '0.1.0',
    machineBoot: 'b',
    sentMonoMs: 1,
    clock: { offsetMs: 3, errMs: 1.5 },
    serial: 4,
    holdings: [{ monitor: 'm', session: 's', state: 'holding', open: 8, broken: 0, isIll: true }],
    spoolBytes: 4_096,
    droppedEvents: 7,
  };
  const ofAgent = async (bench: Awaited<ReturnType<typeof someMetrics>>) => {
    const names = ['up', 'ill', 'clock_error_bound_seconds', 'spool_bytes', 'orders_behind', 'dropped_events_total'];
    return await Promise.all(names.map((name) => bench.value(`holdfast_agent_${name}`, { agent: 'agent-v1' })));
  };

  test('tell their health while they are heard, and a silent one only that it is silent', async () => {
    await using bench = await someMetrics();
    await bench.store
      .insertInto('agents')
      .values(anAgentRow({ serial: 5, last_seen_ms: NOW_MS - 2_000, state: JSON.stringify(state) }))
      .execute();
    expect(await ofAgent(bench)).toEqual([1, 1, 0.0015, 4_096, 1, 7]);
    bench.clock.now += 10_000;
    expect(await ofAgent(bench)).toEqual([0, null, null, null, null, 7]);
    expect(await bench.value('holdfast_agent_last_seen_timestamp_seconds')).toBe((NOW_MS - 2_000) / 1_000);
  });

  test('that were never heard of are down', async () => {
    await using bench = await someMetrics();
    await bench.store
      .insertInto('agents')
      .values(anAgentRow({ last_seen_ms: null, state: null }))
      .execute();
    expect(await ofAgent(bench)).toEqual([0, null, null, null, null, null]);
  });
});

test('the outbox tells what is pending and dead by destination, and how old the oldest is', async () => {
  await using bench = await someMetrics();
  expect(await bench.value('holdfast_outbox_oldest_pending_seconds')).toBe(0);
  const rows = [
    aDeliveryRow('d1', { state: 'pending', created_ms: NOW_MS - 90_000 }),
    aDeliveryRow('d2', { state: 'pending', created_ms: NOW_MS - 10_000 }),
    aDeliveryRow('d3', { state: 'dead', created_ms: NOW_MS - 900_000, destination: 'pager' }),
    aDeliveryRow('d4', { state: 'delivered', created_ms: NOW_MS - 900_000 }),
  ];
  await bench.store.insertInto('deliveries').values(rows).execute();
  await bench.store
    .insertInto('alerts')
    .values([anAlertRow('a1', { state: 'open' }), anAlertRow('a2', { state: 'resolved' })])
    .execute();
  expect(await bench.value('holdfast_outbox_deliveries', { destination: 'sink', state: 'pending' })).toBe(2);
  expect(await bench.value('holdfast_outbox_deliveries', { destination: 'pager', state: 'dead' })).toBe(1);
  expect(await bench.value('holdfast_outbox_oldest_pending_seconds')).toBe(90);
  expect(await bench.value('holdfast_alerts_open', { severity: 'page' })).toBe(1);
});

test('monitors tell flows and paths, next hops and BGP sessions; what they do not know is absent', async () => {
  const paths = [
    aPathStatus({ flows: 256 }),
    aPathStatus({ ingress: 'n2', state: 'lost', flows: 0 }),
    aPathStatus({ ingress: 'n3', state: 'idle', flows: 0 }),
  ];
  const nextHops = [
    { vip: 'web', nodes: ['n1', 'n3'], from: 'observer' as const, sinceMs: 0 },
    { vip: 'pub', nodes: null, from: 'flows' as const, sinceMs: 0 },
  ];
  const sessions = [
    { router: 'tor', peer: '10.77.0.11', node: 'n1', state: 'Established' },
    { router: 'tor', peer: '10.77.0.12', node: null, state: 'Idle' },
  ];
  await using bench = await someMetrics({ monitors: () => [aMonitorStatus({ paths, nextHops, sessions })] });
  expect(await bench.value('holdfast_flows_held', { path: 'n1' })).toBe(256);
  const up = await Promise.all(['n1', 'n2', 'n3'].map((path) => bench.value('holdfast_path_up', { path })));
  expect(up).toEqual([1, 0, null]);
  expect(await bench.value('holdfast_next_hops')).toBe(2);
  const established = await Promise.all(['n1', ''].map((node) => bench.value('holdfast_bgp_session_up', { node })));
  expect(established).toEqual([1, 0]);
});

test('a keeper tells the faults that are not verified as reverted; one that does not answer tells none', async () => {
  const keeper = (environment: string, isReachable: boolean, ...states: string[]): KeeperResource => ({
    ...{ environment, isReachable, error: null, remedy: null, isArmed: true, isHalted: false, holder: null, joined: null },
    faults: states.map((state, index) => ({ fault: `f${String(index)}`, kind: 'bgp-session-down', target: 'n2', state, reason: '' })),
  });
  const keepers = () => Promise.resolve([keeper('lab', true, 'in-force', 'verified', 'unverified'), keeper('rack', false)]);
  await using bench = await someMetrics({ keepers });
  const values = (name: string) => Promise.all(['lab', 'rack'].map((environment) => bench.value(name, { environment })));
  expect(await values('holdfast_faults_in_force')).toEqual([2, null]);
  expect(await values('holdfast_keeper_up')).toEqual([1, 0]);
});

test('queues tell depths and canaries; without Redis how old the canaries are', async () => {
  let isUp = true;
  const health = someQueues({
    isRedisUp: () => isUp,
    canaryAges: () => [
      { queue: 'holdfast-ticks', ageMs: 2_500 },
      { queue: 'holdfast-agent-v1', ageMs: null },
    ],
    depths: () =>
      isUp ? Promise.resolve([{ queue: 'holdfast-ticks', waiting: 3, delayed: 1, failed: 0 }]) : Promise.reject(new Error('away')),
  });
  await using bench = await someMetrics({ queues: () => health });
  const values = () =>
    Promise.all([
      bench.value('holdfast_redis_up'),
      bench.value('holdfast_queue_jobs', { state: 'waiting' }),
      bench.value('holdfast_queue_canary_age_seconds'),
    ]);
  expect(await values()).toEqual([1, 3, 2.5]);
  isUp = false;
  expect(await values()).toEqual([0, null, 2.5]);
});

test('a part that fails costs its own metrics and no others, and old readings do not stand for new ones', async () => {
  let fails = false;
  const monitors = () => {
    if (fails) throw new Error('a mistake');
    return [aMonitorStatus()];
  };
  const queues = () => {
    if (fails) throw new Error('not open yet');
    return someQueues();
  };
  await using bench = await someMetrics({ monitors, queues });
  expect([await bench.value('holdfast_flows_held'), await bench.value('holdfast_redis_up')]).toEqual([100, 1]);
  fails = true;
  expect([await bench.value('holdfast_flows_held'), await bench.value('holdfast_redis_up')]).toEqual([null, null]);
  const up = await Promise.all(['monitors', 'queues', 'store'].map((source) => bench.value('holdfast_metrics_part_up', { part: source })));
  expect(up).toEqual([0, 0, 1]);
});

test('the size of the store and of the segments is told', async () => {
  const segments = mkdtempSync(join(tmpdir(), 'holdfast-segments-'));
  try {
    mkdirSync(join(segments, 'web'));
    writeFileSync(join(segments, 'web', '2026-11-25T21.ndjson'), 'x'.repeat(1_000));
    await using bench = await someMetrics({ segments });
    expect(await bench.value('holdfast_segment_bytes')).toBe(1_000);
    expect(await bench.value('holdfast_store_bytes')).toBeGreaterThan(4_096);
  } finally {
    rmSync(segments, { recursive: true });
  }
});
