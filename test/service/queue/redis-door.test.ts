import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectToRedis } from '../../../src/agent/redis-connection.ts';
import { openRedisDoor } from '../../../src/service/queue/redis-door.ts';
import { aFreePort } from '../../support/a-free-port.ts';

// A Redis of one's own: by TCP, with a user whose password has every sign that a URL must escape, and a database of its own.
const PASSWORD = 'p@ss/w:rd?#%';
let folder: string;
let port: number;
let redis: ChildProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hf door-'));
  port = await aFreePort();
  const user = ['--user', 'agent', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', '--user', 'default', 'off'];
  redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...user], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const text of redis.stdout ?? []) {
    said += String(text);
    if (said.includes('Ready to accept connections')) break;
  }
  redis.stdout?.resume();
  expect(said).toContain('Ready to accept connections');
});

afterAll(async () => {
  const exit = once(redis, 'exit');
  if (redis.kill('SIGKILL')) await exit;
  rmSync(folder, { recursive: true, force: true });
});

const url = () => `redis://agent:${encodeURIComponent(PASSWORD)}@127.0.0.1:${String(port)}/3`;

test('an agent that sees no address of the Redis reaches it by the socket, as the same user, in the same database', async () => {
  const path = join(folder, 'door.sock');
  await using door = await openRedisDoor(url(), path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const inside = connectToRedis({ place: door.place, ca: null }, 'worker');
  const outside = connectToRedis({ place: url(), ca: null }, 'worker');
  try {
    await inside.set('what', 'x'.repeat(200_000));
    expect(await outside.get('what')).toHaveLength(200_000);
    expect(await inside.acl('WHOAMI')).toBe('agent');
  } finally {
    inside.disconnect();
    outside.disconnect();
  }
});

test('once the door is closed nobody comes in, and a connection that was open ends', async () => {
  const door = await openRedisDoor(url(), join(folder, 'door.sock'));
  const client = connectToRedis({ place: door.place, ca: null }, 'asking');
  await once(client, 'ready');
  const closed = once(client, 'close');
  await door[Symbol.asyncDispose]();
  await closed;
  await expect(client.get('what')).rejects.toThrow();
  client.disconnect();
});

test('what is no URL is refused without being repeated: it may hold a password', async () => {
  await expect(openRedisDoor('secret:word@nowhere:port', join(folder, 'door.sock'))).rejects.not.toThrow(/secret|word/);
});
