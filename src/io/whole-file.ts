// Files that are either there whole or not at all, and on disk when the call returns.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { diskError } from './disk-error.ts';

type Content = string | Iterable<string>;

/**
 * Replaces `path` by `content` (a text, or its parts in order) in one step, file and folder fsynced.
 * @throws AppError DISK; what stood at `path` is then untouched
 */
export function writeWholeFile(path: string, content: Content, mode = 0o644): void {
  writeWholeFiles([[path, content]], mode);
}

/**
 * Replaces several files of one folder, each in one step, once all of them are on the disk: there is room for all or none is touched.
 * @throws AppError DISK
 */
export function writeWholeFiles(files: readonly (readonly [path: string, content: Content])[], mode = 0o644): void {
  const draftOf = (path: string) => `${path}.${String(process.pid)}.new`;
  let current = '';
  try {
    for (const [path, content] of files) {
      current = path;
      writeDraft(draftOf(path), typeof content === 'string' ? [content] : content, mode);
    }
    for (const [path] of files) {
      current = path;
      renameSync(draftOf(path), path);
    }
    syncFolder(dirname(current));
  } catch (cause) {
    for (const [path] of files) rmSync(draftOf(path), { force: true });
    throw diskError(current, cause);
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
