// The whole service with a real Prometheus and Alertmanager: a foreign alert starts a fault-free run, its verdict goes back, nothing loops.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunResource } from '../../src/core/api.ts';
import { aService, type RunningService } from '../support/running-service.ts';
import { eventually } from '../support/eventually.ts';
import { aPrometheus, anAlertmanager, type RealAlertmanager, type RealPrometheus } from '../support/real-prometheus.ts';
import { aFreePort } from '../support/a-free-port.ts';

const HOOK_TOKEN = 'the-token-of-the-hook';
const NOTHING_BREAKS = `
title: Nothing is broken
flows:
  - { probe: tcp-hold, vip: web, count: 16 }
timeline: []
expect:
  - { check: source-ip, is: preserved }
baseline: 3s
recovery: 1s
`;

let open: AsyncDisposableStack;
let service: RunningService;
let prometheus: RealPrometheus;
let alertmanager: RealAlertmanager;

beforeAll(async () => {
  open = new AsyncDisposableStack();
  const port = await aFreePort();
  const verdicts = ['held', 'inconclusive', 'deviated', 'errored'];
  service = open.use(
    await aService({
      prefix: 'hfam',
      scenarios: { idle: NOTHING_BREAKS },
      variables: { HOOK_TOKEN },
      config: {
        monitors: [{ name: 'web', environment: 'quick', flows: [{ probe: 'tcp-hold', vip: 'web', count: 48 }] }],
        hooks: [
          { name: 'pager', kind: 'alertmanager', token: '${env:HOOK_TOKEN}', scenarios: ['idle'], environment: 'quick', coolDown: '0s' },
        ],
        destinations: [{ name: 'am', kind: 'alertmanager', url: `http://127.0.0.1:${String(port)}`, allow: ['127.0.0.0/8'] }],
        rules: [{ name: 'all', minSeverity: 'info', verdicts, destinations: ['am'] }],
      },
    }),
  );
  alertmanager = open.use(await anAlertmanager({ url: `${service.url}/hooks/alertmanager`, token: HOOK_TOKEN }, port));
  prometheus = open.use(await aPrometheus({ url: `${service.url}/metrics`, token: service.token }, alertmanager));
});
afterAll(() => open.disposeAsync());

const hookRuns = async (): Promise<RunResource[]> => (await service.runs()).filter(({ trigger }) => trigger === 'hook pager');

/** How many calls of the hook Alertmanager made and had answered. */
async function callsOfTheHook(): Promise<number> {
  const text = await (await fetch(`${alertmanager.url}/metrics`)).text();
  const calls = Number(/^alertmanager_notifications_total\{integration="webhook"\} (\d+)$/m.exec(text)?.[1]);
  const failed = [...text.matchAll(/^alertmanager_notifications_failed_total\{integration="webhook".*\} (\d+)$/gm)];
  return calls - failed.reduce((sum, [, count]) => sum + Number(count), 0);
}

test('Prometheus sees every path of the monitor from both vantages, its agents and its BGP sessions', async () => {
  await eventually(async () => {
    const paths = await prometheus.query('holdfast_path_up == 1');
    expect(paths.map(({ labels }) => [labels.vantage, labels.path].join(' ')).sort()).toEqual(
      ['v1', 'v2'].flatMap((vantage) => ['n1', 'n2', 'n3'].map((node) => `${vantage} ${node}`)),
    );
    expect(await prometheus.query('sum(holdfast_flows_held)')).toMatchObject([{ value: 96 }]);
    expect(await prometheus.query('sum(holdfast_agent_up)')).toMatchObject([{ value: 2 }]);
    expect(await prometheus.query('min(holdfast_metrics_part_up)')).toMatchObject([{ value: 1 }]);
    const [worst] = await prometheus.query('min(holdfast:path_availability:ratio_rate1m)');
    expect(worst?.value).toBeGreaterThan(0.9);
    expect(await prometheus.query('holdfast_bgp_session_up == 0')).toEqual([]);
  }, 60_000);
});

test('a foreign alert starts the fault-free scenario once; its verdict reaches Alertmanager, comes back, and starts nothing', async () => {
  const foreign = { labels: { alertname: 'SwitchReloaded', instance: 'tor' }, annotations: {}, startsAt: new Date().toISOString() };
  const answer = await fetch(`${alertmanager.url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([foreign]),
  });
  expect(answer.status).toBe(200);
  const [run] = await eventually(async () => {
    const runs = await hookRuns();
    expect(runs).toMatchObject([{ scenario: 'idle', state: 'ended', verdict: 'held' }]);
    return runs;
  }, 60_000);
  await eventually(async () => {
    const told = (await alertmanager.alerts()).map(({ labels }) => labels);
    expect(told).toContainEqual(expect.objectContaining({ alertname: 'HoldfastRunEnded', source: 'holdfast', environment: 'quick' }));
    // The foreign alert and our own, at least.
    expect(await callsOfTheHook()).toBeGreaterThanOrEqual(2);
    expect(await prometheus.query('holdfast_runs_total{scenario="idle", verdict="held"}')).toMatchObject([{ value: 1 }]);
  }, 30_000);
  expect((await hookRuns()).map(({ id }) => id)).toEqual([run?.id]);
});
