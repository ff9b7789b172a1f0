// A monitor on a real lab: a BGP session shut by hand is found, told and resolved; a Redis that dies leaves no gap in its probing; an
// Alertmanager starts runs and is told their verdicts.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentResource } from '../../src/core/api.ts';
import { aService, type RunningService } from '../support/running-service.ts';
import { aSink } from '../support/a-sink.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';
import { anAlertmanager, type RealAlertmanager } from '../support/real-prometheus.ts';

const PREFIX = 'hfmon';
const SECRET = `whsec_${randomBytes(24).toString('base64')}`;
const HOOK_TOKEN = randomBytes(24).toString('hex');
const FLOWS = 48;
const IDLE = `
title: Nothing is broken
flows:
  - { probe: tcp-hold, vip: web, count: 16 }
baseline: 2s
minFlows: 16
expect:
  - { check: broken, max: 0 }
`;

let open: AsyncDisposableStack;
let service: RunningService;
let sink: Awaited<ReturnType<typeof aSink>>;
let alertmanager: RealAlertmanager;
beforeAll(async () => {
  open = new AsyncDisposableStack();
  sink = open.use(await aSink(SECRET));
  const port = await freePort();
  alertmanager = open.use(await anAlertmanager({ url: `http://127.0.0.1:${String(port)}/hooks/pages`, token: HOOK_TOKEN }));
  const flows = ['tcp-hold', 'udp-twin'].map((probe) => ({ probe, vip: 'web', count: FLOWS }));
  service = open.use(
    await aService({
      prefix: PREFIX,
      port,
      scenarios: { idle: IDLE },
      variables: { SINK_SECRET: SECRET, HOOK_TOKEN },
      config: {
        monitors: [{ name: 'web', environment: 'quick', flows }],
        hooks: [{ name: 'pages', kind: 'alertmanager', token: '${env:HOOK_TOKEN}', scenarios: ['idle'], environment: 'quick' }],
        destinations: [
          { name: 'sink', kind: 'webhook', url: sink.url, secrets: ['${env:SINK_SECRET}'], allow: ['127.0.0.0/8'], perMinute: 60 },
          { name: 'am', kind: 'alertmanager', url: alertmanager.url, allow: ['127.0.0.0/8'] },
        ],
        rules: [
          { name: 'findings', minSeverity: 'info', verdicts: [], destinations: ['sink'] },
          { name: 'verdicts', findings: [], verdicts: ['held', 'deviated', 'errored'], destinations: ['am'] },
        ],
      },
    }),
  );
});
afterAll(() => open.disposeAsync());

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What became of the calls of hooks, as the history has it. */
function hookCalls(): unknown[] {
  using store = new DatabaseSync(join(service.stateFolder, 'store.sqlite'), { readOnly: true });
  return store
    .prepare('select outcome, why from hook_calls')
    .all()
    .map((row) => ({ ...row }));
}

async function router(...commands: string[]): Promise<void> {
  const args = ['configure terminal', 'router bgp 64512', ...commands].flatMap((command) => ['-c', command]);
  const { code, stderr, stdout } = await holdfast(['lab', 'vtysh', 'tor', '--prefix', PREFIX, '--', ...args]);
  expect(code, stderr + stdout).toBe(0);
}

async function untilAlive(): Promise<void> {
  await eventually(async () => {
    const [web] = await service.monitors();
    const alive = web?.paths.filter(({ state }) => state === 'ok').map(({ vantage, protocol, ingress }) => [vantage, protocol, ingress]);
    const all = ['v1', 'v2'].flatMap((vantage) => ['n1', 'n2', 'n3'].map((node) => [vantage, 'udp', node]));
    expect(alive).toEqual(expect.arrayContaining(all));
  }, 40_000);
}

test('a session shut by hand is a finding that names path, flows and cause, and told by a signed webhook; its return resolves it', async () => {
  await untilAlive();
  const n2 = '10.77.1.12';
  await router(`neighbor ${n2} shutdown`);
  const found = await eventually(async () => {
    const all = await service.findings();
    const finding = all.find(({ kind, subject, state }) => kind === 'next-hops-changed' && subject === 'n2' && state === 'open');
    expect(finding?.sentence, JSON.stringify(all)).toMatch(/^n2 left the next-hop set of web \(its BGP session went down/);
    expect(finding?.brokenByCause.reset).toBeGreaterThan(0);
    return finding;
  }, 20_000);
  const told = () => sink.received.map(({ notification }) => notification).filter(({ sentence }) => sentence.includes('n2'));
  await eventually(() => {
    expect(told()).toContainEqual(expect.objectContaining({ type: 'alert.opened', environment: 'quick' }));
  }, 20_000);
  await router(`no neighbor ${n2} shutdown`);
  await eventually(async () => {
    const after = (await service.findings()).find(({ id }) => id === found?.id);
    expect(after?.state).toBe('resolved');
    expect(after?.windows.length).toBeGreaterThan(1);
  }, 60_000);
  await eventually(() => {
    expect(told().map(({ type }) => type)).toContain('alert.resolved');
  }, 30_000);
  expect(sink.forged()).toBe(0);
  expect(new Set(sink.received.map(({ id }) => id)).size).toBe(sink.received.length);
  await untilAlive();
});

test('Redis dies again and again: probing has no gap, and canaries come back', async () => {
  const fromMs = Date.now();
  for (let kill = 0; kill < 3; kill += 1) {
    const pid = Number(readFileSync(join(service.stateFolder, 'redis', 'redis.pid'), 'utf8'));
    const killedMs = Date.now();
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      const { items } = await service.get<{ items: AgentResource[] }>('/api/v1/agents');
      const ages = items.map(({ canaryAgeMs }) => canaryAgeMs ?? Infinity);
      // Back since the kill: the canary is younger than the kill is old.
      expect(Math.max(...ages)).toBeLessThan(Date.now() - killedMs);
    }, 30_000);
  }
  const untilMs = Date.now();
  await eventually(async () => {
    const [web] = await service.monitors();
    const seconds = web?.recent.filter(({ atMs }) => atMs > fromMs && atMs < untilMs) ?? [];
    expect(seconds.length).toBeGreaterThan((untilMs - fromMs) / 1_000 - 2);
    expect(seconds.every(({ byPath }) => Object.values(byPath).reduce((sum, flows) => sum + flows, 0) > 0)).toBe(true);
    expect(web?.vantages.map(({ state }) => state)).toEqual(['holding', 'holding']);
  });
});

test('an alert of a real Alertmanager starts the fault-free scenario once; its verdict goes back there and starts nothing', async () => {
  const alert = { labels: { alertname: 'CheckoutSlow', severity: 'page' }, annotations: {}, generatorURL: 'http://example.com' };
  const posted = await fetch(`${alertmanager.url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([alert]),
  });
  expect(posted.status).toBe(200);
  const run = await eventually(async () => {
    const [found] = await service.runs();
    expect(found?.state).toBe('ended');
    return found;
  }, 60_000);
  expect([run?.scenario, run?.trigger, run?.verdict]).toEqual(['idle', 'hook pages', 'held']);
  await eventually(async () => {
    const labels = (await alertmanager.alerts()).map((each) => each.labels);
    expect(labels).toContainEqual(expect.objectContaining({ source: 'holdfast' }));
  }, 20_000);
  await eventually(() => {
    expect(hookCalls()).toContainEqual({ outcome: 'ignored', why: 'Holdfast sent this alert itself' });
  }, 20_000);
  expect((await service.runs()).length).toBe(1);
});
