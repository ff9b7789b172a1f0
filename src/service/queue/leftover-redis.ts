// A redis-server that an earlier life of the service left behind: found by its folder or its socket, and ended before a new one starts.
import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from '../../io/process-identity.ts';
import { connectRedis } from './redis-place.ts';

const TERM_MS = 10_000;
const KILL_MS = 5_000;

export type RedisFiles = {
  /** Redis's own folder, its working directory. */
  folder: string;
  socket: string;
  pidFile: string;
};

/**
 * Ends what still serves these files: two servers on one append-only file would destroy it.
 * @returns whether there was one
 * @throws an error when it cannot be ended
 */
export async function endLeftover(files: RedisFiles, signal: AbortSignal): Promise<boolean> {
  const leftover = leftoverOf(files);
  if (leftover !== null) await endProcess(leftover, signal);
  // Killed before it wrote its pid, or the file was lost: what answers on a socket of our own folder is ours all the same.
  const isAnswering = await shutDownBySocket(files.socket, signal);
  return leftover !== null || isAnswering;
}

/** The process of the pid file, if it is still that one: a redis-server never leaves its folder, and nobody else works there. */
function leftoverOf({ folder, pidFile }: RedisFiles): ProcessIdentity | null {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const identity = Number.isInteger(pid) && pid > 1 ? identityOf(pid) : null;
    if (identity === null || readlinkSync(`/proc/${String(pid)}/cwd`) !== realpathSync(folder)) return null;
    return identity;
  } catch {
    return null; // no pid file, no process, or one of another user
  }
}

/** Ends a redis-server, by force if it does not hear. @throws Error when it lives on */
export async function endProcess(identity: ProcessIdentity, signal: AbortSignal): Promise<void> {
  for (const [name, waitMs] of [
    ['SIGTERM', TERM_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    if (!isAlive(identity)) return;
    process.kill(identity.pid, name);
    for (let waitedMs = 0; waitedMs < waitMs && isAlive(identity); waitedMs += 50) await sleep(50, undefined, { signal });
  }
  if (isAlive(identity)) throw new Error(`the redis-server ${String(identity.pid)} of an earlier start cannot be ended`);
}

async function shutDownBySocket(socket: string, signal: AbortSignal): Promise<boolean> {
  if (!existsSync(socket)) return false;
  const client = connectRedis({ path: socket }, 'asking');
  try {
    const isThere = await new Promise<boolean>((resolve) => {
      client.once('ready', () => {
        resolve(true);
      });
      client.once('close', () => {
        resolve(false);
      });
    });
    if (!isThere) return false;
    await client.shutdown().catch(() => undefined); // it answers by closing
    for (let waitedMs = 0; waitedMs < TERM_MS && client.status === 'ready'; waitedMs += 50) await sleep(50, undefined, { signal });
    return true;
  } finally {
    client.disconnect();
  }
}
