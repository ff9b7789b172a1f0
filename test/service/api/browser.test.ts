import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type AnApi, anApi, NOW_MS } from './an-api.ts';

async function signIn(api: AnApi, token = api.tokens.operator): Promise<{ cookie: string; csrf: string; header: string }> {
  const answer = await api.ask('POST', '/api/v1/session', { body: { token } });
  expect(answer.status).toBe(204);
  const header = String(answer.headers['set-cookie']);
  const cookie = header.split(';', 1)[0] ?? '';
  const { json } = await api.ask('GET', '/api/v1/me', { cookie });
  return { cookie, header, csrf: (json as { csrf: string }).csrf };
}

const PUT_PERIOD = { name: 'p', kind: 'freeze', from: '2026-11-22T20:00:00Z', until: '2026-11-22T21:00:00Z' };

test('a session is a cookie that no script reads and no other site sends, for half a day', async () => {
  await using api = await anApi();
  const { cookie, header, csrf } = await signIn(api);
  expect(header).toMatch(/^holdfast=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(csrf).toMatch(/^[\w-]{32}$/);
  const stored = await api.store.selectFrom('browser_sessions').selectAll().execute();
  expect(JSON.stringify(stored)).not.toContain(cookie.slice('holdfast='.length));
  api.clock.now = NOW_MS + 12 * 3_600_000;
  expect(await api.ask('GET', '/api/v1/me', { cookie })).toMatchObject({ status: 401, json: { code: 'UNAUTHENTICATED' } });
});

test('what changes something needs the second secret as well, and that of this session', async () => {
  await using api = await anApi();
  const mine = await signIn(api);
  const theirs = await signIn(api);
  const put = (headers: Record<string, string>) => api.ask('PUT', '/api/v1/periods/p', { cookie: mine.cookie, body: PUT_PERIOD, headers });
  expect(await put({})).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
  expect((await put({ 'x-csrf-token': theirs.csrf })).status).toBe(403);
  expect((await put({ 'x-csrf-token': mine.csrf, origin: 'http://evil.example' })).status).toBe(403);
  expect((await put({ 'x-csrf-token': mine.csrf, origin: 'null' })).status).toBe(403);
  expect((await put({ 'x-csrf-token': mine.csrf, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect(api.acts).toEqual([]);
  expect((await put({ 'x-csrf-token': mine.csrf, origin: api.base })).status).toBe(204);
  expect(api.acts).toMatchObject([['putPeriod', PUT_PERIOD, 'api']]);
});

test('a session ends when its browser says so, and all of a token with the token', async () => {
  await using api = await anApi();
  const [one, two] = [await signIn(api), await signIn(api)];
  const out = await api.ask('DELETE', '/api/v1/session', { cookie: one.cookie, headers: { 'x-csrf-token': one.csrf } });
  expect(out.status).toBe(204);
  expect(String(out.headers['set-cookie'])).toContain('Expires=Thu, 01 Jan 1970');
  expect((await api.ask('GET', '/api/v1/me', { cookie: one.cookie })).status).toBe(401);
  expect((await api.ask('GET', '/api/v1/me', { cookie: two.cookie })).status).toBe(200);
  const { id } = await api.store.selectFrom('tokens').select('id').where('role', '=', 'operator').executeTakeFirstOrThrow();
  expect((await api.ask('DELETE', `/api/v1/tokens/${id}`, { token: api.tokens.admin })).status).toBe(204);
  expect((await api.ask('GET', '/api/v1/me', { cookie: two.cookie })).status).toBe(401);
  expect((await api.ask('GET', '/api/v1/me', { token: api.tokens.operator })).status).toBe(401);
});

test('an agent’s token opens no session, and a stale cookie does not keep anybody from signing in', async () => {
  await using api = await anApi();
  expect((await api.ask('POST', '/api/v1/session', { body: { token: api.tokens.agent } })).status).toBe(403);
  const { cookie } = await signIn(api);
  expect((await api.ask('POST', '/api/v1/session', { cookie, body: { token: api.tokens.viewer } })).status).toBe(204);
  expect((await api.ask('POST', '/api/v1/session', { cookie: 'holdfast=old', body: { token: api.tokens.viewer } })).status).toBe(204);
});

test('a name that is none of ours is refused: a page elsewhere may have given it our address', async () => {
  await using api = await anApi({ file: { listen: { names: ['holdfast.example.net'] } } });
  const status = async (host: string) => (await api.ask('GET', '/healthz', { headers: { host } })).status;
  expect(await status('rebound.evil.example')).toBe(403);
  expect(await status(`localhost.evil.example:${String(api.port)}`)).toBe(403);
  for (const host of ['localhost', 'LOCALHOST:7600', '127.0.0.1:1', '[::1]:7600', '192.0.2.7', 'holdfast.example.net']) {
    expect({ host, status: await status(host) }).toEqual({ host, status: 200 });
  }
});

test('the page is served with a policy that lets nothing in from elsewhere, and says so when it is not built', async () => {
  await using api = await anApi();
  expect(await api.ask('GET', '/')).toMatchObject({ status: 409, json: { remedy: 'npm run page' } });
  mkdirSync(join(api.folder, 'ui/assets'), { recursive: true });
  writeFileSync(join(api.folder, 'ui/index.html'), '<!doctype html><title>Holdfast</title>');
  writeFileSync(join(api.folder, 'ui/assets/page-1a2b.js'), 'void 0;');
  writeFileSync(join(api.folder, 'secret.txt'), 'secret');
  const page = await api.ask('GET', '/');
  expect(page).toMatchObject({ status: 200, text: '<!doctype html><title>Holdfast</title>' });
  const policy = String(page.headers['content-security-policy']);
  expect(policy.split('; ')).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]));
  expect(policy).not.toMatch(/unsafe|\*|http/);
  expect(page.headers['x-content-type-options']).toBe('nosniff');
  expect(await api.ask('GET', '/assets/page-1a2b.js')).toMatchObject({ status: 200, text: 'void 0;' });
  for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/assets/..%2f..%2fsecret.txt', '/assets/%00', '/.env', '/assets/']) {
    const { status, text } = await api.ask('GET', path);
    expect({ path, isRefused: status === 404 || status === 403 || status === 400, text: text.includes('secret\n') }).toEqual({
      ...{ path, isRefused: true, text: false },
    });
  }
});
