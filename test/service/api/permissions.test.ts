import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeclaredRoute, Permission } from '../../../src/service/api/permissions.ts';
import { buildApi } from '../../../src/service/api/open-api.ts';
import { createToken, revokeToken } from '../../../src/service/api/tokens.ts';
import { openApiText } from '../../../src/service/api/describe-api.ts';
import { type AnApi, anApi, NOW_MS, type Question } from './an-api.ts';
import { apiParts } from './api-parts.ts';

const PLENTY = 1_000_000;
const IDENTITIES = [
  'nobody',
  'garbage',
  'revoked',
  'viewer',
  'operator',
  'admin',
  'agent',
  'keeper',
  'cookie',
  'cookie without csrf',
] as const;
type Who = (typeof IDENTITIES)[number];

/** Who must get through; the whole truth about permissions, said a second time. */
const MAY: Readonly<Record<Permission, readonly Who[]>> = {
  public: IDENTITIES,
  hook: [],
  any: ['viewer', 'operator', 'admin', 'agent', 'keeper', 'cookie'],
  viewer: ['viewer', 'operator', 'admin', 'cookie'],
  operator: ['operator', 'admin', 'cookie'],
  admin: ['admin', 'cookie'],
  agent: ['agent'],
  keeper: ['keeper'],
  'viewer-or-socket': ['viewer', 'operator', 'admin', 'cookie'],
};

let api: AnApi;
let questions: Record<Who, Question>;

beforeAll(async () => {
  api = await anApi({
    limits: {
      strangerPerMinute: PLENTY,
      wrongTokensPerMinute: PLENTY,
      callerPerMinute: PLENTY,
      agentPerMinute: PLENTY,
      streamsPerCaller: 50,
    },
  });
  const revoked = await createToken(api.store, { name: 'old', role: 'admin', nowMs: NOW_MS });
  await revokeToken(api.store, revoked.id, NOW_MS);
  questions = {
    nobody: {},
    garbage: { token: `hf_0123456789abcdef_${'x'.repeat(43)}` },
    revoked: { token: revoked.token },
    ...{ viewer: { token: api.tokens.viewer }, operator: { token: api.tokens.operator }, admin: { token: api.tokens.admin } },
    agent: { token: api.tokens.agent },
    keeper: { token: api.tokens.keeper },
    cookie: {},
    'cookie without csrf': {},
  };
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

/** A session of its own for each request: one of the routes ends it. */
async function questionOf(who: Who): Promise<Question> {
  if (!who.startsWith('cookie')) return questions[who];
  const { headers } = await api.ask('POST', '/api/v1/session', { body: { token: api.tokens.admin } });
  const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? '';
  if (who === 'cookie without csrf') return { cookie };
  const { json } = await api.ask('GET', '/api/v1/me', { cookie });
  return { cookie, headers: { 'x-csrf-token': (json as { csrf: string }).csrf } };
}

function pathOf({ url }: DeclaredRoute): string {
  return url.replace(':file', 'report.json').replace(':environment', 'nowhere').replace(/:\w+/, 'nothing-like-it').replace('*', 'nothing');
}

test('the API has routes, and each says who may use it', () => {
  expect(api.app.declaredRoutes.length).toBeGreaterThan(45);
});

describe.each(IDENTITIES)('%s', (who) => {
  test('gets through exactly where the route says so', async () => {
    const wrong: unknown[] = [];
    for (const route of api.app.declaredRoutes) {
      const { status } = await api.ask(route.method, pathOf(route), await questionOf(who));
      const isReading = route.method === 'GET';
      const isForged = who === 'cookie without csrf' && !isReading && route.permission !== 'public';
      const may =
        (who === 'cookie without csrf' && isReading ? MAY[route.permission].includes('cookie') : MAY[route.permission].includes(who)) &&
        !isForged;
      const isKnown = !['nobody', 'garbage', 'revoked'].includes(who);
      const expected = may ? 'through' : isKnown && route.permission !== 'hook' ? 403 : 401;
      const got = status === 401 || status === 403 ? status : 'through';
      if (got !== expected) wrong.push({ route, status, expected });
    }
    expect(wrong).toEqual([]);
  });
});

test('a route that declares no permission stops the start-up', async () => {
  await using parts = await apiParts();
  const start = buildApi(parts.api, (app) => {
    app.get('/planted', () => 'open to everybody by mistake');
  });
  await expect(start).rejects.toThrow('GET /planted declares no permission');
});

test('the document of the API has every route but the page and itself', async () => {
  const document = JSON.parse(await openApiText()) as { openapi: string; paths: Record<string, object> };
  const described = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  const declared = api.app.declaredRoutes
    .filter(({ url }) => !['/', '/*', '/api/v1/openapi.json'].includes(url))
    .map(({ method, url }) => `${method.toLowerCase()} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(document.openapi).toBe('3.1.0');
  expect(described.sort()).toEqual(declared.sort());
});

test('the document in deploy/schemas is that of the code (npm run schemas writes it)', async () => {
  expect(readFileSync('deploy/schemas/openapi.json', 'utf8')).toBe(await openApiText());
});

test('whatever changes something needs an operator at least, but for sessions, agents’ own messages and hooks', () => {
  const weak = api.app.declaredRoutes.filter(
    ({ method, permission }) => method !== 'GET' && permission !== 'operator' && permission !== 'admin',
  );
  expect(weak.map(({ method, url, permission }) => `${method} ${url} ${permission}`).sort()).toEqual([
    'DELETE /api/v1/session any',
    'POST /api/v1/agent/chunks agent',
    'POST /api/v1/agent/state agent',
    'POST /api/v1/session public',
    'POST /hooks/:name hook',
  ]);
  const open = api.app.declaredRoutes.filter(({ method, permission }) => method === 'GET' && permission === 'public');
  expect(open.map(({ url }) => url).sort()).toEqual(['/', '/*', '/api/v1/openapi.json', '/healthz', '/readyz']);
});
