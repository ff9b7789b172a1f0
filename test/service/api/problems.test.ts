import { expect, test } from 'vitest';
import { problem } from '../../../src/core/api.ts';
import { buildApi } from '../../../src/service/api/open-api.ts';
import { LIMITS } from '../../../src/service/api/limits.ts';
import { type AnApi, anApi } from './an-api.ts';
import { apiParts } from './api-parts.ts';

test('every mistake of a body is told at once, with its place and the likely meaning', async () => {
  await using api = await anApi();
  const { status, headers, json } = await api.ask('PUT', '/api/v1/schedules/nightly', {
    token: api.tokens.operator,
    body: { name: 'nightly', scenario: 'Quiet Run', environment: 'lab', every: 5, surplus: 1 },
  });
  expect(status).toBe(400);
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  const { mistakes, code } = problem.parse(json);
  expect(code).toBe('BAD_INPUT');
  expect(mistakes?.map(({ path }) => path)).toEqual(['body.scenario', 'body.every', 'body']);
  expect(mistakes?.[0]).toEqual({
    path: 'body.scenario',
    expected: 'a name of lower-case letters, digits, "-" and ".", at most 63 long, did you mean quiet-run?',
    found: '"Quiet Run"',
  });
});

test('names that the service does not know are mistakes of the body', async () => {
  await using api = await anApi();
  const { json } = await api.ask('POST', '/api/v1/runs', { token: api.tokens.operator, body: { scenario: 'quite', environment: 'moon' } });
  expect(problem.parse(json).mistakes).toEqual([
    { path: 'body.scenario', expected: 'a scenario of this service, did you mean quiet?', found: '"quite"' },
    { path: 'body.environment', expected: 'an environment of this service', found: '"moon"' },
  ]);
});

test('a reference to the service’s own secrets is refused wherever it stands', async () => {
  await using api = await anApi();
  const body = { name: 'p', kind: 'freeze', from: '2026-11-22T20:00:00Z', until: '2026-11-22T21:00:00Z', note: '${env:HOME}' };
  const { status, json } = await api.ask('PUT', '/api/v1/periods/p', { token: api.tokens.operator, body });
  expect(status).toBe(400);
  expect(problem.parse(json).mistakes?.[0]?.path).toBe('body.note');
  expect(api.acts).toEqual([]);
});

test.each([
  ['GET', '/api/v1/nothing', 404, 'UNKNOWN_NAME'],
  ['POST', '/nothing', 404, 'UNKNOWN_NAME'],
  ['DELETE', '/api/v1/overview', 405, 'WRONG_METHOD'],
  ['PUT', '/api/v1/session', 405, 'WRONG_METHOD'],
  ['GET', '/%zz', 400, 'BAD_INPUT'],
  ['GET', '/api/v1/findings?limit=0', 400, 'BAD_INPUT'],
  ['GET', '/api/v1/findings?cursor=nonsense', 400, 'BAD_INPUT'],
  ['GET', '/api/v1/findings/none', 404, 'UNKNOWN_NAME'],
  ['GET', '/api/v1/monitors/NOT%20A%20NAME', 400, 'BAD_INPUT'],
])('%s %s is refused with %d %s in the one form', async (method, path, status, code) => {
  await using api = await anApi();
  const answer = await api.ask(method, path, { token: api.tokens.admin });
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(problem.parse(answer.json)).toMatchObject({ status, code });
  expect(answer.status).toBe(status);
  if (status === 405) expect(answer.headers.allow).toBeDefined();
});

test.each([
  ['no JSON', '{', 'application/json', 400],
  ['a form', 'token=x', 'application/x-www-form-urlencoded', 415],
  ['plain text, as another site may send it', '{"token":"x"}', 'text/plain', 415],
  ['a poisoned prototype', '{"__proto__":{"role":"admin"}}', 'application/json', 400],
])('a body that is %s is refused', async (_what, text, type, status) => {
  await using api = await anApi();
  const answer = await api.ask('POST', '/api/v1/session', { text, headers: { 'content-type': type } });
  expect(problem.parse(answer.json)).toMatchObject({ status, code: 'BAD_INPUT' });
});

test('a body nested thousands deep is a mistake of its sender, not of ours', async () => {
  await using api = await anApi();
  const headers = { 'content-type': 'application/json' };
  for (const text of ['['.repeat(30_000) + ']'.repeat(30_000), `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`]) {
    const answer = await api.ask('POST', '/api/v1/session', { text, headers });
    expect(problem.parse(answer.json)).toMatchObject({ status: 400, code: 'BAD_INPUT' });
  }
  expect(api.log).toEqual([]);
});

test('a mistake of our own tells the log everything and the caller nothing', async () => {
  const told: string[] = [];
  await using parts = await apiParts();
  const app = await buildApi({ ...parts.api, log: (line) => told.push(line) }, (more) => {
    more.get('/broken', { config: { permission: 'public' } }, () => {
      throw new Error('the password is 1234');
    });
  });
  const answer = await app.inject({ method: 'GET', url: '/broken', headers: { host: 'localhost' } });
  expect(problem.parse(answer.json())).toMatchObject({ status: 500, code: 'INTERNAL' });
  expect(answer.body).not.toContain('1234');
  expect(told.join('\n')).toContain('the password is 1234');
  await app.close();
});

test('who asks too often is told when to come back; a token has its own count', async () => {
  await using api = await anApi({ limits: { callerPerMinute: 3, strangerPerMinute: 4 } });
  const statuses = async (count: number, token?: string) => {
    const all: number[] = [];
    for (let asked = 0; asked < count; asked += 1)
      all.push((await api.ask('GET', '/healthz', token === undefined ? {} : { token })).status);
    return all;
  };
  expect(await statuses(5)).toEqual([200, 200, 200, 200, 429]);
  expect(await statuses(4, api.tokens.viewer)).toEqual([200, 200, 200, 429]);
  expect(await statuses(1, api.tokens.admin)).toEqual([200]);
  const late = await api.ask('GET', '/healthz');
  expect(problem.parse(late.json)).toMatchObject({ status: 429, code: 'TOO_OFTEN' });
  expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
});

test('behind a proxy that is trusted, those whom it names are counted, and nobody else’s claim is believed', async () => {
  const statusesOf = async (api: AnApi) => {
    const statuses: number[] = [];
    for (const from of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'])
      statuses.push((await api.ask('GET', '/healthz', { headers: { 'x-forwarded-for': from } })).status);
    return statuses;
  };
  await using open = await anApi({ limits: { strangerPerMinute: 2 }, file: { listen: { trustedProxies: ['127.0.0.0/8'] } } });
  expect(await statusesOf(open)).toEqual([200, 200, 429, 200]);
  await using closed = await anApi({ limits: { strangerPerMinute: 2 } });
  expect(await statusesOf(closed)).toEqual([200, 200, 429, 429]);
});

test('wrong tokens are counted more strictly, by header and by sign-in alike, and lock nobody out who has a right one', async () => {
  await using api = await anApi({ limits: { wrongTokensPerMinute: 3 } });
  const statuses: number[] = [];
  for (let guess = 0; guess < 3; guess += 1)
    statuses.push((await api.ask('GET', '/api/v1/me', { token: `guess-${String(guess)}` })).status);
  statuses.push((await api.ask('POST', '/api/v1/session', { body: { token: 'guess' } })).status);
  expect(statuses).toEqual([401, 401, 401, 429]);
  expect((await api.ask('GET', '/api/v1/me', { token: api.tokens.viewer })).status).toBe(200);
  expect(LIMITS.wrongTokensPerMinute).toBeLessThan(LIMITS.strangerPerMinute);
});
