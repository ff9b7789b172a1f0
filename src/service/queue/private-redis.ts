// A redis-server of the service's own: a child on a Unix socket, with an append-only file, started again when it dies, ended with its service.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, messageOf } from '../../core/errors.ts';
import { monoMs } from '../../io/clock.ts';
import { type Argv, spawnIn } from '../../io/command.ts';
import { SOCKET_PATH_BYTES } from '../../io/listening.ts';
import { identityOf } from '../../io/process-identity.ts';
import { endLeftover, endProcess, type RedisFiles } from './leftover-redis.ts';
import { connectRedis, type RedisPlace } from './redis-place.ts';

const START_MS = 20_000;
const BACK_OFF_MS = { first: 200, last: 5_000 };
const PATHS_OF_SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];
/** Exit code of a command that was not found. */
const NOT_FOUND = 127;
/** One that lived this long died of something new. */
const LIVED_MS = 30_000;
const LOG_BYTES = 1_000_000;

export type PrivateRedis = AsyncDisposable & {
  place: RedisPlace;
  /** Null between two lives. */
  pid(): number | null;
};

export type PrivateRedisOptions = { folder: string; log: (line: string) => void; signal: AbortSignal };

/**
 * Starts it in `folder`/redis and returns once it answers. Disposing ends it.
 * @throws AppError COMMAND_MISSING without redis-server, REDIS when it does not start or the folder's path is too long for a socket
 */
export async function startPrivateRedis({ folder, log, signal }: PrivateRedisOptions): Promise<PrivateRedis> {
  const files = filesOf(folder);
  mkdirSync(files.folder, { recursive: true, mode: 0o700 });
  if (await endLeftover(files, signal)) log('redis: ended the redis-server of an earlier start');
  const child = new RedisChild(files, log);
  try {
    await child.start(signal);
  } catch (error) {
    await child.end();
    throw error;
  }
  return {
    place: { path: files.socket },
    pid: () => child.pid,
    [Symbol.asyncDispose]: () => child.end(),
  };
}

function filesOf(stateFolder: string): RedisFiles {
  const folder = join(stateFolder, 'redis');
  const socket = join(stateFolder, 'redis.sock');
  const bytes = Buffer.byteLength(socket);
  if (bytes > SOCKET_PATH_BYTES) {
    throw new AppError('REDIS', `the path ${socket} has ${String(bytes)} bytes; a Unix socket's may have ${String(SOCKET_PATH_BYTES)}`, {
      remedy: 'give the service a state folder with a shorter path',
    });
  }
  return { folder, socket, pidFile: join(folder, 'redis.pid') };
}

class RedisChild {
  readonly #files: RedisFiles;
  readonly #log: (line: string) => void;
  readonly #ending = new AbortController();
  #child: ChildProcess | null = null;
  #backOffMs = BACK_OFF_MS.first;
  #startedMs = 0;
  /** Whether the first one ever answered: one that never did is not tried again. */
  #isUp = false;
  /** Settles when the restart that is under way is done or given up. */
  #restart: Promise<void> = Promise.resolve();

  constructor(files: RedisFiles, log: (line: string) => void) {
    this.#files = files;
    this.#log = log;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** @throws AppError COMMAND_MISSING, REDIS with what it said */
  async start(signal: AbortSignal): Promise<void> {
    const child = this.#spawn();
    const giveUp = new AbortController();
    const died = once(child, 'exit').then(([code]: unknown[]) => {
      // By setpriv, as by every shell: the command was not found.
      throw code === NOT_FOUND ? missing() : this.#startError();
    });
    try {
      await Promise.race([died, this.#untilItAnswers(AbortSignal.any([signal, giveUp.signal, AbortSignal.timeout(START_MS)]))]);
      this.#isUp = true;
    } catch (cause) {
      throw isNotFound(cause) ? missing(cause) : cause;
    } finally {
      giveUp.abort();
    }
  }

  async end(): Promise<void> {
    this.#ending.abort(new Error('the service ends'));
    await this.#restart;
    const identity = this.#child?.pid === undefined ? null : identityOf(this.#child.pid);
    if (identity) await endProcess(identity, AbortSignal.timeout(60_000));
  }

  get #logFile(): string {
    return join(this.#files.folder, 'redis.log');
  }

  #spawn(): ChildProcess {
    this.#startedMs = monoMs();
    // Why the one before died stands there; one that dies all the time must not fill the disk.
    const isToBeKept = this.#isUp && (statSync(this.#logFile, { throwIfNoEntry: false })?.size ?? 0) < LOG_BYTES;
    const log = openSync(this.#logFile, isToBeKept ? 'a' : 'w', 0o600);
    const child = spawnIn(undefined, argvOf(this.#files), { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    const onGone = () => {
      if (this.#child !== child) return;
      this.#child = null;
      if (this.#isUp && !this.#ending.signal.aborted) this.#restart = this.#startAgain();
    };
    child.once('error', onGone).once('exit', onGone);
    return child;
  }

  async #startAgain(): Promise<void> {
    if (monoMs() - this.#startedMs > LIVED_MS) this.#backOffMs = BACK_OFF_MS.first;
    const waitMs = this.#backOffMs;
    this.#backOffMs = Math.min(BACK_OFF_MS.last, 2 * waitMs);
    this.#log(`redis: redis-server died; it is started again in ${String(waitMs / 1000)} s (its log: ${this.#logFile})`);
    await sleep(waitMs, undefined, { signal: this.#ending.signal }).catch(() => undefined); // the service ends
    if (this.#ending.signal.aborted) return;
    try {
      this.#spawn();
    } catch (error) {
      this.#log(`redis: ${messageOf(error)}`); // no file could be opened, say: perhaps later
      await this.#startAgain();
    }
  }

  #startError(): AppError {
    return new AppError('REDIS', `redis-server did not start: ${lastLines(this.#logFile)}`, {
      remedy: `its log is ${this.#logFile}; or name a Redis of your own with redis: in the service's file`,
    });
  }

  async #untilItAnswers(signal: AbortSignal): Promise<void> {
    const client = connectRedis({ path: this.#files.socket }, 'asking');
    try {
      while (!signal.aborted) {
        const answer = await client.ping().catch(() => null); // not there yet, or still loading its file
        if (answer === 'PONG') return;
        await sleep(20, undefined, { signal }).catch(() => undefined); // told by the loop
      }
      throw this.#startError();
    } finally {
      client.disconnect();
    }
  }
}

function argvOf({ folder, socket, pidFile }: RedisFiles): Argv {
  const settings = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '600',
    dir: folder,
    pidfile: pidFile,
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  const redis: Argv = ['redis-server', ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])];
  // The kernel ends it when the service was killed; without setpriv, the next start does (util-linux is essential in Debian).
  return PATHS_OF_SETPRIV.some((path) => existsSync(path)) ? ['setpriv', '--pdeathsig', 'TERM', ...redis] : redis;
}

function isNotFound(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

function missing(cause?: unknown): AppError {
  return new AppError('COMMAND_MISSING', 'the command redis-server is not on this machine', {
    remedy: 'install it (Debian: redis-server), or name a Redis of your own with redis: in the service’s file',
    cause,
  });
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-3).join(' / ') || 'it said nothing';
  } catch {
    return 'it said nothing';
  }
}
