// The keeper of a lab: one process beside it, started when a run needs faults, gone once all is verified and out of quarantine.
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { spawnIn } from '../io/command.ts';
import type { Lab } from '../lab/lab.ts';
import { connectKeeper, type KeeperClient } from '../runner/keeper-client.ts';
import { selfArgv } from './self.ts';

const START_MS = 30_000;

export class LabKeeper {
  readonly #lab: Lab;
  readonly #environmentFile: string;
  readonly #logPath: string;
  /** The keeper that was started here, if any. */
  #child: ChildProcess | null = null;
  /** Resolves when it has ended. */
  #ended: Promise<unknown> = Promise.resolve();

  constructor(lab: Lab, environmentFile: string) {
    this.#lab = lab;
    this.#environmentFile = environmentFile;
    this.#logPath = join(lab.stateFolder, 'keeper.log');
  }

  /** Connects to the lab's keeper; starts one if none answers. @throws AppError KEEPER_UNREACHABLE with what it said */
  async connect(signal: AbortSignal): Promise<KeeperClient> {
    const socket = this.#lab.environment.keeperSocket ?? '';
    try {
      return await connectKeeper(socket, { timeoutMs: 0, signal });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
    this.#start();
    return await connectKeeper(socket, { timeoutMs: START_MS, signal }).catch((cause: unknown) => {
      throw new AppError(
        'KEEPER_UNREACHABLE',
        `the lab's keeper did not start: ${readFileSync(this.#logPath, 'utf8').trim().slice(-500)}`,
        { cause },
      );
    });
  }

  /**
   * Gives up the connection and waits until the keeper has ended: its janitor still watches that nothing comes back, and a lab
   * must not go meanwhile. One that no run took, and that has nothing left of an earlier one, would wait for a run: it is told to end.
   */
  async close(client: KeeperClient): Promise<void> {
    const status = await client.status().catch(() => null); // gone already
    client.close();
    if (status?.holder === null && status.faults.every(({ isQuarantineOver }) => isQuarantineOver)) this.#child?.kill('SIGTERM');
    await this.#ended;
  }

  #start(): void {
    mkdirSync(this.#lab.stateFolder, { recursive: true });
    const log = openSync(this.#logPath, 'a', 0o600);
    const { lab } = this.#lab.environment;
    const child = spawnIn(undefined, selfArgv('keeper', '--env', this.#environmentFile, '--prefix', lab?.prefix ?? '', '--once'), {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    this.#ended = once(child, 'exit').catch(() => undefined); // one that could not be started is told by connect
  }
}
