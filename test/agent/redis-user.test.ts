// The Redis user of an agent: BullMQ's worker works with it, and it sees nothing of anybody else.
import { Queue, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { agentAclCommand, agentRedisUser } from '../../src/core/agent-redis-user.ts';
import { agentQueueName } from '../../src/core/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { RedisProcess } from './a-redis.ts';

const PASSWORD = 'a-password-for-tests';

/** A connection as the agent's user. */
function asAgent(redis: RedisProcess, agent: string): Redis {
  const client = new Redis({
    path: redis.path,
    username: agentRedisUser(agent),
    password: PASSWORD,
    maxRetriesPerRequest: null,
    disableClientInfo: true,
  });
  client.on('error', () => undefined);
  return client;
}

it('lets a worker take, fail, retry, delay, clean up and notice stalled jobs of its own queue without a single denial', async () => {
  await using redis = await RedisProcess.start();
  using admin = redis.client();
  const [command, ...words] = agentAclCommand('edge-1', PASSWORD);
  await admin.redis.call(command, ...words);
  await using opened = new AsyncDisposableStack();
  const queue = new Queue(agentQueueName('edge-1'), { connection: { path: redis.path } });
  opened.defer(() => queue.close());
  const connection = asAgent(redis, 'edge-1');
  opened.defer(() => {
    connection.disconnect();
  });
  let attempts = 0;
  const errors: Error[] = [];
  const worker = new Worker(
    agentQueueName('edge-1'),
    async (job) => {
      if (job.name === 'forged') throw new UnrecoverableError('no');
      if (job.name === 'twice') {
        attempts += 1;
        if (attempts === 1) throw new Error('once more');
      }
      await job.updateProgress(50);
      await job.log('taken');
      return { at: job.name };
    },
    // Renews its locks and looks for stalled jobs so often that both happen within the test.
    { connection, concurrency: 1, stalledInterval: 100, lockDuration: 200 },
  );
  worker.on('error', (error) => errors.push(error));
  opened.defer(() => worker.close(true));
  const keep = { removeOnComplete: { count: 2 }, removeOnFail: { count: 2 } };
  await queue.upsertJobScheduler('beat', { every: 200 }, { name: 'canary', opts: keep });
  await queue.addBulk([
    { name: 'assign', data: { order: 'x' }, opts: keep },
    { name: 'forged', data: {}, opts: keep },
    { name: 'twice', data: {}, opts: { attempts: 3, backoff: { type: 'fixed', delay: 50 } } },
    { name: 'later', data: {}, opts: { delay: 100, removeOnComplete: true } },
    { name: 'ranked', data: {}, opts: { priority: 3, removeOnComplete: { age: 1 } } },
  ]);
  await eventually(async () => {
    expect(attempts).toBe(2);
    expect(await queue.getJobCounts('wait', 'delayed', 'prioritized', 'active')).toMatchObject({ wait: 0, prioritized: 0, active: 0 });
    expect((await queue.getJobs(['completed'])).filter((job) => job.name === 'canary').length).toBe(2);
  });
  expect(errors).toEqual([]);
  expect(await admin.redis.call('ACL', 'LOG')).toEqual([]);
});

it('neither reads nor writes what is not its own, by no command and no script', async () => {
  await using redis = await RedisProcess.start();
  using admin = redis.client();
  const [command, ...words] = agentAclCommand('edge-1', PASSWORD);
  await admin.redis.call(command, ...words);
  const others = [
    'bull:holdfast-agent-edge-12:wait',
    'bull:holdfast-agent-edge-2:meta',
    'bull:runs:1',
    'secret',
    'bull:holdfast-agent-edge-1',
  ];
  await Promise.all(others.map((key) => admin.redis.set(key, 'theirs')));
  const agent = asAgent(redis, 'edge-1');
  try {
    for (const key of others) {
      await expect(agent.get(key)).rejects.toThrow(/NOPERM/);
      await expect(agent.set(key, 'mine')).rejects.toThrow(/NOPERM/);
      await expect(agent.del(key)).rejects.toThrow(/NOPERM/);
      await expect(agent.rename('bull:holdfast-agent-edge-1:x', key)).rejects.toThrow(/NOPERM/);
      await expect(agent.eval("return redis.call('GET', KEYS[1])", 1, key)).rejects.toThrow(/NOPERM|permission/);
      // A key that the script names by itself is checked as well.
      await expect(agent.eval(`return redis.call('SET', '${key}', 'mine')`, 0)).rejects.toThrow(/can't access/);
    }
    const forbidden: [string, ...string[]][] = [
      ['KEYS', '*'],
      ['SCAN', '0'],
      ['CONFIG', 'GET', '*'],
      ['ACL', 'LIST'],
      ['FLUSHALL'],
      ['CLIENT', 'LIST'],
      ['MONITOR'],
      ['PUBLISH', 'x', 'y'],
      ['SUBSCRIBE', 'x'],
      ['SELECT', '1'],
      ['SCRIPT', 'FLUSH'],
      ['SHUTDOWN'],
      ['REPLICAOF', 'NO', 'ONE'],
      ['RANDOMKEY'],
    ];
    for (const [name, ...args] of forbidden) await expect(agent.call(name, ...args), name).rejects.toThrow(/NOPERM/);
    expect(await Promise.all(others.map((key) => admin.redis.get(key)))).toEqual(others.map(() => 'theirs'));
    expect(await agent.set('bull:holdfast-agent-edge-1:x', 'mine')).toBe('OK');
  } finally {
    agent.disconnect();
  }
});

it('has no rights with another password, nor without one', async () => {
  await using redis = await RedisProcess.start();
  using admin = redis.client();
  const [command, ...words] = agentAclCommand('edge-1', PASSWORD);
  await admin.redis.call(command, ...words);
  await expect(admin.redis.call('AUTH', agentRedisUser('edge-1'), 'another')).rejects.toThrow(/WRONGPASS/);
});
