// A monitor on a real lab: a BGP session shut by hand is found, told and resolved; a Redis that dies leaves no gap in its probing.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentResource } from '../../src/core/api.ts';
import type { Finding } from '../../src/core/finding.ts';
import { aService, type RunningService } from '../support/running-service.ts';
import { aSink } from '../support/a-sink.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const PREFIX = 'hfmon';
const SECRET = `whsec_${randomBytes(24).toString('base64')}`;
const FLOWS = 48;
let open: AsyncDisposableStack;
let service: RunningService;
let sink: Awaited<ReturnType<typeof aSink>>;
beforeAll(async () => {
  open = new AsyncDisposableStack();
  sink = open.use(await aSink(SECRET));
  const flows = ['tcp-hold', 'udp-twin'].map((probe) => ({ probe, vip: 'web', count: FLOWS }));
  service = open.use(
    await aService({
      prefix: PREFIX,
      variables: { SINK_SECRET: SECRET },
      config: {
        monitors: [{ name: 'web', environment: 'quick', flows }],
        destinations: [
          { name: 'sink', kind: 'webhook', url: sink.url, secrets: ['${env:SINK_SECRET}'], allow: ['127.0.0.0/8'], perMinute: 60 },
        ],
        rules: [{ name: 'findings', minSeverity: 'info', verdicts: [], destinations: ['sink'] }],
      },
    }),
  );
});
afterAll(() => open.disposeAsync());

function redisPid(): number {
  return Number(readFileSync(join(service.stateFolder, 'redis', 'redis.pid'), 'utf8'));
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
    const finding = all.find(({ kind, vip, subject }) => kind === 'next-hops-changed' && vip === 'web' && subject === 'n2');
    expect(finding?.sentence, JSON.stringify(all)).toMatch(/^n2 left the next-hop set of web \(its BGP session went down/);
    expect(finding?.brokenByCause.reset).toBeGreaterThan(0);
    return finding;
  }, 20_000);
  expect(found?.state).toBe('open');
  // Nobody holds flows through the others here: what becomes of them is not this monitor's to tell.
  expect((await service.findings()).filter(({ vip }) => vip !== null && vip !== 'web')).toEqual([]);
  const told = () => sink.received.map(({ notification }) => notification).filter(({ sentence }) => sentence.includes('n2'));
  await eventually(() => {
    expect(told()).toContainEqual(expect.objectContaining({ type: 'alert.opened', environment: 'quick' }));
  }, 20_000);
  // A return before the set has settled would be one happening with the loss, in one window.
  await eventually(async () => {
    const [web] = await service.monitors();
    expect(web?.nextHops[0]?.sinceMs).toBeLessThan(Date.now() - 3_000);
    expect(web?.nextHops[0]?.nodes).not.toContain('n2');
  });
  await router(`no neighbor ${n2} shutdown`);
  await eventually(async () => {
    const after = await service.get<Finding>(`/api/v1/findings/${found?.id ?? ''}`);
    expect(after.state).toBe('resolved');
    expect(after.windows.map(({ eventCause }) => eventCause)).toEqual(['observed', 'observed']);
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
    const pid = redisPid();
    const killedMs = Date.now();
    process.kill(pid, 'SIGKILL');
    await eventually(() => {
      expect(redisPid()).not.toBe(pid);
    }, 30_000);
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
