// Whether an API server still answers: asked again and again, since a connection to one that is frozen looks like one on which nothing happens.
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';

/** `answerMs`: how long an answer may take, from when the question is ready to be sent. */
export type PulseTiming = { everyMs: number; answerMs: number };
type Ask = (signal: AbortSignal, onReady: () => void) => Promise<unknown>;

export class Pulse implements AsyncDisposable {
  readonly #ask: Ask;
  readonly #timing: PulseTiming;
  readonly #server: string;
  #sight = new AbortController();
  #feltAtMs = 0;
  #users = 0;
  #running: { closing: AbortController; ended: Promise<void> } | null = null;

  /** @param ask resolves with any answer at all, and calls `onReady` once only the server is waited for */
  constructor(server: string, ask: Ask, timing: PulseTiming) {
    this.#server = server;
    this.#ask = ask;
    this.#timing = timing;
  }

  /** Aborts, with the AppError, when the server does not answer; a new one each time that it does again. */
  get sight(): AbortSignal {
    return this.#sight.signal;
  }

  /** It answered somebody else: what was asked before that tells nothing any more. */
  felt(): void {
    this.#feltAtMs = performance.now();
    if (this.#sight.signal.aborted) this.#sight = new AbortController();
  }

  /** The pulse is felt while somebody needs it. */
  use(): AsyncDisposable {
    this.#users += 1;
    this.#running ??= this.#start();
    let isUsed = true;
    return {
      [Symbol.asyncDispose]: async () => {
        if (isUsed) this.#users -= 1;
        isUsed = false;
        if (this.#users === 0) await this[Symbol.asyncDispose]();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#running;
    this.#running = null;
    running?.closing.abort();
    await running?.ended;
  }

  #start(): { closing: AbortController; ended: Promise<void> } {
    const closing = new AbortController();
    return { closing, ended: this.#feel(closing.signal) };
  }

  async #feel(signal: AbortSignal): Promise<void> {
    const { everyMs, answerMs } = this.#timing;
    for (let wasCut = false; ;) {
      const askedAtMs = performance.now();
      try {
        await this.#askWithin(answerMs, signal);
        this.felt();
        wasCut = false;
      } catch (cause) {
        const isCut = cause instanceof AppError;
        if (isCut && !wasCut && !this.#sight.signal.aborted) {
          wasCut = true; // one connection that is cut is not yet a server that is away
          continue;
        }
        const late = `the API server at ${this.#server} does not answer within ${String(answerMs / 1_000)} s`;
        const why = isCut ? cause : new AppError('CLUSTER_UNREACHABLE', late, { cause });
        if (this.#feltAtMs < askedAtMs) this.#sight.abort(why);
      }
      try {
        await sleep(everyMs, undefined, { signal });
      } catch {
        return; // the only thing that ends a sleep early
      }
    }
  }
  async #askWithin(answerMs: number, signal: AbortSignal): Promise<void> {
    const late = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const onReady = () => {
      timer = setTimeout(() => {
        late.abort();
      }, answerMs);
    };
    try {
      await this.#ask(AbortSignal.any([signal, late.signal]), onReady);
    } finally {
      clearTimeout(timer);
    }
  }
}
