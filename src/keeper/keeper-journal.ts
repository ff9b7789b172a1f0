// The keeper's journal on disk: keeper and janitor append to the same file, and each reads back what the other wrote.
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { KEEPER_JOURNAL_FILE, type KeeperRecord, type NewKeeperRecord, parseKeeperRecord } from '../core/keeper-records.ts';
import { diskError } from '../io/disk-error.ts';
import { syncFolder } from '../io/whole-file.ts';
import { afterRecord, EMPTY_STATE, type KeeperState } from './fault-state.ts';

const NEWLINE = 0x0a;

/** An open journal. `state` is what its lines add up to, as of the last `refresh`. */
export class KeeperJournal implements Disposable {
  readonly path: string;
  readonly #by: KeeperRecord['by'];
  readonly #now: () => number;
  readonly #file: number;
  #readTo = 0;
  #unfinished = Buffer.alloc(0);
  #nextSeq = 0;
  /** Lines that a full disk did not take: they are tried again, for the other process and the next one. */
  readonly #unsaved: string[] = [];
  #state = EMPTY_STATE;
  #listener: (line: KeeperRecord) => void = () => undefined;

  /**
   * Opens the journal of `folder`, made (0700) when it is missing, and reads it.
   * @param now CLOCK_MONOTONIC in ms
   * @throws AppError DISK
   */
  constructor(folder: string, by: KeeperRecord['by'], now: () => number) {
    this.path = join(folder, KEEPER_JOURNAL_FILE);
    this.#by = by;
    this.#now = now;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      // One descriptor for both ways: a lab that is torn down takes the folder away, and the janitor must still know its faults.
      this.#file = openSync(this.path, 'a+', 0o600);
      syncFolder(folder);
    } catch (cause) {
      throw diskError(this.path, cause);
    }
    this.refresh();
  }

  get state(): KeeperState {
    return this.#state;
  }

  /** Every line of either writer, from the disk. @throws AppError DISK */
  lines(): KeeperRecord[] {
    try {
      const text = Buffer.alloc(fstatSync(this.#file).size);
      const length = readSync(this.#file, text, 0, text.length, 0);
      return text
        .toString('utf8', 0, length)
        .split('\n')
        .flatMap((line) => parseKeeperRecord(line) ?? []);
    } catch (cause) {
      throw diskError(this.path, cause);
    }
  }

  /** `listener` gets every line, of either writer, that tells something new from now on. */
  onRecord(listener: (line: KeeperRecord) => void): void {
    this.#listener = listener;
  }

  /** Reads what was appended since. Synchronous and cheap: it stands before every command to a device. */
  refresh(): void {
    this.#saveLate();
    this.#read();
  }

  #read(): void {
    const chunk = Buffer.alloc(64 * 1024);
    for (;;) {
      const length = readSync(this.#file, chunk, 0, chunk.length, this.#readTo);
      if (length === 0) return;
      this.#readTo += length;
      this.#take(Buffer.concat([this.#unfinished, chunk.subarray(0, length)]));
    }
  }

  /**
   * Appends one line in one write.
   * @param options.sync returns only once it is on the disk itself
   * @throws AppError DISK; `state` then does not know the line
   */
  append(record: NewKeeperRecord, options: { sync?: boolean } = {}): void {
    try {
      while (this.#unsaved[0] !== undefined) this.#saveFirst(this.#unsaved[0]);
      this.#write(JSON.stringify(this.#stamped(record)));
      if (options.sync) fsyncSync(this.#file);
    } catch (cause) {
      throw diskError(this.path, cause);
    }
    this.#nextSeq += 1;
    this.refresh();
  }

  /** Appends, but a disk that takes nothing is no reason to leave a fault in force: the line then counts in memory until there is room. */
  note(record: NewKeeperRecord): AppError | null {
    try {
      this.append(record);
      return null;
    } catch (error) {
      this.#read();
      const line = this.#stamped(record);
      this.#unsaved.push(JSON.stringify(line));
      this.#apply(line);
      return error instanceof AppError ? error : diskError(this.path, error);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #saveLate(): void {
    try {
      while (this.#unsaved[0] !== undefined) this.#saveFirst(this.#unsaved[0]);
    } catch {
      // still full: the next refresh tries again
    }
  }

  #saveFirst(line: string): void {
    this.#write(line);
    this.#unsaved.shift();
  }

  #write(line: string): void {
    const bytes = Buffer.from(`${this.#endsTorn() ? '\n' : ''}${line}\n`);
    const written = writeSync(this.#file, bytes);
    if (written < bytes.length) throw new Error(`only ${String(written)} of ${String(bytes.length)} bytes were written`);
  }

  #stamped(record: NewKeeperRecord): KeeperRecord {
    return { atMs: Math.round(this.#now() * 1_000) / 1_000, by: this.#by, seq: this.#nextSeq, ...record };
  }

  /** A write that a full disk or a crash cut off: the next line must not run into it. */
  #endsTorn(): boolean {
    const { size } = fstatSync(this.#file);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(this.#file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
  }

  #take(bytes: Buffer): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const line = parseKeeperRecord(bytes.toString('utf8', start, end));
      if (line) this.#apply(line);
      start = end + 1;
    }
    this.#unfinished = Buffer.from(bytes.subarray(start));
  }

  #apply(line: KeeperRecord): void {
    if (line.by === this.#by) this.#nextSeq = Math.max(this.#nextSeq, line.seq + 1);
    const before = this.#state;
    this.#state = afterRecord(before, line);
    if (this.#state !== before) this.#listener(line);
  }
}
