// The observers of one environment, in a child process (`holdfast observe`) that is started again whenever it ends.
//
// What it told last stands here, so that a monitor that begins later knows how things are: a child tells what stands only once.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../core/environment.ts';
import { messageOf } from '../../core/errors.ts';
import { journalEvent, type JournalEvent } from '../../core/journal.ts';
import { type Argv, spawnIn } from '../../io/command.ts';
import { readMessages } from '../../io/ndjson.ts';
import { OBSERVERS } from '../../observers/index.ts';
import { type ObserverEvent, observerOf } from '../../observers/observer.ts';
import { isObserverEvent, Standing } from '../../observers/standing.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** A child that lived this long was well: the next pause is the first again. */
const TRUSTED_AFTER_MS = 30_000;
const KILL_AFTER_MS = 3_000;

export type ObserverChildOptions = {
  argv: Argv;
  environment: Environment;
  /** CLOCK_MONOTONIC of this machine, ms: what `t` of the events is on. */
  monoMs: () => number;
  emit: (event: ObserverEvent) => void;
  log: (line: string) => void;
};

export class ObserverChild implements AsyncDisposable {
  readonly #options: ObserverChildOptions;
  readonly #closing = new AbortController();
  readonly #standing = new Standing();
  readonly #ended: Promise<void>;
  #child: ChildProcess | null = null;
  #problem: string | null = null;

  constructor(options: ObserverChildOptions) {
    this.#options = options;
    this.#ended = this.#keepRunning();
  }

  /** What every observer told last, sight or blindness: enough to begin with. */
  standing(): ObserverEvent[] {
    return this.#standing.events();
  }

  /** Why nothing is observed now; null in health. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Ends the child, so that the next one tells everything anew: for a listener that has missed something. */
  startAnew(): void {
    this.#child?.kill('SIGTERM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#closing;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const startedMs = this.#options.monoMs();
      const why = await this.#runOnce(signal);
      if (signal.aborted) return;
      if (this.#problem === null) this.#options.log(`the observers of ${this.#options.environment.name} ${why}; they are started again`);
      this.#problem = `the control plane of ${this.#options.environment.name} is not observed: its observers ${why}`;
      for (const event of blindness(this.#options.environment, this.#options.monoMs(), why)) this.#tell(event);
      if (this.#options.monoMs() - startedMs > TRUSTED_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      const isClosed = await sleep(pauseMs, false, { signal }).catch(() => true);
      if (isClosed) return;
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  /** One life of a child. @returns how it ended, as the end of a sentence */
  async #runOnce(signal: AbortSignal): Promise<string> {
    const child = spawnIn(undefined, this.#options.argv, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    // Its end is told by `close`, not by a write that came too late.
    child.stdin?.on('error', () => undefined);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-500);
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => {
        resolve(`could not be started: ${error.message}`);
      });
      child.once('close', (code, by) => {
        resolve(`ended with ${by ?? String(code)}`);
      });
    });
    const close = () => {
      child.stdin?.end();
      const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      void ended.finally(() => {
        clearTimeout(kill);
      });
    };
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    let mistake = '';
    try {
      if (child.stdout) for await (const event of readMessages(child.stdout, journalEvent)) this.#take(event);
    } catch (error) {
      mistake = messageOf(error);
      child.kill('SIGKILL');
    }
    const end = await ended;
    signal.removeEventListener('abort', close);
    this.#child = null;
    return [mistake || end, said.trim()].filter((part) => part !== '').join(': ');
  }

  #take(event: JournalEvent): void {
    if (!isObserverEvent(event)) throw new Error(`said ${event.type}, which no observer does`);
    if (event.type !== 'observer.blind') this.#problem = null;
    this.#tell(event);
  }

  #tell(event: ObserverEvent): void {
    this.#standing.take(event);
    this.#options.emit(event);
  }
}

/** That no observer of an environment sees anything from `t` on. */
export function blindness(environment: Environment, t: number, reason: string): ObserverEvent[] {
  return watchedIn(environment).map(({ name, observer }) => ({ type: 'observer.blind', t, from: observerOf({ name }), observer, reason }));
}

/** Whether an environment names observers that have anything there to look at. */
export function isObservable(environment: Environment): boolean {
  return watchedIn(environment).length > 0;
}

function watchedIn(environment: Environment): { name: string; observer: string }[] {
  const observers = OBSERVERS.filter(({ name }) => environment.observers.includes(name));
  return observers.flatMap((observer) => observer.watches(environment).map((name) => ({ name, observer: observer.name })));
}
