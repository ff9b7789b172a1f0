// One node's responder as its kubelet treats it: started, ended when evicted, started again when it dies by itself.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Place } from '../../core/environment.ts';
import { type Argv, spawnIn } from '../../io/command.ts';
import { identityOf, type ProcessIdentity } from '../../io/process-identity.ts';

/** A kubelet's first wait before it restarts what crashed is of this order. */
const RESTART_AFTER_MS = 1_000;
/** A responder that was told to end is given this long. */
const GRACE_MS = 2_000;

export type SupervisorOptions = {
  place: Place;
  argv: Argv;
  /** Where the responder's standard error goes. */
  logFile: number;
  /** Called whenever the responder begins or ceases to be ready. */
  onChange: (isReady: boolean) => void;
};

/** Keeps one responder in the state that `want` asked for last. */
export class ResponderSupervisor {
  readonly #options: SupervisorOptions;
  #isWanted = false;
  #isReady = false;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** The living responder; null when there is none. */
  get identity(): ProcessIdentity | null {
    return this.#child?.pid === undefined ? null : identityOf(this.#child.pid);
  }

  want(isWanted: boolean): void {
    if (isWanted === this.#isWanted) return;
    this.#isWanted = isWanted;
    this.#clearTimer();
    if (isWanted && this.#child === null) this.#start();
    if (!isWanted) this.#end();
  }

  #start(): void {
    const { place, argv, logFile, onChange } = this.#options;
    // It ends when its standard input closes: no responder outlives a controller that was killed.
    const child = spawnIn(place, argv, { stdio: ['pipe', 'pipe', logFile] });
    this.#child = child;
    child.stdin?.on('error', () => undefined); // it died first: `exit` tells
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (this.#child !== child || this.#isReady || !isReadyLine(line)) return;
        this.#isReady = true;
        onChange(true);
      });
    }
    const onGone = () => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#clearTimer();
      if (this.#isReady) {
        this.#isReady = false;
        onChange(false);
      }
      if (this.#isWanted) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.#start();
        }, RESTART_AFTER_MS);
      }
    };
    child.once('error', onGone).once('exit', onGone);
  }

  #end(): void {
    const child = this.#child;
    if (!child) return;
    child.kill('SIGTERM');
    this.#timer = setTimeout(() => {
      child.kill('SIGKILL');
    }, GRACE_MS);
  }

  #clearTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function isReadyLine(line: string): boolean {
  try {
    return (JSON.parse(line) as { type?: unknown } | null)?.type === 'ready';
  } catch {
    return false; // not ours to understand
  }
}
