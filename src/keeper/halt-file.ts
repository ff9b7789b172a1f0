// The emergency stop: a file. While it is there, everything is reverted and nothing is injected, whoever else lives.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { diskError } from '../io/disk-error.ts';
import { writeWholeFile } from '../io/whole-file.ts';

export class HaltFile {
  readonly path: string;
  /** The disk would not take the file: for this process it is there all the same. */
  #isAsThere = false;

  constructor(stateFolder: string) {
    this.path = join(stateFolder, 'halt');
  }

  isThere(): boolean {
    return this.#isAsThere || existsSync(this.path);
  }

  /** @throws AppError DISK */
  write(): void {
    try {
      writeWholeFile(this.path, 'holdfast halt\n', 0o600);
    } catch (cause) {
      this.#isAsThere = true;
      throw diskError(this.path, cause);
    }
  }

  /** Allows faults again. */
  remove(): void {
    rmSync(this.path, { force: true });
  }

  /** Why nothing may be injected. */
  refusal(): AppError {
    return new AppError('KEEPER_REFUSED', 'halted by a person: no fault is possible', {
      remedy: 'holdfast halt --lift allows faults again',
    });
  }
}
