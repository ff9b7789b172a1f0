// The folder of a service: one service at a time has it, and what lies in it outlives each of them.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { diskError } from '../io/disk-error.ts';
import { lockFolder } from '../io/folder-lock.ts';

/** Disposing gives the folder back; what lies in it stays for the next start. */
export type ServiceFolder = Disposable & { path: string; in(...names: string[]): string };

/**
 * Takes the folder (made if need be, 0700) for this process.
 * @throws AppError CONFLICT while another service has it, DISK
 */
export function claimServiceFolder(folder: string): ServiceFolder {
  const path = resolve(folder);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw diskError(path, cause);
  }
  const lock = lockFolder(
    path,
    'service',
    (cause) =>
      new AppError('CONFLICT', `a service is already running in ${path}`, {
        remedy: 'end it first, or name another folder with --state and another --port',
        cause,
      }),
  );
  return {
    path,
    in: (...names) => join(path, ...names),
    [Symbol.dispose]: () => {
      lock[Symbol.dispose]();
    },
  };
}
