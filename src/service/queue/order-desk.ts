// The newest order of each agent, kept here and put into its queue: an older one that nobody took is removed.
import { agentQueueName, type SignedOrder } from '../../core/agent-messages.ts';
import { KEEP_FINISHED, type QueueShelf } from './queue-shelf.ts';

const ASSIGN = 'assign';

export class OrderDesk {
  readonly #shelf: QueueShelf;
  readonly #orders = new Map<string, SignedOrder>();
  /** One sending an agent at a time: two would remove each other's order. */
  readonly #sending = new Map<string, Promise<void>>();

  constructor(shelf: QueueShelf) {
    this.#shelf = shelf;
  }

  keep(agent: string, order: SignedOrder): void {
    this.#orders.set(agent, order);
  }

  /** Sends what is kept for the agent. @throws what Redis answers */
  async send(agent: string): Promise<void> {
    const before = this.#sending.get(agent) ?? Promise.resolve();
    const sending = before.catch(() => undefined).then(() => this.#put(agent)); // who sent before was told
    this.#sending.set(agent, sending);
    await sending;
  }

  /** After Redis came back, perhaps without what it had taken. @throws what Redis answers */
  async sendAll(): Promise<void> {
    await Promise.all([...this.#orders.keys()].map((agent) => this.send(agent)));
  }

  /** Forgets an agent that was removed, once its last order went out or failed; one that is back meanwhile stays. */
  async forget(agent: string): Promise<void> {
    const last = this.#orders.get(agent);
    await this.#sending.get(agent)?.catch(() => undefined); // who sent was told
    if (this.#orders.get(agent) !== last) return;
    this.#orders.delete(agent);
    this.#sending.delete(agent);
    await this.#shelf.forget(agentQueueName(agent));
  }

  async #put(agent: string): Promise<void> {
    const order = this.#orders.get(agent);
    if (!order) return;
    const queue = this.#shelf.queue(agentQueueName(agent));
    const old = await queue.getJobs(['waiting', 'delayed', 'prioritized']);
    for (const job of old) {
      // One that a worker took meanwhile is locked; that is as well: it goes by the serial.
      if (job.name === ASSIGN) await job.remove().catch(() => undefined);
    }
    await queue.add(ASSIGN, order, { ...KEEP_FINISHED, attempts: 3, backoff: { type: 'fixed', delay: 1_000 } });
  }
}
