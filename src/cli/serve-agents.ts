// The agents that a service starts itself: processes of their own, which outlive a killed service and are found again by the next one.
import { closeSync, mkdirSync, openSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { type Argv, spawnIn } from '../io/command.ts';
import { findProcess, identityOf, isAlive, type ProcessIdentity } from '../io/process-identity.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import { readJson } from '../lab/state-folder.ts';

export type LocalAgent = {
  name: string;
  /** Its folder: file, token, state, log. */
  folder: string;
  /** The text of its agent file. */
  file: string;
  /** Of all that it reads once, at its start: one that was started with something else is ended and started again. */
  digest: string;
  /** Starts it, given the path of its file. */
  argv: (file: string) => Argv;
};

type Log = (line: string) => void;
/** What stands in a file beside the agent's own: who it is, and what it was started with. */
type Note = { identity: ProcessIdentity | null; digest: string };

const NOTE = 'agent.json';
const FILE = 'agent.yaml';
const LOG = 'agent.log';
const LOOK_MS = 1_000;
const BACK_OFF_MS = { first: 1_000, most: 30_000 };
/** An agent stops its probers and sends what it has: longer than that it is stuck. */
const PATIENCE_MS = 20_000;
const LOG_BYTES = 1 << 20;

/** Keeps one agent alive until disposed, and then ends it. */
export class AgentSupervisor implements AsyncDisposable {
  readonly #agent: LocalAgent;
  readonly #log: Log;
  readonly #ending = new AbortController();
  readonly #watching: Promise<void>;
  #identity: ProcessIdentity | null = null;
  #backOffMs = BACK_OFF_MS.first;

  constructor(agent: LocalAgent, log: Log) {
    this.#agent = agent;
    this.#log = log;
    this.#watching = this.#watch();
  }

  /** Ends the agent and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#watching;
    if (this.#identity) await endAgent(this.#identity);
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ending;
    await this.#adopt();
    while (!signal.aborted) {
      if (this.#identity !== null && isAlive(this.#identity)) {
        this.#backOffMs = Math.max(BACK_OFF_MS.first, this.#backOffMs - LOOK_MS / 10);
      } else {
        if (this.#identity !== null) {
          this.#log(`agent ${this.#agent.name} ended and is started again; its log: ${this.#path(LOG)}`);
          await this.#backOff();
        }
        if (!isAborted(signal)) await this.#start();
      }
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** An agent of an earlier life of the service goes on, unless it was started with something else. */
  async #adopt(): Promise<void> {
    const note = readJson(this.#path(NOTE)) as Note | null;
    const noted = note?.identity && isAlive(note.identity) ? note.identity : null;
    // Of a service that was killed between starting it and noting it.
    const found = noted ?? findAgent(this.#path(FILE));
    if (found === null) return;
    if (noted !== null && note?.digest === this.#agent.digest) this.#identity = found;
    else await endAgent(found);
  }

  async #start(): Promise<void> {
    try {
      mkdirSync(this.#agent.folder, { recursive: true, mode: 0o700 });
      writeWholeFile(this.#path(FILE), this.#agent.file, 0o600);
      const child = this.#spawn();
      // An agent begins as another command, which becomes it: pid and start time stay the same.
      this.#identity = child.pid === undefined ? null : identityOf(child.pid);
      this.#note();
    } catch (error) {
      this.#log(`agent ${this.#agent.name} could not be started: ${messageOf(error)}`);
      await this.#backOff();
    }
  }

  #spawn() {
    if ((statSync(this.#path(LOG), { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES) truncateSync(this.#path(LOG));
    const log = openSync(this.#path(LOG), 'a', 0o600);
    try {
      const child = spawnIn(undefined, this.#agent.argv(this.#path(FILE)), { stdio: ['ignore', log, log] });
      child.once('error', (error) => {
        this.#log(`agent ${this.#agent.name} could not be started: ${error.message}`);
      });
      child.unref();
      return child;
    } finally {
      closeSync(log);
    }
  }

  /** One that cannot be noted is found by its command line, should this process be killed. */
  #note(): void {
    try {
      const note: Note = { identity: this.#identity, digest: this.#agent.digest };
      writeWholeFile(this.#path(NOTE), JSON.stringify(note), 0o600);
    } catch (error) {
      this.#log(`agent ${this.#agent.name} runs, and could not be noted: ${messageOf(error)}`);
    }
  }

  async #backOff(): Promise<void> {
    await sleep(this.#backOffMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    this.#backOffMs = Math.min(this.#backOffMs * 2, BACK_OFF_MS.most);
  }

  #path(file: string): string {
    return join(this.#agent.folder, file);
  }
}

/**
 * Ends agents that an earlier life of the service started below `folder` and that it no longer has.
 * @returns their names
 */
export async function endUnplannedAgents(folder: string, planned: readonly string[]): Promise<string[]> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const left = readdirSync(folder)
    .filter((name) => !planned.includes(name))
    .flatMap((name) => {
      const identity = findAgent(join(folder, name, FILE));
      return identity ? [{ name, identity }] : [];
    });
  await Promise.all(left.map(({ identity }) => endAgent(identity)));
  return left.map(({ name }) => name);
}

/** SIGTERM, and SIGKILL to one that is stuck; returns when it is gone. */
async function endAgent(identity: ProcessIdentity): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isAlive(identity)) return;
    try {
      process.kill(identity.pid, signal);
    } catch {
      return; // it ended in this moment
    }
    const giveUp = performance.now() + PATIENCE_MS;
    while (isAlive(identity) && performance.now() < giveUp) await sleep(20);
  }
}

/** The living agent that was started with this file; null when there is none. */
function findAgent(file: string): ProcessIdentity | null {
  return findProcess((words) => {
    const at = words.indexOf('--file');
    return at > 0 && words[at - 1] === 'agent' && words[at + 1] === file;
  });
}

/** Asked after a wait: the compiler does not know that waiting changes it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
