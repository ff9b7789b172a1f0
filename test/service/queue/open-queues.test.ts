import { setTimeout } from 'node:timers/promises';
import { Worker } from 'bullmq';
import { expect, onTestFinished, test } from 'vitest';
import { agentQueueName, type SignedOrder } from '../../../src/core/agent-messages.ts';
import { openQueues, type Queues, type QueuesOptions } from '../../../src/service/queue/open-queues.ts';
import { connectRedis, type RedisPlace } from '../../../src/service/queue/redis-place.ts';
import { aRedis, SteppedClock, type TestRedis } from '../../support/a-redis.ts';
import { eventually } from '../../support/eventually.ts';

const TICKS = 'holdfast-ticks';

test('a canary comes back through the queue of ticks and through that of an agent that works', async () => {
  await using server = await aRedis();
  await using agent = anAgent('v1', server.redis.place);
  await using queues = await someQueues(server, { agents: () => ['v1', 'v2'] });
  await eventually(() => {
    const ages = Object.fromEntries(queues.canaryAges().map(({ queue, ageMs }) => [queue, ageMs !== null]));
    // Nobody works for v2.
    expect(ages).toEqual({ [TICKS]: true, [agentQueueName('v1')]: true, [agentQueueName('v2')]: false });
  });
  expect(await queues.depths()).toContainEqual({ queue: agentQueueName('v2'), waiting: 1, delayed: 0, failed: 0 });
  expect(agent.orders).toEqual([]);
});

test('an agent that comes late finds its newest order and no older one', async () => {
  await using server = await aRedis();
  await using queues = await someQueues(server, { agents: () => ['v1'] });
  await eventually(() => {
    expect(queues.isRedisUp()).toBe(true);
  });
  await Promise.all([1, 2, 3].map((serial) => queues.sendOrder('v1', anOrder(serial))));
  await queues.sendOrder('v1', anOrder(4));
  await using agent = anAgent('v1', server.redis.place);
  await eventually(() => {
    expect(agent.orders).toEqual([anOrder(4)]);
  });
});

test('an agent that was removed gets its last order, and is forgotten then; one that came back is not', async () => {
  await using server = await aRedis();
  let agents = ['v1', 'v2', 'v3'];
  await using queues = await someQueues(server, { agents: () => agents });
  await eventually(() => {
    expect(queues.canaryAges()).toHaveLength(4);
    expect(queues.isRedisUp()).toBe(true);
  });
  for (const agent of agents) await queues.sendOrder(agent, anOrder(1));
  await eventually(async () => {
    expect(await queues.depths()).toContainEqual(expect.objectContaining({ queue: agentQueueName('v2'), waiting: 2 })); // a canary, too
  });
  agents = ['v1'];
  await setTimeout(500); // several looks
  await using v2 = anAgent('v2', server.redis.place);
  await eventually(() => {
    expect(v2.orders).toEqual([anOrder(1)]);
  });
  agents = ['v1', 'v3'];
  await queues.sendOrder('v3', anOrder(2));
  await emptyRedis(server.redis.place);
  await server.kill();
  await using v1 = anAgent('v1', server.redis.place);
  await using v3 = anAgent('v3', server.redis.place);
  await eventually(() => {
    expect([v1.orders, v3.orders]).toEqual([[anOrder(1)], [anOrder(2)]]);
  });
  expect(v2.orders).toEqual([anOrder(1)]);
});

test('Redis away at the start is said, and an order that was given meanwhile arrives when it comes', async () => {
  await using server = await aRedis();
  const { place } = server.redis;
  const { folder } = server;
  await server.redis[Symbol.asyncDispose]();
  const logged: string[] = [];
  await using queues = await openQueues({
    redis: place,
    agents: () => ['v1'],
    clock: new SteppedClock(),
    log: (line) => logged.push(line),
  });
  await queues.sendOrder('v1', anOrder(1));
  await eventually(() => {
    expect(logged.join()).toMatch(/away/);
  });
  expect(queues.isRedisUp()).toBe(false);
  expect(await queues.depths()).toEqual([]);
  const { startPrivateRedis } = await import('../../../src/service/queue/private-redis.ts');
  await using _later = await startPrivateRedis({ folder, log: () => undefined, signal: AbortSignal.timeout(30_000) });
  await using agent = anAgent('v1', place);
  await eventually(() => {
    expect(agent.orders).toEqual([anOrder(1)]);
  });
  expect(logged.join()).toMatch(/answers again/);
});

test('Redis killed again and again: the canary is back within 15 s of each, and nothing else is heard of it', async () => {
  await using server = await aRedis();
  const stray: unknown[] = [];
  const onStray = (error: unknown) => stray.push(error);
  process.on('unhandledRejection', onStray);
  onTestFinished(() => {
    process.removeListener('unhandledRejection', onStray);
  });
  await using queues = await someQueues(server);
  for (let kill = 0; kill < 3; kill += 1) {
    const sinceMs = performance.now();
    await server.kill();
    await eventually(() => {
      const [ticks] = queues.canaryAges();
      expect(ticks?.ageMs ?? Infinity).toBeLessThan(performance.now() - sinceMs);
    }, 15_000);
  }
  expect(stray).toEqual([]);
}, 60_000);

test('a Redis that comes back empty is given the triggers again, and who else had something there is told', async () => {
  await using server = await aRedis();
  await using queues = await someQueues(server);
  const ticked: string[] = [];
  queues.onTick((schedule) => {
    ticked.push(schedule);
    return Promise.resolve();
  });
  queues.setTicks(new Map([['nightly', { cron: '* * * * * *', timeZone: 'UTC' }]]));
  await eventually(() => {
    expect(ticked).toContain('nightly');
  });
  let timesBack = 0;
  queues.onRedisBack(() => {
    timesBack += 1;
  });
  const before = timesBack;
  await emptyRedis(server.redis.place);
  await server.kill();
  await eventually(() => {
    expect(timesBack).toBe(before + 1);
  });
  ticked.length = 0;
  await eventually(() => {
    expect(ticked).toContain('nightly');
  });
});

test('a trigger that is no longer wanted ends, and one that BullMQ does not understand is left to the sweep', async () => {
  await using server = await aRedis();
  const logged: string[] = [];
  await using queues = await someQueues(server, { log: (line) => logged.push(line) });
  const ticked = new Set<string>();
  queues.onTick((schedule) => {
    ticked.add(schedule);
    return Promise.resolve();
  });
  queues.setTicks(new Map([['a', { everyMs: 200 }]]));
  await eventually(() => {
    expect(ticked).toContain('a');
  });
  queues.setTicks(
    new Map([
      ['b', { everyMs: 200 }],
      ['c', { cron: '1 2 3', timeZone: 'Nowhere/Else' }],
    ]),
  );
  await eventually(() => {
    expect(ticked).toContain('b');
    expect(logged.join()).toMatch(/schedule c: BullMQ does not trigger it/);
  });
  ticked.clear();
  await eventually(() => {
    expect(ticked).toContain('b');
  });
  expect(ticked).not.toContain('a');
});

test('a worker that takes nothing although Redis answers is told, once', async () => {
  await using server = await aRedis();
  const clock = new SteppedClock();
  const stuck: string[] = [];
  let stepMs = 0;
  // Asked at each look: time passes from look to look, however slow the machine is.
  const agents = () => {
    clock.monoOffsetMs += stepMs;
    return [];
  };
  await using queues = await someQueues(server, { clock, agents, lookMs: 20, onWorkerStuck: (why) => stuck.push(why) });
  await eventually(() => {
    expect(queues.canaryAges()[0]?.ageMs).not.toBeNull();
  });
  // Paused, the queue gives nothing to any worker.
  await withRedis(server.redis.place, (redis) => redis.hset(`bull:${TICKS}:meta`, 'paused', '1'));
  await withRedis(server.redis.place, (redis) => redis.rename(`bull:${TICKS}:wait`, `bull:${TICKS}:paused`).catch(() => undefined));
  stepMs = 2_000;
  await eventually(() => {
    expect(stuck).toHaveLength(1);
  });
  expect(stuck[0]).toMatch(/took nothing for \d+ s although Redis answers/);
});

test('a minute in which nobody looked, since Redis hung or the process was frozen, is no sign of a stuck worker', async () => {
  await using server = await aRedis();
  const clock = new SteppedClock();
  const stuck: string[] = [];
  await using queues = await someQueues(server, { clock, onWorkerStuck: (why) => stuck.push(why) });
  await eventually(() => {
    expect(queues.canaryAges()[0]?.ageMs).not.toBeNull();
  });
  clock.monoOffsetMs = 300_000;
  await eventually(() => {
    expect(queues.canaryAges()[0]?.ageMs).toBeLessThan(60_000);
  });
  expect(stuck).toEqual([]);
});

async function someQueues(server: TestRedis, options: Partial<QueuesOptions> = {}): Promise<Queues & AsyncDisposable> {
  return await openQueues({
    redis: server.redis.place,
    agents: () => [],
    clock: new SteppedClock(),
    log: () => undefined,
    lookMs: 100,
    ...options,
  });
}

/** An agent's side of its queue. */
function anAgent(name: string, place: RedisPlace): { orders: SignedOrder[] } & AsyncDisposable {
  const orders: SignedOrder[] = [];
  const connection = connectRedis(place, 'blocking');
  const take = (job: { name: string; data: SignedOrder }) => {
    if (job.name === 'assign') orders.push(job.data);
    return Promise.resolve();
  };
  const worker = new Worker<SignedOrder>(agentQueueName(name), take, { connection });
  worker.on('error', () => undefined);
  return {
    orders,
    [Symbol.asyncDispose]: async () => {
      await worker.close();
      connection.disconnect();
    },
  };
}

function anOrder(serial: number): SignedOrder {
  return { order: JSON.stringify({ serial }), signature: 's' };
}

async function emptyRedis(place: RedisPlace): Promise<void> {
  await withRedis(place, (redis) => redis.flushall());
}

async function withRedis(place: RedisPlace, act: (redis: ReturnType<typeof connectRedis>) => Promise<unknown>): Promise<void> {
  const redis = connectRedis(place, 'blocking');
  await act(redis);
  redis.disconnect();
}
