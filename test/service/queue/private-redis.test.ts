import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identityOf } from '../../../src/io/process-identity.ts';
import { concernsOf, connectRedis } from '../../../src/service/queue/redis-place.ts';
import { startPrivateRedis } from '../../../src/service/queue/private-redis.ts';
import { aRedis } from '../../support/a-redis.ts';
import { eventually } from '../../support/eventually.ts';

test('it keeps what it is given, evicts nothing and is for its own user alone', async () => {
  await using server = await aRedis();
  using client = disposable(server.redis.place);
  await eventually(() => client.redis.ping());
  expect(await concernsOf(client.redis)).toEqual([]);
  expect(statSync(join(server.folder, 'redis.sock')).mode & 0o777).toBe(0o600);
});

test('killed, it is started again and has not forgotten', async () => {
  await using server = await aRedis();
  using client = disposable(server.redis.place);
  await eventually(() => client.redis.set('kept', 'yes'));
  await eventually(async () => {
    expect((await client.redis.info('persistence')).includes('aof_pending_bio_fsync:0')).toBe(true);
  });
  await server.kill();
  await eventually(async () => {
    expect(await client.redis.get('kept')).toBe('yes');
  });
  expect(server.logged.join('\n')).toMatch(/died; it is started again/);
});

test('it is gone with its scope, and its socket too', async () => {
  let pid: number | null;
  let socket: string;
  {
    await using server = await aRedis();
    pid = server.redis.pid();
    socket = join(server.folder, 'redis.sock');
  }
  expect(identityOf(pid ?? 0)).toBeNull();
  expect(existsSync(socket)).toBe(false);
});

test.each(['with its pid file', 'without a pid file'])('one of an earlier life is ended before the next begins, %s', async (how) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'));
  mkdirSync(join(folder, 'redis'));
  const socket = join(folder, 'redis.sock');
  const place = ['--port', '0', '--unixsocket', socket, '--dir', join(folder, 'redis'), '--appendonly', 'yes'];
  const pidFile = how.startsWith('with ') ? ['--pidfile', join(folder, 'redis', 'redis.pid')] : [];
  const earlier = spawn('redis-server', [...place, ...pidFile], { detached: true, stdio: 'ignore' });
  const exit = once(earlier, 'exit');
  {
    using client = disposable({ path: socket });
    await eventually(() => client.redis.set('kept', 'yes'));
  }
  await using server = await startPrivateRedis({ folder, log: () => undefined, signal: AbortSignal.timeout(30_000) });
  await exit;
  using client = disposable(server.place);
  expect(await eventually(() => client.redis.get('kept'))).toBe('yes');
  expect(server.pid()).not.toBe(earlier.pid);
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test('a folder whose path is too long for a socket is refused with what to do', async () => {
  const folder = join(tmpdir(), 'x'.repeat(100));
  await expect(startPrivateRedis({ folder, log: () => undefined, signal: AbortSignal.timeout(5_000) })).rejects.toMatchObject({
    code: 'REDIS',
    remedy: expect.stringContaining('shorter') as string,
  });
});

test('without redis-server it says what to install', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'));
  const path = process.env.PATH;
  process.env.PATH = folder;
  try {
    await expect(startPrivateRedis({ folder, log: () => undefined, signal: AbortSignal.timeout(5_000) })).rejects.toMatchObject({
      code: 'COMMAND_MISSING',
      remedy: expect.stringContaining('redis-server') as string,
    });
  } finally {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  }
});

test('an append-only file that Redis cannot read is told with what Redis says of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'));
  mkdirSync(join(folder, 'redis', 'appendonlydir', 'appendonly.aof.manifest'), { recursive: true });
  await expect(startPrivateRedis({ folder, log: () => undefined, signal: AbortSignal.timeout(15_000) })).rejects.toMatchObject({
    code: 'REDIS',
    message: expect.stringContaining('manifest') as string,
  });
  rmSync(folder, { recursive: true });
});

function disposable(place: { path: string } | { url: string }) {
  const redis = connectRedis(place, 'asking');
  return {
    redis,
    [Symbol.dispose]: () => {
      redis.disconnect();
    },
  };
}
