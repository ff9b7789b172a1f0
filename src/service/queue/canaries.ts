// A canary job through every queue every 10 s: the honest answer to whether somebody still consumes it.
import type { ServiceClock } from '../parts.ts';
import { KEEP_FINISHED, type QueueShelf } from './queue-shelf.ts';
import { CANARY, TICKS_QUEUE } from './tick-triggers.ts';

const EVERY_MS = 10_000;
/** A worker that took nothing for this long, with Redis answering, does not take anything any more. */
const STUCK_MS = 60_000;

export type CanariesOptions = {
  shelf: QueueShelf;
  clock: ServiceClock;
  /** Names of all queues as they are now. */
  queues: () => readonly string[];
  onWorkerStuck: (why: string) => void;
};

type Canary = { isOut: boolean; sentMs: number | null; backMs: number | null };

export class Canaries {
  readonly #options: CanariesOptions;
  readonly #canaries = new Map<string, Canary>();
  /** Since when Redis answers without a gap, monotonic. */
  #upSinceMs: number | null = null;
  /** When the last look that succeeded ended, monotonic. */
  #lookedMs: number | null = null;
  #looking: Promise<unknown> | null = null;
  #isStuckTold = false;

  constructor(options: CanariesOptions) {
    this.#options = options;
  }

  /** Redis is there (again): what it knew of canaries may be gone. */
  restart(): void {
    this.#upSinceMs = this.#options.clock.monoMs();
    for (const canary of this.#canaries.values()) Object.assign(canary, { isOut: false, sentMs: null });
  }

  /** Looks after all of them once. @throws what Redis answers */
  async look(): Promise<void> {
    if (this.#looking) return; // a slow Redis is asked once at a time
    const names = this.#options.queues();
    for (const name of this.#canaries.keys()) if (!names.includes(name)) this.#canaries.delete(name);
    this.#looking = Promise.all(names.map((name) => this.#lookAfter(name)));
    try {
      await this.#looking;
    } finally {
      this.#looking = null;
    }
    this.#judgeGap();
    this.#judgeWorker();
  }

  ages(): { queue: string; ageMs: number | null }[] {
    const nowMs = this.#options.clock.monoMs();
    return this.#options.queues().map((queue) => {
      const backMs = this.#canaries.get(queue)?.backMs ?? null;
      return { queue, ageMs: backMs === null ? null : nowMs - backMs };
    });
  }

  async #lookAfter(name: string): Promise<void> {
    const { shelf, clock } = this.#options;
    const canary = this.#canaries.get(name) ?? { isOut: false, sentMs: null, backMs: null };
    this.#canaries.set(name, canary);
    const queue = shelf.queue(name);
    if (canary.isOut) {
      const state = await queue.getJobState(CANARY);
      if (state === 'unknown') canary.isOut = false;
      // A worker that failed it has consumed it.
      if (state !== 'completed' && state !== 'failed') return;
      canary.backMs = clock.monoMs();
      canary.isOut = false;
    }
    if (canary.sentMs !== null && clock.monoMs() - canary.sentMs < EVERY_MS) return;
    await queue.remove(CANARY); // an earlier life's, or the one that came back
    await queue.add(CANARY, {}, { ...KEEP_FINISHED, jobId: CANARY });
    canary.sentMs = clock.monoMs();
    canary.isOut = true;
  }

  /** Nobody took canaries while Redis hung (its connection may stand all the while) or while this process was frozen: patience begins anew. */
  #judgeGap(): void {
    const nowMs = this.#options.clock.monoMs();
    if (this.#upSinceMs !== null && this.#lookedMs !== null && nowMs - this.#lookedMs > EVERY_MS) this.#upSinceMs = nowMs;
    this.#lookedMs = nowMs;
  }

  #judgeWorker(): void {
    const backMs = this.#canaries.get(TICKS_QUEUE)?.backMs ?? null;
    if (this.#upSinceMs === null || this.#isStuckTold) return;
    const silentMs = this.#options.clock.monoMs() - Math.max(this.#upSinceMs, backMs ?? this.#upSinceMs);
    if (silentMs < STUCK_MS) return;
    this.#isStuckTold = true;
    this.#options.onWorkerStuck(
      `the worker of ${TICKS_QUEUE} took nothing for ${String(Math.round(silentMs / 1000))} s although Redis answers`,
    );
  }
}
