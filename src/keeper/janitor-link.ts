// The keeper's end of its janitor: starts it, tells it of every renewal, answers its pings, and replaces it when it fails.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import { readMessages, writeMessage } from '../io/ndjson.ts';
import { type FromJanitor, fromJanitor, type ToJanitor } from './janitor-messages.ts';

/** A janitor that has not been heard of for so long is replaced; one that only starts, on a machine that is busy, later. */
const SILENT_MS = 5_000;
const STARTING_MS = 20_000;
const WATCH_MS = 3_000;
const RESTART_MS = 1_000;

export type JanitorLinkParts = {
  /** Starts a janitor with piped standard input and output. */
  spawn: () => ChildProcess;
  /** How long a janitor may take to be well. */
  readyMs: number;
  /** Whether no command that could disturb a target is under way. */
  isQuiet: () => boolean;
  now: () => number;
  log: (text: string) => void;
};

export class JanitorLink {
  readonly #parts: JanitorLinkParts;
  readonly #watched = new Map<string, () => void>();
  #child: ChildProcess | null = null;
  #heardMs = -Infinity;
  #startedMs = -Infinity;
  #isHeard = false;
  #isClosing = false;
  #renewal: ToJanitor | null = null;

  constructor(parts: JanitorLinkParts) {
    this.#parts = parts;
  }

  /** A janitor lives and has read the journal. */
  get isWell(): boolean {
    return this.#isHeard;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Called often: starts a janitor where there is none, replaces one that is silent. `wasFrozen`: this process was, so nobody else is to blame. */
  tend(wasFrozen: boolean): void {
    const nowMs = this.#parts.now();
    if (wasFrozen) this.#heardMs = nowMs;
    if (this.#isClosing) return;
    if (this.#child === null) {
      if (nowMs - this.#startedMs >= RESTART_MS) this.#start(nowMs);
    } else if (nowMs - Math.max(this.#heardMs, this.#startedMs) > (this.#isHeard ? SILENT_MS : STARTING_MS)) {
      this.#parts.log('the janitor does not answer: it is replaced');
      this.#child.kill('SIGKILL');
    }
  }

  /** Returns once a janitor is well. @throws AppError KEEPER_REFUSED when none is in time */
  async ready(): Promise<void> {
    const until = this.#parts.now() + this.#parts.readyMs;
    while (!this.#isHeard) {
      if (this.#parts.now() > until) {
        throw new AppError('KEEPER_REFUSED', 'the keeper has no janitor, which must revert if it cannot', {
          remedy: 'see what the keeper says on its standard error, and try again',
        });
      }
      await sleep(20);
    }
  }

  renewed(epoch: number, atMs: number): void {
    this.#renewal = { op: 'renewed', epoch, atMs };
    this.#send(this.#renewal);
  }

  /** Returns once the janitor has the fault's intent before it. @throws AppError KEEPER_REFUSED when it does not in time */
  async watch(key: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      reject(new AppError('KEEPER_REFUSED', 'the janitor, which must revert if the keeper cannot, does not answer'));
    }, WATCH_MS);
    this.#watched.set(key, () => {
      resolve(undefined);
    });
    try {
      this.#send({ op: 'watch', key });
      await promise;
    } finally {
      clearTimeout(timer);
      this.#watched.delete(key);
    }
  }

  /** Lets go of the janitor; it ends by itself when nothing is left to do. */
  close(): void {
    this.#isClosing = true;
    this.#child?.stdin?.end();
    this.#child?.stdout?.destroy();
    this.#child?.unref();
  }

  #start(nowMs: number): void {
    this.#startedMs = nowMs;
    const child = this.#parts.spawn();
    this.#child = child;
    child.stdin?.on('error', () => undefined); // its end tells
    const ended = (how: string) => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#isHeard = false;
      if (!this.#isClosing) this.#parts.log(`the janitor ${how}: another one is started`);
    };
    child.once('error', (error) => {
      ended(`could not be started (${error.message})`);
    });
    child.once('exit', (code, by) => {
      ended(`ended with ${by ?? String(code)}`);
    });
    void this.#read(child);
  }

  async #read(child: ChildProcess): Promise<void> {
    if (!child.stdout) return;
    try {
      for await (const message of readMessages(child.stdout, fromJanitor)) this.#take(message);
    } catch {
      if (!this.#isClosing) child.kill('SIGKILL'); // it says what cannot be understood: a new one may do better
    }
  }

  #take(message: FromJanitor): void {
    this.#heardMs = this.#parts.now();
    if (!this.#isHeard) {
      this.#isHeard = true;
      if (this.#renewal) this.#send(this.#renewal);
    }
    switch (message.op) {
      case 'ping':
        this.#send({ op: 'pong', ping: message.ping, isQuiet: this.#parts.isQuiet() });
        return;
      case 'watching':
        this.#watched.get(message.key)?.();
        return;
    }
  }

  #send(message: ToJanitor): void {
    if (this.#child?.stdin) writeMessage(this.#child.stdin, message);
  }
}
