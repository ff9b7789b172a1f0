// Attempts to deliver to one destination: a few side by side, each alert in its order, until it arrived or is given up.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import type { Notification } from '../../core/notification.ts';
import type { Destination } from '../notifiers/notifier.ts';
import type { PostOutcome } from '../notifiers/guarded-post.ts';
import type { Store } from '../store/open-store.ts';
import { type Backoff, waitMs } from './backoff.ts';
import { notificationOf } from './deliveries.ts';
import { type Entry, Lanes } from './lanes.ts';

/** A kill loses at most so many answers a destination: each becomes a delivery that the receiver gets twice, with the same id. */
const SIDE_BY_SIDE = 4;
const WRITE_AGAIN_MS = 1_000;
/** One that fails now and then is no news: each delivery keeps its own error. */
const FAILURES_TO_LOG = 5;

export type DispatcherTools = {
  store: Store;
  steadyMs: () => number;
  /** In [0, 1). */
  random: () => number;
  backoff: Backoff;
  announce: (topic: string, subject: string) => void;
  log: (line: string) => void;
  /** Aborts attempts that were to end by themselves and did not. */
  signal: AbortSignal;
  /** Alerts of a destination as they are now, for one that is told again and again. */
  current: (destination: string) => readonly Notification[];
};

export class Dispatcher {
  readonly lanes = new Lanes();
  readonly #name: string;
  readonly #destination: Destination;
  readonly #tools: DispatcherTools;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #sideBySide: number;
  #refreshAtMs: number;
  /** In a row. */
  #failures = 0;
  #isClosing = false;
  /** The store does not take what became of deliveries: told once, and once again when it is over. */
  #isUnwritten = false;

  constructor(name: string, destination: Destination, tools: DispatcherTools) {
    this.#name = name;
    this.#destination = destination;
    this.#tools = tools;
    // A refresh must not cross a notification: the receiver would take the older of two words for the newer.
    this.#sideBySide = destination.refresh ? 1 : SIDE_BY_SIDE;
    this.#refreshAtMs = tools.steadyMs();
  }

  /** Starts what is due and has room. Returns at once. */
  pump(): void {
    while (!this.#isClosing && this.#inFlight.size < this.#sideBySide) {
      const work = this.#nextWork();
      if (!work) return;
      const running = work()
        .catch((error: unknown) => {
          this.#tools.log(`a delivery to ${this.#name} met a mistake in Holdfast: ${messageOf(error)}`);
        })
        .finally(() => {
          this.#inFlight.delete(running);
          this.pump();
        });
      this.#inFlight.add(running);
    }
  }

  /** Starts nothing more and waits for what is under way; the tools' signal ends that. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#inFlight);
  }

  #nextWork(): (() => Promise<void>) | null {
    const nowMs = this.#tools.steadyMs();
    const { refresh } = this.#destination;
    const entry = this.lanes.take(nowMs);
    if (entry) return () => this.#attempt(entry);
    if (!refresh || this.#refreshAtMs > nowMs) return null;
    this.#refreshAtMs = nowMs + refresh.everyMs;
    const alerts = this.#tools.current(this.#name);
    return alerts.length === 0
      ? null
      : async () => {
          this.#noteHealth(await refresh.send(alerts, this.#tools.signal));
        };
  }

  async #attempt(entry: Entry): Promise<void> {
    const { store, signal } = this.#tools;
    const outcome = await notificationOf(store, entry.id)
      .then((notification) => this.#destination.send(notification, signal))
      .catch((error: unknown): PostOutcome => ({ kind: 'failed', why: messageOf(error), retryAfterMs: null }));
    // Cut by the end of the service: nobody knows whether it arrived, and the next life tries again.
    if (signal.aborted && outcome.kind === 'failed') return;
    this.#noteHealth(outcome);
    await this.#settle(entry, outcome);
    this.#tools.announce('delivery', entry.id);
  }

  async #settle(entry: Entry, outcome: PostOutcome): Promise<void> {
    const { steadyMs, random, backoff } = this.#tools;
    entry.attempts += 1;
    const nowMs = steadyMs();
    if (outcome.kind === 'delivered') {
      await this.#write(entry, { state: 'delivered', delivered_ms: nowMs, last_error: null });
      this.lanes.finish(entry);
      return;
    }
    const retryAfterMs = outcome.kind === 'failed' ? outcome.retryAfterMs : null;
    const wait = outcome.kind === 'gone' ? null : waitMs(backoff, { ...entry, retryAfterMs }, random());
    if (wait === null) {
      await this.#write(entry, { state: 'dead', last_error: outcome.why });
      this.lanes.finish(entry);
      return;
    }
    entry.waitedMs += wait;
    entry.dueMs = nowMs + wait;
    await this.#write(entry, { state: 'pending', last_error: outcome.why });
    this.lanes.postpone(entry);
  }

  /** Until it is written: an answer that is forgotten would be a second delivery. */
  async #write(
    { id, attempts, waitedMs, dueMs }: Entry,
    change: { state: 'pending' | 'delivered' | 'dead'; last_error: string | null; delivered_ms?: number },
  ): Promise<void> {
    const { store, signal, log } = this.#tools;
    for (;;) {
      try {
        const values = { ...change, attempts, waited_ms: waitedMs, next_attempt_ms: Math.round(dueMs) };
        await store.updateTable('deliveries').set(values).where('id', '=', id).execute();
        if (this.#isUnwritten) log(`what becomes of deliveries to ${this.#name} is written down again`);
        this.#isUnwritten = false;
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!this.#isUnwritten) log(`the delivery ${id} could not be written down, and is tried again each second: ${messageOf(error)}`);
        this.#isUnwritten = true;
        await sleep(WRITE_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #noteHealth(outcome: PostOutcome): void {
    const { log } = this.#tools;
    if (outcome.kind !== 'delivered') {
      this.#failures += 1;
      if (this.#failures === FAILURES_TO_LOG) log(`the destination ${this.#name} does not take notifications: ${outcome.why}`);
      return;
    }
    if (this.#failures >= FAILURES_TO_LOG) log(`the destination ${this.#name} takes notifications again`);
    this.#failures = 0;
  }
}
