// Room on a disk kept for later: a file without a name, which goes with the process that holds it, however that ends.
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class HeldRoom {
  #file: number | null;

  /** Takes `bytes` of the disk that `folder` lies on. @throws what the filesystem says; nothing is held then */
  constructor(folder: string, bytes: number) {
    const path = join(folder, `.room.${String(process.pid)}`);
    const file = openSync(path, 'wx', 0o600);
    try {
      rmSync(path);
      // Random, because a filesystem that compresses would keep next to nothing for zeros.
      writeFileSync(file, randomBytes(bytes));
      fsyncSync(file);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    this.#file = file;
  }

  /** Gives the room back to whoever writes next. @returns whether there was any to give */
  release(): boolean {
    if (this.#file === null) return false;
    const file = this.#file;
    this.#file = null;
    try {
      // Closing alone frees the blocks later on some filesystems.
      ftruncateSync(file);
    } finally {
      closeSync(file);
    }
    return true;
  }
}
