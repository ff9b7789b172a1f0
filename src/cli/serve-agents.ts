// The agents that a service starts itself: processes of their own, which outlive a killed service and are found again by the next one.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Argv, spawnIn } from '../io/command.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../io/process-identity.ts';
import { writeWholeFile } from '../io/whole-file.ts';

export type LocalAgent = {
  name: string;
  /** Its folder: file, state, log. */
  folder: string;
  /** The text of its agent file; one that changed restarts it. */
  file: string;
  /** Starts it, given the path of its file. */
  argv: (file: string) => Argv;
};

const LOOK_MS = 1_000;
const BACK_OFF_MS = { first: 1_000, most: 30_000 };
/** An agent stops its probers and sends what it has: longer than that it is stuck. */
const PATIENCE_MS = 15_000;

/** Keeps one agent alive until closed. */
export class AgentSupervisor implements AsyncDisposable {
  readonly #agent: LocalAgent;
  readonly #log: (line: string) => void;
  readonly #ending = new AbortController();
  readonly #watching: Promise<void>;
  #identity: ProcessIdentity | null = null;

  constructor(agent: LocalAgent, log: (line: string) => void) {
    this.#agent = agent;
    this.#log = log;
    this.#watching = this.#watch();
  }

  /** Ends the agent and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#watching;
    await this.#end();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ending;
    let backOffMs = BACK_OFF_MS.first;
    await this.#adopt();
    while (!signal.aborted) {
      if (this.#identity === null || !isAlive(this.#identity)) {
        if (this.#identity !== null) {
          this.#log(`agent ${this.#agent.name} ended and is started again; its log: ${this.#path('agent.log')}`);
          await sleep(backOffMs, undefined, { signal }).catch(() => undefined);
          backOffMs = Math.min(backOffMs * 2, BACK_OFF_MS.most);
          if (isAborted(signal)) return;
        }
        this.#start();
      } else backOffMs = Math.max(BACK_OFF_MS.first, backOffMs - LOOK_MS / 10);
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** An agent of an earlier life of the service goes on, unless it was started with another file. */
  async #adopt(): Promise<void> {
    mkdirSync(this.#agent.folder, { recursive: true, mode: 0o700 });
    const identity = readIdentity(this.#path('agent.json'));
    const path = this.#path('agent.yaml');
    const isSameFile = existsSync(path) && readFileSync(path, 'utf8') === this.#agent.file;
    if (!isSameFile) writeWholeFile(path, this.#agent.file, 0o600);
    if (identity === null || !isAlive(identity)) return;
    this.#identity = identity;
    if (isSameFile) return;
    await this.#end();
    this.#identity = null;
  }

  #start(): void {
    const log = openSync(this.#path('agent.log'), 'a', 0o600);
    const child = spawnIn(undefined, this.#agent.argv(this.#path('agent.yaml')), { stdio: ['ignore', log, log] });
    closeSync(log);
    child.once('error', (error) => {
      this.#log(`agent ${this.#agent.name} could not be started: ${error.message}`);
    });
    child.unref();
    // An agent begins as another command, which becomes it: pid and start time stay the same.
    this.#identity = child.pid === undefined ? null : identityOf(child.pid);
    writeWholeFile(this.#path('agent.json'), JSON.stringify(this.#identity), 0o600);
  }

  async #end(): Promise<void> {
    const identity = this.#identity;
    if (identity === null) return;
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (!isAlive(identity)) return;
      process.kill(identity.pid, signal);
      const giveUp = performance.now() + PATIENCE_MS;
      while (isAlive(identity) && performance.now() < giveUp) await sleep(20);
    }
  }

  #path(file: string): string {
    return join(this.#agent.folder, file);
  }
}

/** The process that a file names; null when there is none, or the file is torn. */
function readIdentity(path: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity | null;
  } catch {
    return null; // not there, or its writer was killed half-way
  }
}

/** Asked after a wait: the compiler does not know that waiting changes it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
