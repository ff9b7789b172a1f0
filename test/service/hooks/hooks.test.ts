import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { alertKey } from '../../../src/service/hooks/alertmanager-payload.ts';
import { verifyCall } from '../../../src/service/hooks/signed-call.ts';
import { type AnApi, anApi, NOW_MS } from '../api/an-api.ts';

const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
const TOKEN = 'alertmanager-token-0123456789';
const FILE = {
  hooks: [
    { name: 'deploys', kind: 'generic', secret: SECRET, scenarios: ['quiet', 'drop'], environment: 'lab', coolDown: '1m' },
    { name: 'brave', kind: 'generic', secret: SECRET, scenarios: ['drop'], environment: 'lab', allowFaults: true, coolDown: '0s' },
    { name: 'prod-alerts', kind: 'alertmanager', token: TOKEN, scenarios: ['quiet'], environment: 'lab' },
  ],
};

type Call = { id?: string; atMs?: number; secret?: string; hook?: string; body?: unknown; text?: string; sent?: string };

function call(api: AnApi, { id = 'msg-1', atMs = api.clock.now, secret = SECRET, hook = 'deploys', body = {}, sent }: Call = {}) {
  const text = JSON.stringify(body);
  const at = new Date(atMs);
  return api.ask('POST', `/hooks/${hook}`, {
    text: sent ?? text,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret).sign(id, at, text),
    },
  });
}

const calls = (api: AnApi) => api.store.selectFrom('hook_calls').select(['hook', 'outcome', 'run_id']).execute();

test('a signed call starts an allowed scenario, and says which run it is', async () => {
  await using api = await anApi({ file: FILE });
  const { status, json } = await call(api, { body: { scenario: 'quiet', seed: 7 } });
  expect(status).toBe(202);
  const { runId } = json as { runId: string };
  expect(json).toEqual({ outcome: 'started', why: 'started quiet', runId });
  expect(api.wishes).toEqual([
    { id: runId, scenario: 'quiet', environment: 'lab', seed: 7, trigger: 'hook deploys', overlap: 'wait', dueMs: NOW_MS },
  ]);
  expect(await calls(api)).toEqual([{ hook: 'deploys', outcome: 'started', run_id: runId }]);
});

test('a call that is forged, changed, late, early or of an unknown hook is refused in the same way, and leaves no trace', async () => {
  await using api = await anApi({ file: FILE });
  const other = `whsec_${Buffer.from('another secret of the same length').toString('base64')}`;
  const minutes = 60_000;
  const answers = [
    await call(api, { secret: other }),
    await call(api, { sent: '{"scenario":"drop"}' }),
    await call(api, { atMs: NOW_MS - 6 * minutes }),
    await call(api, { atMs: NOW_MS + 6 * minutes }),
    await call(api, { hook: 'nothing-like-it' }),
    await call(api, { hook: 'prod-alerts' }),
    await api.ask('POST', '/hooks/deploys', { body: {} }),
    await api.ask('POST', '/hooks/deploys', { body: {}, token: api.tokens.admin }),
  ];
  expect(answers.map(({ status, json }) => [status, (json as { code: string }).code])).toEqual(answers.map(() => [401, 'UNAUTHENTICATED']));
  expect(api.wishes).toEqual([]);
  expect(await calls(api)).toEqual([]);
});

test('a replayed call is refused, also by another name for its time', async () => {
  await using api = await anApi({ file: FILE });
  expect((await call(api)).status).toBe(202);
  expect(await call(api)).toMatchObject({ status: 409, json: { code: 'CONFLICT' } });
  api.clock.now += 120_000;
  expect((await call(api)).status).toBe(409);
  expect(api.wishes).toHaveLength(1);
});

test('the same call twice at once is one run', async () => {
  await using api = await anApi({ file: FILE });
  const statuses = (await Promise.all([call(api), call(api), call(api)])).map(({ status }) => status);
  expect(statuses.sort()).toEqual([202, 409, 409]);
  expect(new Set(api.wishes.map(({ id }) => id)).size).toBe(1);
});

test('faults and foreign scenarios need to be allowed, and the refusal is kept', async () => {
  await using api = await anApi({ file: FILE });
  expect(await call(api, { id: 'a', body: { scenario: 'drop' } })).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
  expect((await call(api, { id: 'b', body: { scenario: 'other' } })).status).toBe(403);
  expect((await call(api, { id: 'c', body: { scenario: 'quiet', surplus: 1 } })).status).toBe(400);
  expect((await call(api, { id: 'd', hook: 'brave', body: {} })).status).toBe(202);
  expect(api.wishes.map(({ scenario, trigger }) => [scenario, trigger])).toEqual([['drop', 'hook brave']]);
  expect((await calls(api)).map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'started']);
});

test('between two starts there is a pause', async () => {
  await using api = await anApi({ file: FILE });
  await call(api, { id: 'a' });
  api.clock.now += 59_000;
  expect(await call(api, { id: 'b' })).toMatchObject({ status: 200, json: { outcome: 'cooling', runId: null } });
  api.clock.now += 2_000;
  expect((await call(api, { id: 'c' })).status).toBe(202);
  expect(api.wishes).toHaveLength(2);
});

test('a body without bound is cut off before its signature is looked at', async () => {
  await using api = await anApi({ file: FILE });
  expect(await call(api, { body: { scenario: 'x'.repeat(600_000) } })).toMatchObject({ status: 413, json: { code: 'TOO_LARGE' } });
});

const anAlert = (more: object = {}) => ({
  ...{
    status: 'firing',
    labels: { alertname: 'TargetDown' },
    annotations: {},
    startsAt: '2026-11-22T12:00:00Z',
    endsAt: '',
    fingerprint: 'f1',
  },
  ...more,
});

function fire(api: AnApi, alerts: object[], { token = TOKEN, hook = 'prod-alerts', version = '4' } = {}) {
  return api.ask('POST', `/hooks/${hook}`, {
    token,
    body: { version, groupKey: '{}:{alertname="TargetDown"}', status: 'firing', receiver: 'hf', alerts },
  });
}

test('an alert starts a fault-free scenario once, however often it is repeated', async () => {
  await using api = await anApi({ file: FILE });
  const first = await fire(api, [anAlert(), anAlert({ fingerprint: 'f2' })]);
  expect(first).toMatchObject({ status: 202, json: { outcomes: [{ fingerprint: 'f1', outcome: 'started' }, { outcome: 'started' }] } });
  api.clock.now += 3_600_000;
  expect(await fire(api, [anAlert()])).toMatchObject({ status: 200, json: { outcomes: [{ outcome: 'duplicate', runId: null }] } });
  // A new turn of the same alert is news.
  expect((await fire(api, [anAlert({ startsAt: '2026-11-22T13:00:00Z' })])).status).toBe(202);
  expect(api.wishes).toHaveLength(2);
  expect(api.wishes[0]).toMatchObject({ scenario: 'quiet', trigger: 'hook prod-alerts' });
});

test('while something runs, alerts annotate it and start nothing', async () => {
  await using api = await anApi({ file: FILE, running: ['r1', 'r2'] });
  const labels = { alertname: 'Bad\u202eName\n', instance: 'a:9100' };
  const { json } = await fire(api, [anAlert({ labels }), anAlert({ status: 'resolved', fingerprint: 'f2' })]);
  expect(json).toMatchObject({ outcomes: [{ outcome: 'annotated', runId: 'r1' }, { outcome: 'annotated' }] });
  expect(api.acts).toEqual([['annotate', 'lab', 'alert Bad\ufffdName\ufffd (instance a:9100) fired; alert TargetDown resolved']]);
  expect(api.wishes).toEqual([]);
});

test('what Holdfast itself sent never starts anything, and what is resolved starts nothing either', async () => {
  await using api = await anApi({ file: FILE });
  const own = anAlert({ labels: { alertname: 'HoldfastPathDead', source: 'holdfast' } });
  expect(await fire(api, [own])).toMatchObject({ status: 200, json: { outcomes: [{ outcome: 'ignored' }] } });
  expect(await fire(api, [anAlert({ status: 'resolved', fingerprint: 'f3' })])).toMatchObject({
    json: { outcomes: [{ outcome: 'ignored' }] },
  });
  expect(api.wishes).toEqual([]);
  expect(api.acts.flat()).not.toContain('HoldfastPathDead');
});

test('Alertmanager’s hook wants its token and its version, and is found by its kind where it is the only one', async () => {
  await using api = await anApi({ file: FILE });
  expect((await fire(api, [anAlert()], { token: 'wrong' })).status).toBe(401);
  expect(await fire(api, [anAlert()], { version: '5' })).toMatchObject({ status: 400, json: { mistakes: [{ path: 'body.version' }] } });
  expect((await fire(api, [anAlert()], { hook: 'alertmanager' })).status).toBe(202);
});

test('no change to a signed call passes', () => {
  const nowMs = NOW_MS;
  const headersOf = (id: string, text: string) => ({
    ...{ 'webhook-id': id, 'webhook-timestamp': String(nowMs / 1_000) },
    'webhook-signature': `v2,x ${new Webhook(SECRET).sign(id, new Date(nowMs), text)}`,
  });
  fc.assert(
    fc.property(fc.json(), fc.stringMatching(/^[\w.:-]{1,40}$/), fc.nat(), fc.integer({ min: 1, max: 255 }), (body, id, at, flip) => {
      const headers = headersOf(id, body);
      expect(verifyCall(SECRET, { body, headers, nowMs })).toEqual({ id });
      const index = at % body.length;
      const changed = body.slice(0, index) + String.fromCharCode(body.charCodeAt(index) ^ flip) + body.slice(index + 1);
      expect(verifyCall(SECRET, { body: changed, headers, nowMs })).toHaveProperty('why');
      expect(verifyCall(SECRET, { body, headers: { ...headers, 'webhook-id': `${id}x` }, nowMs })).toHaveProperty('why');
      expect(verifyCall(SECRET, { body, headers: { ...headers, 'webhook-timestamp': String(nowMs / 1_000 + 1) }, nowMs })).toHaveProperty(
        'why',
      );
    }),
  );
});

test('the key of an alert’s turn depends on all of it and on nothing else', () => {
  const alert = { status: 'firing', labels: {}, startsAt: 'a', fingerprint: 'b' } as const;
  const keys = [
    alertKey('g', alert),
    alertKey('h', alert),
    alertKey('g', { ...alert, status: 'resolved' }),
    alertKey('g', { ...alert, startsAt: 'ab', fingerprint: '' }),
    alertKey('g', { ...alert, startsAt: '', fingerprint: 'ab' }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(alertKey('g', { ...alert, labels: { more: 'of them' } })).toBe(keys[0]);
});

test('what strangers ask or claim counts against no valid call; a hook’s own calls are counted', async () => {
  await using api = await anApi({ file: FILE, limits: { strangerPerMinute: 3, wrongTokensPerMinute: 3, hookPerMinute: 4 } });
  for (let asked = 0; asked < 6; asked += 1) {
    await api.ask('GET', '/healthz');
    await api.ask('POST', '/hooks/prod-alerts', { body: {}, token: 'wrong' });
  }
  expect((await api.ask('POST', '/hooks/prod-alerts', { body: {}, token: 'wrong' })).status).toBe(429);
  const statuses: number[] = [];
  for (let asked = 0; asked < 5; asked += 1) statuses.push((await call(api, { id: `msg-${String(asked)}` })).status);
  expect(statuses).toEqual([202, 200, 200, 200, 429]);
});
