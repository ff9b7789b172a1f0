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

test('a service that is killed leaves no Redis, and the next one finds all that was kept', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'));
  const script = `
    const { startPrivateRedis } = await import('./src/service/queue/private-redis.ts');
    const redis = await startPrivateRedis({ folder: '${folder}', log: () => {}, signal: AbortSignal.timeout(60_000) });
    process.stdout.write(String(redis.pid()));
    setInterval(() => {}, 1_000);`;
  const service = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [pid] = (await once(service.stdout, 'data')) as [Buffer];
  {
    using client = disposable({ path: join(folder, 'redis.sock') });
    await eventually(() => client.redis.set('kept', 'yes'));
  }
  const exit = once(service, 'exit');
  service.kill('SIGKILL');
  await exit;
  await using next = await startPrivateRedis({ folder, log: () => undefined, signal: AbortSignal.timeout(30_000) });
  await eventually(() => {
    expect(identityOf(Number(pid))).toBeNull();
  });
  using client = disposable(next.place);
  expect(await eventually(() => client.redis.get('kept'))).toBe('yes');
  await next[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test('a Redis of somebody else that may forget is told what to set', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'));
  const socket = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--maxmemory-policy', 'allkeys-lru'];
  const theirs = spawn('redis-server', args, { stdio: 'ignore' });
  const exit = once(theirs, 'exit');
  using client = disposable({ path: socket });
  await eventually(() => client.redis.ping());
  const concerns = await concernsOf(client.redis);
  theirs.kill('SIGKILL');
  await exit;
  rmSync(folder, { recursive: true });
  expect(concerns).toEqual([expect.stringContaining('set noeviction'), expect.stringContaining('set appendonly yes')]);
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
