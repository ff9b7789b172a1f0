// A folder that one process at a time may work on.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AppError } from '../core/errors.ts';
import { diskError } from './disk-error.ts';

/** SQLITE_BUSY, without the detail in its higher bits. */
const BUSY = 5;

/**
 * Makes sure that no other `owner` works on `folder`, for as long as this process lives. The kernel frees the lock with the process, however
 * it ends, and it holds across namespaces and containers that share the folder, as a socket's name would not. SQLite takes the lock (fcntl(2)),
 * for which Node has no call of its own.
 * @param taken the error to throw when another one has it
 * @throws AppError `taken`; DISK
 */
export function lockFolder(folder: string, owner: string, taken: (cause: unknown) => AppError): Disposable {
  const path = join(folder, `${owner}.lock`);
  let lock: DatabaseSync | null = null;
  try {
    lock = new DatabaseSync(path);
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    const held = lock;
    return {
      [Symbol.dispose]: () => {
        held.close();
      },
    };
  } catch (cause) {
    lock?.close();
    throw isBusy(cause) ? taken(cause) : diskError(path, cause);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === BUSY;
}
