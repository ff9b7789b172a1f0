// A disk without a free byte.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

/** Fills the disk that `folder` lies on with the file `full` in it. */
export function fillDisk(folder: string): void {
  for (const bytes of [65_536, 4_096, 1]) {
    try {
      for (;;) appendFileSync(join(folder, 'full'), Buffer.alloc(bytes));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }
}
