import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forwardSocket } from '../../src/io/forwarded-socket.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-door-'));
const path = join(folder, 'kube.sock');
let server: Server;
let port = 0;

/** Answers what it was told, backwards, once the other side has said all. */
beforeAll(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    const said: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => said.push(chunk));
    socket.on('end', () => socket.end(Buffer.concat(said).reverse()));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const dial = (to = port) => connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });

async function say(text: string): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true });
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
  socket.end(text);
  await once(socket, 'close');
  return answer;
}

test('what comes in goes out byte for byte, both ways, for its owner alone; one that has said all still hears', async () => {
  await using _door = await forwardSocket(path, () => dial());
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const long = 'ab'.repeat(500_000);
  expect(await Promise.all(['abc', long, ''].map(say))).toEqual(['cba', 'ba'.repeat(500_000), '']);
});

test('a server that is away ends the connection, not the door; and a door that was left by a killed process is made anew', async () => {
  const closed = createServer();
  closed.listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const nobody = (closed.address() as AddressInfo).port;
  closed.close();
  await once(closed, 'close');
  {
    await using _door = await forwardSocket(path, () => dial(nobody));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const socket = connect(path);
      socket.on('error', () => undefined);
      await once(socket, 'close');
    }
  }
  await using _again = await forwardSocket(path, () => dial());
  expect(await say('xyz')).toBe('zyx');
});

test('closing the door ends who is still connected', async () => {
  const door = await forwardSocket(path, () => dial());
  const socket = connect(path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  await door[Symbol.asyncDispose]();
  socket.resume();
  await closed;
});
