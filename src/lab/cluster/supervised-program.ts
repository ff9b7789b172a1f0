// One program of a cluster, kept running: started again when it dies, sooner at first than later.
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { identityOf } from '../../io/process-identity.ts';
import { spawnIn } from '../../io/command.ts';
import { type ClusterProgram, enteringArgv } from './program-arguments.ts';
import type { ProgramRecord } from './program-records.ts';

/** Wait before a program that died is started again: doubled each time, up to the most. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;
/** A program that ran this long did not fail at its start: the waits begin anew. */
const SETTLED_MS = 10_000;

export type SupervisedOptions = {
  /** Where its output goes, appended. */
  logFile: string;
  /** Called with a sentence whenever it starts, dies or cannot be started. */
  onChange: (what: string) => void;
};

export class SupervisedProgram {
  readonly #program: ClusterProgram;
  readonly #options: SupervisedOptions;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #restarts = 0;
  #waitMs = FIRST_WAIT_MS;
  #isWanted = true;

  constructor(program: ClusterProgram, options: SupervisedOptions) {
    this.#program = program;
    this.#options = options;
    this.#start();
  }

  get record(): ProgramRecord {
    const { name, node } = this.#program;
    return { name, node, identity: this.#child?.pid === undefined ? null : identityOf(this.#child.pid), restarts: this.#restarts };
  }

  /** Ends it for good. */
  end(signal: NodeJS.Signals): void {
    this.#isWanted = false;
    if (this.#timer) clearTimeout(this.#timer);
    this.#child?.kill(signal);
  }

  #start(): void {
    const { name, netns, argv } = this.#program;
    const { logFile, onChange } = this.#options;
    const log = openSync(logFile, 'a', 0o600);
    const child = spawnIn(undefined, enteringArgv(netns, argv), { stdio: ['ignore', log, log], cwd: '/' });
    closeSync(log);
    this.#child = child;
    const startedAt = performance.now();
    const onGone = (why: string) => {
      if (this.#child !== child) return;
      this.#child = null;
      if (!this.#isWanted) return;
      if (performance.now() - startedAt > SETTLED_MS) this.#waitMs = FIRST_WAIT_MS;
      const waitMs = this.#waitMs;
      this.#waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
      this.#timer = setTimeout(() => {
        this.#restarts += 1;
        this.#start();
      }, waitMs);
      onChange(`${name} ended (${why}), and is started again in ${String(waitMs)} ms`);
    };
    child.once('error', (error) => {
      onGone(error.message);
    });
    child.once('exit', (code, signal) => {
      onGone(signal ?? `exit code ${String(code)}`);
    });
    onChange(`${name} started`);
  }
}
