import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  agentResource,
  environmentResource,
  keeperResource,
  listOf,
  overview,
  runResource,
  scenarioResource,
} from '../../../src/core/api.ts';
import type { Finding } from '../../../src/core/finding.ts';
import { finding } from '../../../src/core/finding.ts';
import { serveKeeper } from '../../../src/keeper/server.ts';
import { KeeperBench } from '../../support/keeper-bench.ts';
import { anEnvironment, aRun, type AnApi, anApi, NOW_MS } from './an-api.ts';

function aFinding(id: string, openedMs: number): Finding {
  return {
    ...{ id, monitor: 'web', environment: 'lab', vip: 'web', kind: 'path-dead', subject: 'n1', state: 'open', isProvisional: false },
    ...{ severity: 'page', sentence: `n1 is dead (${id}).`, details: [], vantages: ['v1'], brokenByCause: {} },
    ...{ openedMs, updatedMs: openedMs, resolvedMs: null, windows: [{ fromT: 0 } as never] },
  };
}

async function store(api: AnApi, one: Finding): Promise<void> {
  await api.store
    .insertInto('findings')
    .values({
      ...{ id: one.id, monitor: one.monitor, environment: one.environment, kind: one.kind, state: one.state },
      ...{ opened_ms: one.openedMs, updated_ms: one.updatedMs, told_ms: null, json: JSON.stringify(one) },
    })
    .execute();
}

test('a list walked page by page is the whole list, once each and newest first, also where many share an instant', async () => {
  await using api = await anApi({ limits: { callerPerMinute: 1_000_000 } });
  const ofInstants = fc.array(fc.nat(3), { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(ofInstants, fc.integer({ min: 1, max: 7 }), async (instants, limit) => {
      await api.store.deleteFrom('findings').execute();
      const all = instants.map((instant, index) => aFinding(`f ${String(index)} of ${String(instant)}`, NOW_MS + instant));
      for (const one of all) await store(api, one);
      const seen: Finding[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const { json } = await api.ask('GET', `/api/v1/findings?limit=${String(limit)}${from}`, { token: api.tokens.viewer });
        const page = listOf(finding).parse(json);
        seen.push(...page.items);
        cursor = page.next;
      }
      expect(seen.map(({ openedMs }) => openedMs)).toEqual([...instants.map((instant) => NOW_MS + instant)].sort((a, b) => b - a));
      expect(new Set(seen.map(({ id }) => id)).size).toBe(all.length);
    }),
    { numRuns: 15 },
  );
});

test('a list has no windows, the finding itself has them, and filters narrow it', async () => {
  await using api = await anApi();
  await store(api, aFinding('f/1', NOW_MS));
  await store(api, { ...aFinding('f2', NOW_MS), state: 'resolved', kind: 'vip-down' });
  const token = api.tokens.viewer;
  const items = async (query: string) => listOf(finding).parse((await api.ask('GET', `/api/v1/findings${query}`, { token })).json).items;
  expect((await items('?state=open')).map(({ id, windows }) => ({ id, windows }))).toEqual([{ id: 'f/1', windows: [] }]);
  expect((await items('?kind=vip-down')).map(({ id }) => id)).toEqual(['f2']);
  expect(await items('?monitor=other')).toEqual([]);
  expect((await api.ask('GET', '/api/v1/findings/f%2F1', { token })).json).toMatchObject({ id: 'f/1', windows: [{ fromT: 0 }] });
});

test('the overview says what is open in one sentence, and what ails the service', async () => {
  await using api = await anApi();
  await store(api, aFinding('f1', NOW_MS));
  await aRun(api.store, { id: 'r1', state: 'running' });
  const { json } = await api.ask('GET', '/api/v1/overview', { token: api.tokens.viewer });
  expect(overview.parse(json)).toMatchObject({
    ...{ title: 'Holdfast', sentence: 'n1 is dead (f1).', running: [{ id: 'r1' }] },
    health: { canaryAgeMs: 1_200, outboxDead: 0, problems: [] },
  });
});

test('what files say is told without a secret', async () => {
  const file = {
    hooks: [{ name: 'deploys', kind: 'generic', secret: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAA', scenarios: ['quiet'], environment: 'lab' }],
    destinations: [
      { name: 'ops', kind: 'webhook', url: 'https://chat.example.net/hooks/s3cr3t', secrets: ['whsec_BBBBBBBBBBBBBBBBBBBBBBBB'] },
    ],
  };
  await using api = await anApi({ file });
  const text = async (path: string) => (await api.ask('GET', `/api/v1${path}`, { token: api.tokens.viewer })).text;
  expect(JSON.parse(await text('/hooks'))).toMatchObject({ items: [{ name: 'deploys', url: '/hooks/deploys' }], next: null });
  expect(JSON.parse(await text('/destinations'))).toEqual({
    items: [{ name: 'ops', kind: 'webhook', url: 'https://chat.example.net' }],
    next: null,
  });
  expect(`${await text('/hooks')}${await text('/destinations')}${await text('/rules')}`).not.toMatch(/whsec|s3cr3t/);
  expect(listOf(environmentResource).parse(JSON.parse(await text('/environments'))).items[0]).toMatchObject({
    name: 'lab',
    hasKeeper: false,
  });
  expect(
    listOf(scenarioResource)
      .parse(JSON.parse(await text('/scenarios')))
      .items.map(({ faults }) => faults),
  ).toEqual([[], ['bgp-session-down']]);
});

test('a run is started once for a key, with a seed that stays', async () => {
  await using api = await anApi();
  const body = { scenario: 'quiet', environment: 'lab', idempotencyKey: 'build-17' };
  const start = (token: string, more = {}) => api.ask('POST', '/api/v1/runs', { token, body: { ...body, ...more } });
  const first = await start(api.tokens.operator);
  const second = await start(api.tokens.operator);
  expect([first.status, second.status]).toEqual([201, 200]);
  const run = runResource.parse(first.json);
  expect(runResource.parse(second.json)).toEqual(run);
  expect(run.id).toMatch(/^[A-Za-z0-9.-]+$/);
  expect(run).toMatchObject({ trigger: 'token operator', state: 'queued', environment: 'lab' });
  // Another caller's key is another key; the same key for something else is a mistake.
  expect(runResource.parse((await start(api.tokens.admin)).json).id).not.toBe(run.id);
  expect(await start(api.tokens.operator, { scenario: 'drop' })).toMatchObject({ status: 409, json: { code: 'CONFLICT' } });
  const byHeader = await api.ask('POST', '/api/v1/runs', {
    ...{ token: api.tokens.operator, body: { scenario: 'quiet', environment: 'lab' }, headers: { 'idempotency-key': 'build-17' } },
  });
  expect(byHeader.status).toBe(200);
  expect((await api.ask('POST', `/api/v1/runs/${run.id}/cancel`, { token: api.tokens.operator })).status).toBe(202);
  expect(api.acts).toContainEqual(['cancel', run.id, 'operator']);
  const plan = await api.ask('POST', '/api/v1/runs/plan', {
    token: api.tokens.operator,
    body: { scenario: 'drop', environment: 'lab', seed: 7 },
  });
  expect(plan.json).toEqual({ text: 'drop in lab, seed 7\n' });
});

test('a run’s files are streamed as they are, and a link out of its folder leads nowhere', async () => {
  await using api = await anApi();
  const folder = join(api.folder, 'r1');
  mkdirSync(folder);
  writeFileSync(join(folder, 'journal.ndjson'), '{"t":0}\n'.repeat(50_000));
  writeFileSync(join(folder, 'report.html'), '<script>alert(1)</script>');
  writeFileSync(join(folder, 'flows.ndjson'), '');
  writeFileSync(join(api.folder, 'secret'), 'secret');
  symlinkSync(join(api.folder, 'secret'), join(folder, 'junit.xml'));
  await aRun(api.store, { id: 'r1', folder });
  await aRun(api.store, { id: 'r2', state: 'running' });
  const get = (path: string) => api.ask('GET', `/api/v1/runs/${path}`, { token: api.tokens.viewer });
  const journal = await get('r1/journal.ndjson');
  expect(journal.text).toHaveLength(400_000);
  expect(journal.headers['content-type']).toMatch(/^application\/x-ndjson/);
  expect((await get('r1/flows.ndjson')).text).toBe('');
  // A report that somebody's node names got into is in an origin of its own.
  expect((await get('r1/report.html')).headers['content-security-policy']).toMatch(/^sandbox allow-scripts/);
  expect(await get('r1/junit.xml')).toMatchObject({ status: 404, json: { code: 'UNKNOWN_NAME' } });
  expect((await get('r1/report.json')).status).toBe(404);
  expect((await get('r2/journal.ndjson')).json).toMatchObject({ detail: 'the run has no journal.ndjson yet' });
  for (const file of ['..%2fsecret', '..%2f..%2fetc%2fpasswd', 'journal.ndjson%00', 'report'])
    expect((await get(`r1/${file}`)).status).toBe(400);
});

test('an agent is admitted with a token that speaks for it alone, and revoked at once', async () => {
  await using api = await anApi();
  const admin = { token: api.tokens.admin };
  const body = { name: 'tokyo', environment: 'lab', vantage: 'v1' };
  const admitted = await api.ask('POST', '/api/v1/agents', { ...admin, body });
  expect(admitted.status).toBe(201);
  const { token, redisAcl } = admitted.json as { token: string; redisAcl: string };
  expect(redisAcl).toMatch(/^ACL SETUSER holdfast-agent-tokyo reset on >\S{32} ~bull:holdfast-agent-tokyo:\* /);
  expect(await api.ask('POST', '/api/v1/agents', { ...admin, body })).toMatchObject({ status: 409, json: { code: 'CONFLICT' } });
  expect((await api.ask('POST', '/api/v1/agents', { ...admin, body: { ...body, name: 'x', vantage: 'v9' } })).status).toBe(400);
  expect((await api.ask('GET', '/api/v1/agent/enrolment', { token })).json).toMatchObject({
    agent: 'tokyo',
    environment: 'lab',
    vantage: 'v1',
  });
  const state = { version: '1', machineBoot: 'b', sentMonoMs: 1, clock: null, serial: -1, holdings: [], spoolBytes: 0, droppedEvents: 0 };
  const told = (await api.ask('POST', '/api/v1/agent/state', { token, body: { ...state, agent: 'another' } })).json;
  const answer = told as { serviceBoot: string; receivedMonoMs: number; sentMonoMs: number; serial: number };
  expect(answer).toMatchObject({ serviceBoot: 'boot-1', serial: 7 });
  expect(answer.receivedMonoMs).toBeLessThanOrEqual(answer.sentMonoMs);
  expect(api.acts).toContainEqual(['takeState', 'tokyo']);
  const { items } = listOf(agentResource).parse((await api.ask('GET', '/api/v1/agents', admin)).json);
  expect(items).toMatchObject([{ name: 'tokyo', isSilent: true }]);
  expect((await api.ask('DELETE', '/api/v1/agents/tokyo', admin)).status).toBe(204);
  expect((await api.ask('GET', '/api/v1/agent/enrolment', { token })).status).toBe(401);
  expect((await api.ask('DELETE', '/api/v1/agents/tokyo', admin)).status).toBe(404);
});

test('a token is told once and stored as its hash; its use is remembered', async () => {
  await using api = await anApi();
  const made = await api.ask('POST', '/api/v1/tokens', { token: api.tokens.admin, body: { name: 'prometheus', role: 'viewer' } });
  const { id, token } = made.json as { id: string; token: string };
  expect(token).toMatch(/^hf_[0-9a-f]{16}_[\w-]{43}$/);
  api.clock.now += 120_000;
  expect((await api.ask('GET', '/api/v1/me', { token })).json).toEqual({ name: 'prometheus', role: 'viewer', csrf: null });
  // The right id with another secret is nobody.
  expect((await api.ask('GET', '/api/v1/me', { token: `hf_${id}_${'A'.repeat(43)}` })).status).toBe(401);
  const list = await api.ask('GET', '/api/v1/tokens', { token: api.tokens.admin });
  expect(list.text).not.toContain(token.slice(20));
  expect((list.json as { items: { id: string }[] }).items.find((each) => each.id === id)).toMatchObject({
    lastUsedMs: NOW_MS + 120_000,
    role: 'viewer',
  });
  expect(JSON.stringify(await api.store.selectFrom('tokens').selectAll().execute())).not.toContain(token.slice(20));
  expect((await api.ask('POST', '/api/v1/tokens', { token: api.tokens.admin, body: { name: 'x', role: 'agent' } })).status).toBe(400);
});

test('readiness tells strangers one word and viewers why', async () => {
  await using api = await anApi();
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
  await api.store.schema.dropTable('deliveries').execute();
  expect(await api.ask('GET', '/readyz')).toMatchObject({ status: 503, text: 'not ready\n' });
  expect((await api.ask('GET', '/readyz', { token: api.tokens.viewer })).text).toBe('not ready\nThe history store does not answer.\n');
  expect((await api.ask('GET', '/healthz')).text).toBe('ok\n');
});

test('a keeper is asked itself, and it halts; one that does not answer is told so, and one that is not there cannot be halted', async () => {
  await using bench = new KeeperBench();
  const socket = join(bench.folder, 'keeper.sock');
  await using _door = await serveKeeper(bench.keeper(), socket, bench.folder);
  const named = (name: string, keeperSocket: string | null) =>
    [name, { environment: { ...anEnvironment(), name, keeperSocket }, file: '' }] as const;
  const environments = new Map([named('lab', socket), named('dead', join(bench.folder, 'none.sock')), named('bare', null)]);
  await using api = await anApi({ catalogue: { environments } });
  const keepers = async () =>
    listOf(keeperResource).parse((await api.ask('GET', '/api/v1/keepers', { token: api.tokens.viewer })).json).items;
  expect(await keepers()).toMatchObject([
    { environment: 'lab', isReachable: true, error: null, isHalted: false, faults: [] },
    { environment: 'dead', isReachable: false, remedy: expect.stringContaining('holdfast keeper') as string, isHalted: null },
  ]);
  const halt = (name: string) => api.ask('POST', `/api/v1/keepers/${name}/halt`, { token: api.tokens.operator });
  expect(await halt('lab')).toMatchObject({ status: 200, json: { environment: 'lab', isHalted: true } });
  expect((await keepers())[0]).toMatchObject({ isHalted: true });
  expect(await halt('dead')).toMatchObject({ status: 502, json: { code: 'KEEPER_UNREACHABLE' } });
  expect(await halt('bare')).toMatchObject({ status: 409, json: { code: 'CAPABILITY_MISSING' } });
  expect(await halt('moon')).toMatchObject({ status: 404, json: { code: 'UNKNOWN_NAME' } });
});

test('names with the worst in them find nothing and harm nothing', async () => {
  await using api = await anApi({ limits: { callerPerMinute: 10_000 } });
  await store(api, aFinding('f1', NOW_MS));
  const token = api.tokens.admin;
  const bad = [
    "' OR 1=1 --",
    '"; DROP TABLE tokens; --',
    '../../etc/passwd',
    '__proto__',
    'constructor',
    '\u0000',
    '<script>',
    '%',
    'a'.repeat(299),
    '\u202e',
  ];
  for (const each of bad) {
    const name = encodeURIComponent(each);
    for (const [method, path] of [
      ...['findings', 'runs', 'monitors', 'environments', 'schedules'].map((list) => ['GET', `/api/v1/${list}/${name}`] as const),
      ...['monitors', 'schedules', 'periods', 'agents', 'tokens'].map((list) => ['DELETE', `/api/v1/${list}/${name}`] as const),
      ...[['POST', `/api/v1/runs/${name}/cancel`] as const, ['GET', `/api/v1/findings?monitor=${name}`] as const],
    ]) {
      const { status, json } = await api.ask(method, path, { token });
      const isEmpty = status === 200 && JSON.stringify(json) === '{"items":[],"next":null}';
      const isNoName = method === 'DELETE' && status === 204 && /^[a-z]+$/.test(each); // the parts in memory know no names
      expect({ method, path, isFine: isEmpty || isNoName || status === 400 || status === 404 }).toEqual({ method, path, isFine: true });
    }
  }
  expect((await api.ask('GET', '/api/v1/findings', { token })).json).toMatchObject({ items: [{ id: 'f1' }] });
});
