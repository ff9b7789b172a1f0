// Files that are either there whole or not at all, and on disk when the call returns.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Replaces `path` by `text` in one step, file and folder fsynced. */
export function writeWholeFile(path: string, text: string, mode = 0o644): void {
  const draft = `${path}.${String(process.pid)}.new`;
  const file = openSync(draft, 'w', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  syncFolder(dirname(path));
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
