// Debian's own Prometheus and Alertmanager against Holdfast: they scrape it, judge its rules, post to its hook and take its alerts.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Notification } from '../../src/core/notification.ts';
import { tryCommand } from '../../src/io/command.ts';
import { alertmanagerPayload, type AlertmanagerPayload, isOwnAlert } from '../../src/service/hooks/alertmanager-payload.ts';
import { alertmanager as alertmanagerNotifier } from '../../src/service/notifiers/alertmanager.ts';
import { openPost } from '../../src/service/notifiers/guarded-post.ts';
import { aJournal } from '../support/a-journal.ts';
import { eventually } from '../support/eventually.ts';
import { aPrometheus, anAlertmanager, type RealAlertmanager, type RealPrometheus } from '../support/real-prometheus.ts';
import { aMonitorStatus, aPathStatus, type MetricsBench, OF, someMetrics, someQueues } from '../support/some-metrics.ts';
import { aFindingRow } from '../support/store-rows.ts';

const TOKEN = 'a-token-that-scrapes';
const HOOK_TOKEN = 'a-token-that-posts';

let open: AsyncDisposableStack;
let bench: MetricsBench;
let target: { url: string; token: string };
let prometheus: RealPrometheus;
let alertmanager: RealAlertmanager;
const posted: AlertmanagerPayload[] = [];

beforeAll(async () => {
  open = new AsyncDisposableStack();
  const canaryAges = () => [{ queue: 'holdfast-ticks', ageMs: 2_500 }];
  bench = open.use(
    await someMetrics({
      monitors: () => [aMonitorStatus({ paths: [aPathStatus(), aPathStatus({ ingress: 'n2', vantage: 'v2' })] })],
      queues: () => someQueues({ canaryAges }),
    }),
  );
  const source = open.use(
    await aServer(async (request, response) => {
      if (request.headers.authorization !== `Bearer ${TOKEN}`) return response.writeHead(401).end();
      return response.setHeader('content-type', bench.metrics.contentType).end(await bench.metrics.text());
    }),
  );
  target = { url: `${source.url}/metrics`, token: TOKEN };
  const hook = open.use(
    await aServer(async (request, response) => {
      if (request.headers.authorization !== `Bearer ${HOOK_TOKEN}`) return response.writeHead(401).end();
      posted.push(alertmanagerPayload.parse(JSON.parse(await bodyOf(request))));
      return response.writeHead(200).end();
    }),
  );
  alertmanager = open.use(await anAlertmanager({ url: `${hook.url}/hooks/alertmanager`, token: HOOK_TOKEN }));
  prometheus = open.use(await aPrometheus(target, alertmanager));
});
afterAll(() => open.disposeAsync());

/** The newest status that the hook was told of an alert by this name. */
const hookKnows = (alertname: string) =>
  posted
    .flatMap(({ alerts }) => alerts)
    .filter(({ labels }) => labels.alertname === alertname)
    .at(-1);

test('promtool finds nothing to object to in what a scrape answers', async () => {
  feed();
  const answer = await fetch(target.url, { headers: { authorization: `Bearer ${target.token}` } });
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-scrape-'));
  try {
    writeFileSync(join(folder, 'scrape'), await answer.text());
    expect(await tryCommand(['sh', '-c', `promtool check metrics <${join(folder, 'scrape')}`])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the rules do what their tests say, and the examples of configuration are valid', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-rules-'));
  try {
    const files = ['holdfast.rules.yaml', 'holdfast.rules.test.yaml', 'prometheus.example.yaml', 'alertmanager.example.yaml'];
    for (const file of files) copyFileSync(join('deploy/prometheus', file), join(folder, file));
    for (const secret of ['holdfast-token', 'hook-token']) writeFileSync(join(folder, secret), 'x');
    const checks = [
      ['promtool', 'test', 'rules', 'holdfast.rules.test.yaml'],
      ['promtool', 'check', 'config', 'prometheus.example.yaml'],
      ['amtool', 'check-config', 'alertmanager.example.yaml'],
    ];
    for (const check of checks) {
      const { code, stdout, stderr } = await tryCommand(['sh', '-c', `cd ${folder} && ${check.join(' ')}`]);
      expect(`${String(code)} ${stdout}${stderr}`).toMatch(/^0 [\s\S]*SUCCESS/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('Prometheus scrapes the metrics, and its rates add up', async () => {
  feed();
  await eventually(async () => {
    expect(await prometheus.query('up{job="holdfast"}')).toMatchObject([{ value: 1 }]);
    expect(await prometheus.query('sum(holdfast_flows_held)')).toMatchObject([{ value: 200 }]);
    expect(await prometheus.query('holdfast_queue_canary_age_seconds')).toMatchObject([
      { labels: { queue: 'holdfast-ticks' }, value: 2.5 },
    ]);
  });
  await eventually(async () => {
    feed(); // 90 ok and 10 lost each time
    const [availability] = await prometheus.query('holdfast:path_availability:ratio_rate1m{path="n1"}');
    expect(availability?.value).toBeCloseTo(0.9, 5);
  });
});

test('an alert of our rules reaches the hook with the payload that it understands, marked as our own, and so does its end', async () => {
  const write = async (state: 'open' | 'resolved') => {
    const row = aFindingRow('f1', { kind: 'source-ip-lost', state });
    await bench.store
      .insertInto('findings')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
  };
  await write('open');
  const fired = await eventually(() => {
    const alert = hookKnows('HoldfastSourceIpLost');
    expect(alert).toMatchObject({ status: 'firing', labels: { environment: OF.environment, monitor: OF.monitor, severity: 'page' } });
    return alert;
  }, 30_000);
  expect(fired && isOwnAlert(fired)).toBe(true);
  await write('resolved');
  await eventually(() => {
    expect(hookKnows('HoldfastSourceIpLost')).toMatchObject({ status: 'resolved', fingerprint: fired?.fingerprint });
  }, 30_000);
});

test('an alert that Holdfast posts is taken by Alertmanager, and comes back marked as our own', async () => {
  await using guarded = openPost(['127.0.0.0/8'], { nowMs: Date.now });
  const destination = alertmanagerNotifier.open(
    { name: 'alertmanager', kind: 'alertmanager', url: alertmanager.url, allow: ['127.0.0.0/8'], perMinute: 60 },
    { post: guarded.post, nowMs: Date.now, publicUrl: 'http://127.0.0.1:7600' },
  );
  expect(await destination.send(aNotification(), AbortSignal.timeout(10_000))).toEqual({ kind: 'delivered' });
  const [own] = (await alertmanager.alerts()).filter(({ labels }) => labels.alert === 'a-1');
  expect(own?.labels).toMatchObject({
    alertname: 'HoldfastVipDown',
    source: 'holdfast',
    environment: 'three-nodes',
    vip: 'web',
    severity: 'page',
  });
  await eventually(() => {
    const alert = hookKnows('HoldfastVipDown');
    expect(alert && isOwnAlert(alert)).toBe(true);
  });
});

/** A second of one path: 90 exchanges ok, 10 lost. */
function feed(): void {
  const events = aJournal()
    .tally(0, { ok: 90, lost: 10 })
    .events.filter(({ type }) => type === 'tally');
  bench.metrics.onEvents(OF, events, false);
}

function aNotification(): Notification {
  return {
    ...{ schema: 1, id: 'n-1', type: 'alert.opened', atMs: Date.now(), rule: 'all', severity: 'page', alert: 'a-1', kind: 'vip-down' },
    ...{ sentence: 'no path of web answers', environment: 'three-nodes', vip: 'web', openedMs: Date.now(), maintenance: null },
    ...{ findings: [], moreFindings: 0, run: null, heldBack: 0, held: [] },
  };
}

async function aServer(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<unknown>,
): Promise<{ url: string } & AsyncDisposable> {
  const server: Server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, [Symbol.asyncDispose]: stop };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
