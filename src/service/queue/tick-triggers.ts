// The queue of ticks: BullMQ's job schedulers trigger, and the one worker of the service hears them.
import { Worker, type RepeatOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { messageOf } from '../../core/errors.ts';
import { KEEP_FINISHED, type QueueShelf } from './queue-shelf.ts';
import { connectRedis, type RedisPlace } from './redis-place.ts';
import { within } from './within.ts';

export const TICKS_QUEUE = 'holdfast-ticks';
/** Name and id of a queue's canary. A worker has nothing to do for it but to take it. */
export const CANARY = 'canary';

const CLOSE_MS = 2_000;

/** When a schedule ticks: by cron in a time zone, or at every multiple of an interval since 1970. */
export type TickRhythm = { cron: string; timeZone: string } | { everyMs: number };

export type TickTriggersOptions = { shelf: QueueShelf; redis: RedisPlace; log: (line: string) => void };

export class TickTriggers {
  readonly #options: TickTriggersOptions;
  readonly #connection: Redis;
  readonly #worker: Worker<{ schedule?: unknown }>;
  readonly #listeners: ((schedule: string) => Promise<void>)[] = [];
  #rhythms: ReadonlyMap<string, TickRhythm> = new Map();
  /** One putting at a time: an older one must not win. */
  #putting: Promise<void> = Promise.resolve();

  constructor(options: TickTriggersOptions) {
    this.#options = options;
    this.#connection = connectRedis(options.redis, 'blocking');
    this.#worker = new Worker(TICKS_QUEUE, (job) => this.#take(job), {
      connection: this.#connection,
      skipVersionCheck: true,
      runRetryDelay: 1_000,
      ...KEEP_FINISHED,
    });
    this.#worker.on('error', () => undefined); // connection troubles: told by the queues' own connection
  }

  set(rhythms: ReadonlyMap<string, TickRhythm>): void {
    this.#rhythms = new Map(rhythms);
  }

  onTick(listener: (schedule: string) => Promise<void>): void {
    this.#listeners.push(listener);
  }

  /** Makes Redis have exactly these job schedulers. @throws what Redis answers */
  async putAll(): Promise<void> {
    const putting = this.#putting.catch(() => undefined).then(() => this.#put()); // who put before was told
    this.#putting = putting;
    await putting;
  }

  async close(): Promise<void> {
    if (!(await within(CLOSE_MS, this.#worker.close()))) await within(CLOSE_MS, this.#worker.disconnect());
    this.#connection.disconnect();
  }

  async #put(): Promise<void> {
    const queue = this.#options.shelf.queue(TICKS_QUEUE);
    const rhythms = this.#rhythms;
    for (const { key } of await queue.getJobSchedulers(0, -1)) {
      if (!rhythms.has(key)) await queue.removeJobScheduler(key);
    }
    for (const [schedule, rhythm] of rhythms) {
      try {
        await queue.upsertJobScheduler(schedule, repeatOf(rhythm), { name: 'tick', data: { schedule }, opts: KEEP_FINISHED });
      } catch (error) {
        if (!this.#options.shelf.isUp) throw error;
        // Cron dialects differ at their edges: this one is then started by the service's own sweep alone.
        this.#options.log(`schedule ${schedule}: BullMQ does not trigger it (${messageOf(error)}); the service's sweep does`);
      }
    }
  }

  async #take(job: { name: string; data: { schedule?: unknown } }): Promise<void> {
    const { schedule } = job.data;
    if (job.name !== 'tick' || typeof schedule !== 'string') return;
    for (const listener of this.#listeners) await listener(schedule);
  }
}

function repeatOf(rhythm: TickRhythm): Omit<RepeatOptions, 'key'> {
  if ('cron' in rhythm) return { pattern: rhythm.cron, tz: rhythm.timeZone };
  const { everyMs } = rhythm;
  // Without a start BullMQ would tick at once and count from there.
  return { every: everyMs, startDate: (Math.floor(Date.now() / everyMs) + 1) * everyMs };
}
