// Old runs go: rows, folders and logs, when they are older than the history is kept.
import { rm } from 'node:fs/promises';
import type { RunRows } from './run-rows.ts';
import { attemptFolder } from './run-line.ts';

/** @returns how many went */
export async function forgetOldRuns(rows: RunRows, folder: string, beforeMs: number): Promise<number> {
  const gone = await rows.forget(beforeMs);
  for (const { id, attempt } of gone) {
    for (let each = 1; each <= attempt; each += 1) {
      const path = attemptFolder(folder, id, each);
      await rm(path, { recursive: true, force: true });
      await rm(`${path}.log`, { force: true });
    }
  }
  return gone.length;
}
