// The watch over an agent's worker: it ends the process when jobs wait untaken, and never because service or Redis are away.
import { setTimeout as sleep } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { Queue } from 'bullmq';
import { expect, it } from 'vitest';
import { OrderQueue } from '../../src/agent/order-queue.ts';
import { agentAclCommand, agentRedisUser } from '../../src/core/agent-redis-user.ts';
import { agentQueueName } from '../../src/core/agent-messages.ts';
import { monoMs } from '../../src/io/clock.ts';
import { eventually } from '../support/eventually.ts';
import { aFreePort } from '../support/a-free-port.ts';
import { RedisProcess } from './a-redis.ts';
import { AGENT } from './a-service.ts';

function aQueue(place: string, log: string[] = []): OrderQueue {
  return new OrderQueue({
    agent: AGENT,
    redis: { place, ca: null },
    onOrder: ({ order }) => ({ serial: order.length, isNew: true }),
    now: monoMs,
    log: (line) => log.push(line),
    patienceMs: 400,
  });
}

it('goes on for as long as jobs are taken, with none to take, and while Redis is away', async () => {
  await using redis = await RedisProcess.start();
  const log: string[] = [];
  await using orders = aQueue(`unix:${redis.path}`, log);
  const stop = new AbortController();
  const watching = orders.watch(stop.signal);
  await eventually(() => {
    expect(log).toEqual(['Redis answers']);
  });
  await redis.kill();
  await eventually(() => {
    expect(log.at(-1)).toContain('probing goes on');
  });
  await redis.again();
  await eventually(() => {
    expect(log.at(-1)).toBe('Redis answers');
  });
  const queue = new Queue(agentQueueName(AGENT), { connection: { path: redis.path } });
  queue.on('error', () => undefined);
  const job = await queue.add('assign', { order: 'four', signature: '' });
  await eventually(async () => {
    expect(await job.getState()).toBe('completed');
  });
  await queue.close();
  stop.abort();
  await watching;
});

it('ends when jobs wait that its worker does not take', async () => {
  await using redis = await RedisProcess.start();
  using admin = redis.client();
  await using orders = aQueue(`unix:${redis.path}`);
  const watching = orders.watch(new AbortController().signal);
  // Put there behind BullMQ's back: no marker wakes the worker, as when the connection it waits on is dead.
  const feeding = setInterval(() => void admin.redis.lpush(`bull:${agentQueueName(AGENT)}:wait`, 'unseen'), 20);
  await expect(
    watching.finally(() => {
      clearInterval(feeding);
    }),
  ).rejects.toThrow(/no longer works: \d+ jobs wait in Redis/);
});

it('keeps nothing of the looks that it took', async () => {
  await using redis = await RedisProcess.start();
  await using orders = new OrderQueue({
    agent: AGENT,
    redis: { place: `unix:${redis.path}`, ca: null },
    onOrder: () => ({ serial: 0, isNew: false }),
    now: monoMs,
    log: () => undefined,
    patienceMs: 4,
  });
  const stop = new AbortController();
  const watching = orders.watch(stop.signal);
  await sleep(300);
  const before = queryObjects(Promise, { format: 'count' });
  await sleep(1_500);
  expect(queryObjects(Promise, { format: 'count' }) - before).toBeLessThan(100);
  stop.abort();
  await watching;
});

it('works as the user that the service makes for it, over TCP with a password', async () => {
  const port = await aFreePort();
  await using redis = await RedisProcess.start(['--port', String(port), '--bind', '127.0.0.1']);
  using admin = redis.client();
  const [command, ...words] = agentAclCommand(AGENT, 'a-password');
  await admin.redis.call(command, ...words);
  await using orders = aQueue(`redis://${agentRedisUser(AGENT)}:a-password@127.0.0.1:${String(port)}`);
  const stop = new AbortController();
  const watching = orders.watch(stop.signal);
  const queue = new Queue(agentQueueName(AGENT), { connection: { path: redis.path } });
  queue.on('error', () => undefined);
  const job = await queue.add('canary', {});
  await eventually(async () => {
    expect(await job.getState()).toBe('completed');
  });
  await queue.close();
  stop.abort();
  await watching;
  expect(await admin.redis.call('ACL', 'LOG')).toEqual([]);
});
