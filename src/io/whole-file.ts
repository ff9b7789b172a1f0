// Files that are either there whole or not at all, and on disk when the call returns.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { diskError } from './disk-error.ts';

/**
 * Replaces `path` by `content` (a text, or its parts in order) in one step, file and folder fsynced.
 * @throws AppError DISK; what stood at `path` is then untouched
 */
export function writeWholeFile(path: string, content: string | Iterable<string>, mode = 0o644): void {
  const draft = `${path}.${String(process.pid)}.new`;
  try {
    writeDraft(draft, typeof content === 'string' ? [content] : content, mode);
    renameSync(draft, path);
    syncFolder(dirname(path));
  } catch (cause) {
    rmSync(draft, { force: true });
    throw diskError(path, cause);
  }
}

function writeDraft(draft: string, parts: Iterable<string>, mode: number): void {
  const file = openSync(draft, 'w', mode);
  try {
    // Unlike writeSync, writeFileSync goes on after a partial write.
    for (const part of parts) writeFileSync(file, part);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes a new or renamed entry of `folder` survive a crash of the machine. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
