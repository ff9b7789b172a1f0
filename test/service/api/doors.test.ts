import { spawn, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client } from 'undici';
import { expect, test } from 'vitest';
import { LIMITS } from '../../../src/service/api/limits.ts';
import { listenOn } from '../../../src/service/api/listen-on.ts';
import { eventually } from '../../support/eventually.ts';
import { type AnApi, anApi } from './an-api.ts';

/** A connection as anybody can open one; `said` is all that came back until its end. */
function dial(api: AnApi): { socket: Socket; said: Promise<string> } {
  const socket = connect(api.port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  socket.on('error', () => undefined); // a reset is an end too
  return {
    socket,
    said: new Promise((resolve) =>
      socket.once('close', () => {
        resolve(text);
      }),
    ),
  };
}

function aClient(...how: ConstructorParameters<typeof Client>): Client & AsyncDisposable {
  const client = new Client(...how);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.destroy() });
}

const HEAD = (api: AnApi, more = '') =>
  `POST /api/v1/session HTTP/1.1\r\nhost: 127.0.0.1:${String(api.port)}\r\ncontent-type: application/json\r\n${more}`;

test('a header that never ends is cut off', async () => {
  await using api = await anApi({ limits: { headersMs: 200, checkMs: 20 } });
  const { socket, said } = dial(api);
  socket.write('GET /healthz HTTP/1.1\r\nhost: loc');
  expect(await said).toMatch(/^HTTP\/1.1 408 .*"code":"BAD_INPUT"/s);
});

test('a body that trickles in is cut off, however alive its connection is', async () => {
  await using api = await anApi({ limits: { headersMs: 200, requestMs: 400, checkMs: 20 } });
  const { socket, said } = dial(api);
  socket.write(HEAD(api, 'content-length: 1000\r\n\r\n{"token":"'));
  const trickle = setInterval(() => socket.write('x'), 50);
  expect(await said).toMatch(/^HTTP\/1.1 408 /);
  clearInterval(trickle);
});

test('a connection on which nothing is said is closed', async () => {
  await using api = await anApi({ limits: { silenceMs: 200, headersMs: 60_000, requestMs: 60_000 } });
  expect(await dial(api).said).toBe('');
});

test('an idle connection between two requests is closed', async () => {
  await using api = await anApi({ limits: { keepAliveMs: 200 } });
  const { socket, said } = dial(api);
  socket.write(`GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  expect(await said).toMatch(/^HTTP\/1.1 200 .*ok\n$/s);
});

test('more connections than the service serves are not taken', async () => {
  await using api = await anApi({ limits: { connections: 3 } });
  const held = [dial(api), dial(api), dial(api)];
  for (const { socket } of held) {
    await eventually(() => {
      expect(socket.readyState).toBe('open');
    });
    socket.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
  }
  expect(await dial(api).said).toBe('');
  for (const { socket } of held) socket.destroy();
});

test('a connection ends after so many requests', async () => {
  await using api = await anApi({ limits: { requestsPerSocket: 2, keepAliveMs: 100 } });
  const { socket, said } = dial(api);
  socket.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(3));
  const text = await said;
  expect(text.match(/^HTTP\/1.1 200 /gm)).toHaveLength(2);
  expect(text).toMatch(/connection: close/i);
});

test('what is no HTTP, and a header without bound, are refused in the one form', async () => {
  await using api = await anApi();
  const noise = dial(api);
  noise.socket.write('hello?\r\n\r\n');
  expect(await noise.said).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json/s);
  const endless = dial(api);
  endless.socket.write(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`);
  expect(await endless.said).toMatch(/^HTTP\/1.1 431 /);
});

test('a body is small; only an agent’s chunk may be large', async () => {
  await using api = await anApi();
  const body = { token: 'x'.repeat(LIMITS.bodyBytes) };
  expect(await api.ask('POST', '/api/v1/session', { body })).toMatchObject({ status: 413, json: { code: 'TOO_LARGE', status: 413 } });
});

test('a length that is promised and not kept ends the request, not the service', async () => {
  await using api = await anApi();
  const { socket } = dial(api);
  socket.write(HEAD(api, 'content-length: 100\r\n\r\n{'));
  socket.end();
  expect(await api.ask('GET', '/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
});

test('a packed chunk is unpacked, and a bomb is cut off at the limit', async () => {
  await using api = await anApi({ limits: { chunkBytes: 200_000 } });
  const send = (text: Uint8Array) =>
    api.ask('POST', '/api/v1/agent/chunks', {
      ...{ token: api.tokens.agent, text },
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    });
  const chunk = { monitor: 'm', session: 's', stream: 'x', firstSeq: 4, clock: { offsetMs: 0, errMs: 0 }, events: [] };
  expect(await send(gzipSync(JSON.stringify(chunk)))).toMatchObject({ status: 200, json: { nextSeq: 4, isObsolete: false } });
  const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20, ' '));
  expect(bomb.length).toBeLessThan(200_000);
  expect(await send(bomb)).toMatchObject({ status: 413, json: { code: 'TOO_LARGE' } });
  expect(await send(Buffer.from('this is not packed'))).toMatchObject({ status: 400, json: { code: 'BAD_INPUT' } });
  expect(api.acts.filter(([act]) => act === 'takeChunk')).toHaveLength(1);
});

test('the Unix socket is its owner’s alone; a dead one is replaced, a living one is not', async () => {
  await using api = await anApi();
  expect(statSync(api.socket).mode & 0o777).toBe(0o600);
  await expect(listenOn(api.app, { path: api.socket })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  await expect(listenOn(api.app, { host: '127.0.0.1', port: api.port })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  const stale = join(api.folder, 'stale.sock');
  // A process that is killed leaves its socket behind.
  await killedListener(stale);
  await using _again = await listenOn(api.app, { path: stale });
  await using client = aClient('http://localhost', { socketPath: stale });
  expect((await client.request({ method: 'GET', path: '/healthz' })).statusCode).toBe(200);
});

async function killedListener(path: string): Promise<void> {
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
}

test('metrics are for a viewer, or for who may open the Unix socket', async () => {
  await using api = await anApi();
  await using client = aClient('http://localhost', { socketPath: api.socket });
  expect(await (await client.request({ method: 'GET', path: '/metrics' })).body.text()).toBe('holdfast_up 1\n');
  const other = await client.request({ method: 'GET', path: '/api/v1/overview' });
  expect(other.statusCode).toBe(401); // the socket is no identity
  await other.body.dump();
  expect((await api.ask('GET', '/metrics')).status).toBe(401);
  expect((await api.ask('GET', '/metrics', { token: api.tokens.viewer })).headers['content-type']).toMatch(/^text\/plain/);
});

test.skipIf(spawnSync('openssl', ['version']).status !== 0)('over TLS the session’s cookie is for TLS alone (needs openssl)', async () => {
  await using api = await anApi();
  const pem = selfSigned(api.folder);
  await using door = await listenOn(api.app, { host: '127.0.0.1', port: 0, tls: pem });
  await using client = aClient(`https://127.0.0.1:${String(door.port)}`, { connect: { rejectUnauthorized: false } });
  const { statusCode, headers } = await client.request({
    ...{ method: 'POST', path: '/api/v1/session', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ token: api.tokens.viewer }),
  });
  expect(statusCode).toBe(204);
  expect(headers['set-cookie']).toMatch(/^__Host-holdfast=.*; Path=\/; HttpOnly; Secure; SameSite=Strict/);
  await expect(listenOn(api.app, { host: '127.0.0.1', port: 0, tls: { cert: '/nonexistent', key: '/nonexistent' } })).rejects.toMatchObject(
    {
      code: 'FILE_UNREADABLE',
    },
  );
});

function selfSigned(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'];
  expect(spawnSync('openssl', args).status).toBe(0);
  return { cert, key };
}

test('a door that closes ends the streams that would never end', async () => {
  await using api = await anApi();
  const door = await listenOn(api.app, { host: '127.0.0.1', port: 0 });
  const socket = connect(door.port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${api.tokens.viewer}\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  await door[Symbol.asyncDispose]();
  await closed;
});
