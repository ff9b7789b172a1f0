// BullMQ queues by name over one connection, made when first needed.
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { within } from './within.ts';

/** What a queue keeps of finished jobs: enough to look at, never growing. */
export const KEEP_FINISHED = { removeOnComplete: { count: 100, age: 24 * 3_600 }, removeOnFail: { count: 100, age: 24 * 3_600 } };

const CLOSE_MS = 2_000;

export class QueueShelf {
  readonly #client: Redis;
  readonly #queues = new Map<string, Queue>();

  constructor(client: Redis) {
    this.#client = client;
  }

  get isUp(): boolean {
    return this.#client.status === 'ready';
  }

  queue(name: string): Queue {
    const existing = this.#queues.get(name);
    if (existing) return existing;
    const queue = new Queue(name, { connection: this.#client, skipVersionCheck: true });
    queue.on('error', () => undefined); // each act tells its own failure
    this.#queues.set(name, queue);
    return queue;
  }

  /** @throws what Redis answers */
  async depths(names: readonly string[]): Promise<{ queue: string; waiting: number; delayed: number; failed: number }[]> {
    return await Promise.all(
      names.map(async (name) => {
        const { waiting = 0, delayed = 0, failed = 0 } = await this.queue(name).getJobCounts('waiting', 'delayed', 'failed');
        return { queue: name, waiting, delayed, failed };
      }),
    );
  }

  /** Closes a queue that nobody needs any more; what lies in it stays for who takes it. */
  async forget(name: string): Promise<void> {
    const queue = this.#queues.get(name);
    this.#queues.delete(name);
    await queue?.close();
  }

  async close(): Promise<void> {
    await within(CLOSE_MS, Promise.allSettled([...this.#queues.values()].map((queue) => queue.close())));
    this.#queues.clear();
  }
}
