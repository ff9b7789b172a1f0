// Old runs go: folders, logs and rows, when they are older than the history is kept.
import { rm } from 'node:fs/promises';
import { messageOf } from '../../core/errors.ts';
import type { RunRows } from './run-rows.ts';
import { attemptFolder } from './run-line.ts';

/** A row goes after what lies on the disk for it: whatever breaks this off, the next time finds what is left. */
export async function forgetOldRuns(
  rows: RunRows,
  options: { folder: string; beforeMs: number; signal: AbortSignal; log: (line: string) => void },
): Promise<void> {
  const { folder, beforeMs, signal, log } = options;
  for (const run of await rows.old(beforeMs)) {
    if (signal.aborted) break;
    try {
      await removeFiles(folder, run);
    } catch (error) {
      log(`run ${run.id}: its folder cannot be removed, and it is kept: ${messageOf(error)}`);
      continue;
    }
    await rows.remove(run.id);
  }
}

async function removeFiles(folder: string, { id, attempt }: { id: string; attempt: number }): Promise<void> {
  for (let each = 1; each <= attempt; each += 1) {
    const path = attemptFolder(folder, id, each);
    await rm(path, { recursive: true, force: true });
    await rm(`${path}.log`, { force: true });
  }
}
