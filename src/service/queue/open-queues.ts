// The service's queues: orders to agents, ticks of schedules, and a canary through each. BullMQ triggers and fans out; it owns nothing.
//
//   sendOrder --> holdfast-agent-<name> --> the agent's worker          (the newest order is kept here, and sent again to a Redis that is back)
//   setTicks  --> holdfast-ticks, job schedulers --> worker here --> onTick
//   every 10 s: a job `canary` through each of them, with the same id: one at most lies in a queue
import type { Redis } from 'ioredis';
import { agentQueueName, type SignedOrder } from '../../core/agent-messages.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { QueueHealth, ServiceClock } from '../parts.ts';
import { Canaries } from './canaries.ts';
import { OrderDesk } from './order-desk.ts';
import { QueueShelf } from './queue-shelf.ts';
import { concernsOf, connectRedis, describePlace, type RedisPlace } from './redis-place.ts';
import { TickTriggers, type TickRhythm, TICKS_QUEUE } from './tick-triggers.ts';

const LOOK_MS = 2_000;

export type Queues = QueueHealth & {
  /**
   * Puts the newest order of an agent into its queue, in place of an older one that still lies there. While Redis is away the order is kept
   * and sent when it is back. @throws AppError REDIS when Redis is there and does not take it
   */
  sendOrder(agent: string, order: SignedOrder): Promise<void>;
  /** What is to be triggered, by the schedule's name: all of it. */
  setTicks(rhythms: ReadonlyMap<string, TickRhythm>): void;
  /** Called for each trigger; one too many or too few does no harm to who computes from the store what is due. */
  onTick(listener: (schedule: string) => Promise<void>): void;
  /** Called whenever Redis is there (again), perhaps empty: what only Redis held must be put there once more. */
  onRedisBack(listener: () => void): void;
};

export type QueuesOptions = {
  redis: RedisPlace;
  /** Names of the agents as they are now. */
  agents: () => readonly string[];
  clock: ServiceClock;
  log: (line: string) => void;
  /** The worker here consumes nothing although Redis answers: the process should end, for its supervisor to start it anew. */
  onWorkerStuck?: (why: string) => void;
  /** How often the canaries are looked after (default 2 s). */
  lookMs?: number;
};

/** Returns at once, whether or not Redis is there: its coming and going are told in the log and by `isRedisUp`. */
export async function openQueues(options: QueuesOptions): Promise<Queues & AsyncDisposable> {
  const { redis, agents, clock, log } = options;
  const asking = connectRedis(redis, 'asking');
  const shelf = new QueueShelf(asking);
  const orders = new OrderDesk(shelf);
  const triggers = new TickTriggers({ shelf, redis, log });
  const canaries = new Canaries({
    shelf,
    clock,
    queues: () => [TICKS_QUEUE, ...agents().map(agentQueueName)],
    onWorkerStuck: options.onWorkerStuck ?? (() => undefined),
  });
  const listeners: (() => void)[] = [];
  const isRedisUp = () => shelf.isUp;

  const onReady = async () => {
    canaries.restart();
    await Promise.all([orders.sendAll(), triggers.putAll()]);
    for (const listener of listeners) listener();
    if ('url' in redis) for (const concern of await concernsOf(asking)) log(`redis: ${describePlace(redis)}: ${concern}`);
  };
  tellComingAndGoing(asking, { place: describePlace(redis), log });
  asking.on('ready', () => {
    onReady().catch((error: unknown) => {
      log(`redis: ${messageOf(error)}`); // it went again; its next coming does all of it again
    });
  });
  let known: readonly string[] = [];
  const forgetRemoved = () => {
    const now = [...agents()];
    for (const gone of known.filter((agent) => !now.includes(agent))) orders.forget(gone).catch(() => undefined);
    known = now;
  };
  const looking = setInterval(() => {
    if (!isRedisUp()) return; // the last order of who was removed waits, too
    forgetRemoved();
    canaries.look().catch(() => undefined); // Redis went meanwhile: told by its going
  }, options.lookMs ?? LOOK_MS);

  return Promise.resolve({
    canaryAges: () => canaries.ages(),
    depths: async () => (isRedisUp() ? await shelf.depths([TICKS_QUEUE, ...agents().map(agentQueueName)]).catch(() => []) : []),
    isRedisUp,
    sendOrder: async (agent, order) => {
      orders.keep(agent, order);
      if (!isRedisUp()) return;
      try {
        await orders.send(agent);
      } catch (cause) {
        if (isRedisUp()) throw new AppError('REDIS', `Redis did not take the order for the agent ${agent}: ${messageOf(cause)}`, { cause });
      }
    },
    setTicks: (rhythms) => {
      triggers.set(rhythms);
      if (isRedisUp()) triggers.putAll().catch(() => undefined); // Redis went: put when it is back
    },
    onTick: (listener) => {
      triggers.onTick(listener);
    },
    onRedisBack: (listener) => {
      listeners.push(listener);
      if (isRedisUp()) listener();
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(looking);
      await triggers.close();
      await shelf.close();
      asking.disconnect();
    },
  });
}

function tellComingAndGoing(client: Redis, { place, log }: { place: string; log: (line: string) => void }): void {
  let wasUp: boolean | null = null;
  client.on('ready', () => {
    if (wasUp === false) log(`redis: ${place} answers again`);
    wasUp = true;
  });
  client.on('close', () => {
    if (wasUp !== false && client.status !== 'end') {
      log(`redis: ${place} is away; runs and monitors go on, new orders to agents wait until it is back`);
    }
    wasUp = false;
  });
}
