// A bell that rings when the kernel of a router touches any route, next-hop group or link: `ip monitor`, kept as a child.
//
// What its lines say is not parsed: `ip monitor` knows no JSON (iproute2 6.1), a route by next-hop group changes without a route
// message, and messages are lost when the socket overruns. A line only says "look now", and its arrival is when that was.
import type { ChildProcess } from 'node:child_process';
import type { Place } from '../core/environment.ts';
import { spawnIn } from '../io/command.ts';

export class RouteMonitor {
  readonly #place: Place;
  readonly #t: () => number;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  /** Why the child ended; null while it runs. */
  #lastWords: string | null = null;
  #rungT: number | null = null;
  #wake: () => void = () => undefined;

  constructor(place: Place, t: () => number) {
    this.#place = place;
    this.#t = t;
  }

  /** Starts the child unless it runs. @throws Error once, with its last words, when it ended by itself */
  ensureListening(): void {
    if (this.#child && this.#lastWords !== null) {
      this.#child = null;
      throw new Error(`ip monitor ended: ${this.#lastWords}`);
    }
    this.#child ??= this.#listen();
  }

  /** When it rang first since the last answer; null when it did not. */
  get rungT(): number | null {
    return this.#rungT;
  }

  /** Takes the ring away and tells when it was: from now on it is silent until the next. */
  answer(): number | null {
    const { rungT } = this;
    this.#rungT = null;
    return rungT;
  }

  /** Ends when it has rung and was not answered, after `ms`, or with the signal. One waiter at a time. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#rungT !== null || ms <= 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(wake, ms);
      signal.addEventListener('abort', wake, { once: true });
      this.#wake = wake;
      function wake() {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  #listen(): ChildProcess {
    this.#lastWords = null;
    // setpriv: a killed run must not leave the child behind, which would notice its closed pipe only at the next change of a route.
    const argv = ['setpriv', '--pdeathsig', 'KILL', 'ip', '-o', 'monitor', 'link', 'route', 'nexthop'] as const;
    const child = spawnIn(this.#place, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout?.on('data', () => {
      this.#ring();
    });
    // In good health it complains of one thing: its socket overran, so that changes were missed.
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = text.trim().slice(-200);
      this.#ring();
    });
    this.#ended = new Promise((resolve) => {
      const end = (words: string) => {
        this.#lastWords ??= words;
        this.#ring();
        resolve();
      };
      child.once('error', (error) => {
        end(error.message);
      });
      child.once('close', (code, killedBy) => {
        end(complaint || (killedBy ?? `exit ${String(code)}`));
      });
    });
    return child;
  }

  #ring(): void {
    this.#rungT ??= this.#t();
    this.#wake();
  }
}
