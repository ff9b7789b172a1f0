// The folder of one run: claimed before anything is touched, gone again if nothing came of it.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';

/** Disposing removes the folder if it was made here and is still empty. */
export type RunFolder = Disposable & { runId: string; path: string };

/**
 * Claims the folder for a run of `scenario`.
 * @param out as the user named it: must not exist or be empty; null: a new one below `runs/`
 * @throws AppError BAD_FLAG when it holds something, DISK when it cannot be made
 */
export function claimRunFolder(out: string | null, scenario: string, now: Date): RunFolder {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const runId = `${stamp}-${scenario}-${randomBytes(2).toString('hex')}`;
  const path = out ?? join('runs', runId);
  refuseUsedFolder(path);
  const madeFrom = make(path);
  return {
    runId,
    path,
    [Symbol.dispose]: () => {
      if (madeFrom !== undefined && readdirSync(path).length === 0) rmdirSync(path);
    },
  };
}

/** @throws AppError BAD_FLAG when `path` is there and holds something */
export function refuseUsedFolder(path: string): void {
  const entries = existsSync(path) ? readdirSync(path) : [];
  if (entries.length === 0) return;
  throw new AppError('BAD_FLAG', `the folder ${path} is not empty`, {
    remedy: 'name a new folder with --out: a run never overwrites another',
  });
}

/** @returns the topmost folder that had to be made; undefined when all were there */
function make(path: string): string | undefined {
  try {
    return mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new AppError('DISK', `the folder ${path} for the run cannot be made: ${messageOf(cause)}`, {
      remedy: 'name another one with --out',
      cause,
    });
  }
}
