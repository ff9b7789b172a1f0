// The agent's own queue: orders and canaries, taken by one BullMQ worker, which is watched from outside.
//
// The watch does not wait for canaries: a service that is away sends none, and that is no reason to end probers. It asks Redis, on a
// connection of its own, whether jobs wait that nobody takes.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { agentQueueName, type SignedOrder, signedOrder } from '../core/agent-messages.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { type AgentRedis, connectToRedis } from './redis-connection.ts';
import { isAborted, pause } from './waiting.ts';

export type OrderQueueOptions = {
  agent: string;
  redis: AgentRedis;
  /** Takes an order. @returns what to tell about it; @throws AppError why it is refused */
  onOrder: (order: SignedOrder) => { serial: number; isNew: boolean };
  now: () => number;
  log: (line: string) => void;
  /** How long jobs may wait untaken. Tests use a shorter one. */
  patienceMs?: number;
};

const PATIENCE_MS = 60_000;
const LOOK_MS = 2_000;
const CLOSE_MS = 2_000;
const CONNECT_MS = 1_000;

export class OrderQueue implements AsyncDisposable {
  readonly #options: OrderQueueOptions;
  readonly #connection: ReturnType<typeof connectToRedis>;
  readonly #asking: ReturnType<typeof connectToRedis>;
  readonly #worker: Worker;
  readonly #closing = new AbortController();
  #lastTakenMs: number;

  constructor(options: OrderQueueOptions) {
    this.#options = options;
    this.#lastTakenMs = options.now();
    this.#connection = connectToRedis(options.redis, 'worker');
    this.#asking = connectToRedis(options.redis, 'asking');
    this.#worker = new Worker(agentQueueName(options.agent), (job) => this.#take(job), {
      connection: this.#connection,
      concurrency: 1,
    });
    this.#worker.on('error', () => undefined); // an absent Redis is told by the watch
    this.#worker.once('closing', () => {
      this.#closing.abort();
    });
  }

  /**
   * Watches until the signal aborts.
   * @throws AppError REDIS once the worker is seen to take no jobs any more, though Redis holds some: this process should be started anew
   */
  async watch(signal: AbortSignal): Promise<void> {
    const { now, log, patienceMs = PATIENCE_MS } = this.#options;
    let untakenSinceMs: number | null = null;
    let isUp: boolean | null = null;
    // The first attempt to connect is under way: not to be there yet is no news.
    await Promise.race([new Promise((resolve) => this.#asking.once('ready', resolve)), pause(CONNECT_MS, signal)]);
    // Made once: a race with a promise that never settles would keep something of every look.
    const ending = AbortSignal.any([signal, this.#closing.signal]);
    while (!signal.aborted) {
      const waiting = await this.#waitingJobs();
      if (isAborted(signal)) return;
      if ((waiting !== null) !== isUp) log(waiting === null ? 'Redis does not answer; probing goes on' : 'Redis answers');
      isUp = waiting !== null;
      if (waiting === null || waiting === 0 || this.#lastTakenMs > (untakenSinceMs ?? Infinity)) untakenSinceMs = null;
      else untakenSinceMs ??= now();
      if (untakenSinceMs !== null && now() - untakenSinceMs >= patienceMs) {
        throw stalled(`${String(waiting)} jobs wait in Redis, and for ${String(Math.round(patienceMs / 1_000))} s none was taken`);
      }
      await pause(Math.min(LOOK_MS, patienceMs / 4), ending);
      if (this.#closing.signal.aborted && !isAborted(signal)) throw stalled('it is closing');
    }
  }

  /** Jobs that are there to be taken; null when Redis does not answer. */
  async #waitingJobs(): Promise<number | null> {
    try {
      return await this.#asking.llen(`bull:${agentQueueName(this.#options.agent)}:wait`);
    } catch {
      // A connection that a router on the way forgot answers never again: the next attempt has another one.
      if (this.#asking.status === 'ready') this.#asking.disconnect(true);
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // With Redis away BullMQ would wait for it.
    await Promise.race([this.#worker.close(true).catch(() => undefined), sleep(CLOSE_MS, undefined, { ref: false })]);
    this.#connection.disconnect();
    this.#asking.disconnect();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- BullMQ wants a promise; an exception must become a rejection
  async #take(job: Job): Promise<object> {
    this.#lastTakenMs = this.#options.now();
    switch (job.name) {
      case 'canary':
        return {};
      case 'assign':
        return this.#takeOrder(job.data);
      default:
        throw new UnrecoverableError(`this agent knows no job ${job.name.slice(0, 60)}`);
    }
  }

  #takeOrder(data: unknown): object {
    const signed = signedOrder.safeParse(data);
    try {
      if (!signed.success) throw new AppError('PROTOCOL', 'the job holds no signed order');
      return this.#options.onOrder(signed.data);
    } catch (error) {
      this.#options.log(`an order is refused: ${messageOf(error)}`);
      // It would be refused the next time, too.
      throw new UnrecoverableError(messageOf(error));
    }
  }
}

function stalled(why: string): AppError {
  return new AppError('REDIS', `the worker of this agent's queue no longer works: ${why}`, {
    remedy: 'this process ends so that its supervisor starts it anew; if that happens again, look at the Redis it is connected to',
  });
}
