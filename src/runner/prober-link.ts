// One prober as the runner sees it: a child process that speaks control messages on its stdio.
import type { ChildProcess } from 'node:child_process';
import { type Assignment, fromProber, type FromProber, type Pulse, type ToProber } from '../core/control.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { JournalEvent } from '../core/journal.ts';
import { readMessages, writeMessage } from '../io/ndjson.ts';

export type ProberListener = {
  onEvent(event: JournalEvent): void;
  onPulse(vantage: string, pulse: Pulse): void;
  /** Called once, when the prober ended without being told to, or said what cannot be understood. */
  onLost(vantage: string, why: string): void;
};

type Waiter = { wants: (message: FromProber) => boolean; resolve: (message: FromProber) => void; reject: (reason: Error) => void };

/** Holds the channel to one prober. Closing it ends the prober. */
export class ProberLink {
  readonly vantage: string;
  readonly #child: ChildProcess;
  readonly #listener: ProberListener;
  readonly #waiters = new Set<Waiter>();
  readonly #ended: Promise<void>;
  #isStopping = false;
  #lost: Error | null = null;
  #stderr = '';

  constructor(vantage: string, child: ChildProcess, listener: ProberListener) {
    this.vantage = vantage;
    this.#child = child;
    this.#listener = listener;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2_000);
    });
    // A prober that is gone is told of by its end, not by the write that came too late.
    child.stdin?.on('error', () => undefined);
    this.#ended = this.#read();
  }

  /**
   * Waits for the prober's hello and hands it its work.
   * @param assignmentFor makes the assignment once the prober told which machine it runs on
   * @throws AppError what the prober refused, PEER_GONE, TIMEOUT
   */
  async assign(assignmentFor: (hello: Extract<FromProber, { type: 'hello' }>) => Assignment, signal: AbortSignal): Promise<void> {
    const hello = await this.#expect((message) => message.type === 'hello', 15_000, signal);
    if (hello.type !== 'hello') return;
    this.send(assignmentFor(hello));
    const answer = await this.#expect((message) => message.type === 'assigned' || message.type === 'refused', 15_000, signal);
    if (answer.type === 'refused') {
      throw new AppError(
        'PREFLIGHT',
        `the prober at ${this.vantage} refused: ${answer.message}`,
        answer.remedy ? { remedy: answer.remedy } : {},
      );
    }
  }

  /** Waits until all flows of this vantage are open or were tried. */
  async ready(timeoutMs: number, signal: AbortSignal): Promise<Extract<JournalEvent, { type: 'vantage.ready' }>> {
    const message = await this.#expect((said) => said.type === 'event' && said.event.type === 'vantage.ready', timeoutMs, signal);
    if (message.type !== 'event' || message.event.type !== 'vantage.ready') throw new Error('unreachable: waited for vantage.ready');
    return message.event;
  }

  /** Sends `final-map` or `stop` and waits until it is done. */
  async finish(step: 'final-map' | 'stop', timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (step === 'stop') this.#isStopping = true;
    const done = this.#expect((message) => message.type === 'done' && message.of === step, timeoutMs, signal);
    this.send({ type: step });
    await done;
  }

  send(message: ToProber): void {
    if (this.#child.stdin) writeMessage(this.#child.stdin, message);
  }

  /** Closes the channel and waits for the prober's end; kills it if that takes over 3 s. */
  async close(): Promise<void> {
    this.#isStopping = true;
    this.#child.stdin?.end();
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await this.#ended;
    clearTimeout(kill);
  }

  async #read(): Promise<void> {
    const exited = new Promise<string>((resolve) => {
      this.#child.once('error', (error) => {
        resolve(`could not be started: ${error.message}`);
      });
      this.#child.once('close', (code, by) => {
        resolve(`ended with ${by ?? String(code)}`);
      });
    });
    let why = '';
    try {
      if (this.#child.stdout) for await (const message of readMessages(this.#child.stdout, fromProber)) this.#take(message);
    } catch (error) {
      why = messageOf(error);
      this.#child.kill('SIGKILL');
    }
    const end = await exited;
    const said = this.#stderr.trim();
    this.#lost = new AppError('PEER_GONE', `the prober at ${this.vantage} ${why || end}${said ? `: ${said}` : ''}`);
    for (const waiter of this.#waiters) waiter.reject(this.#lost);
    this.#waiters.clear();
    if (!this.#isStopping) this.#listener.onLost(this.vantage, this.#lost.message);
  }

  #take(message: FromProber): void {
    if (message.type === 'event') this.#listener.onEvent(message.event);
    else if (message.type === 'pulse') this.#listener.onPulse(this.vantage, message);
    for (const waiter of this.#waiters) {
      if (!waiter.wants(message)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(message);
    }
  }

  async #expect(wants: Waiter['wants'], timeoutMs: number, signal: AbortSignal): Promise<FromProber> {
    signal.throwIfAborted();
    if (this.#lost) throw this.#lost;
    const { promise, resolve, reject } = Promise.withResolvers<FromProber>();
    const waiter = { wants, resolve, reject };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => {
      reject(new AppError('TIMEOUT', `the prober at ${this.vantage} did not answer within ${String(timeoutMs / 1000)} s`));
    }, timeoutMs);
    const abort = () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      this.#waiters.delete(waiter);
    }
  }
}
