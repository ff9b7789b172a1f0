// journal.ndjson on disk: appended line by line while a run lasts, read back whole, torn end included.
import { closeSync, createReadStream, fsyncSync, ftruncateSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { AppError, messageOf } from '../core/errors.ts';
import { compareEvents, EVENT_TYPES, journalEvent, type JournalEvent, type Unnumbered } from '../core/journal.ts';
import { diskError } from './disk-error.ts';
import { HeldRoom } from './held-room.ts';
import { syncFolder } from './whole-file.ts';

export type JournalReading = {
  /** In the order of `compareEvents`. */
  events: JournalEvent[];
  /** Beginning of a last line that its writer did not finish; null when the file ends as it should. */
  tornLine: string | null;
  /** Event types of a newer version, with how often they were met; they are left out of `events`. */
  unknownTypes: Record<string, number>;
};

/**
 * Reads a journal, in memory proportional to its events and not to its text.
 * @throws AppError FILE_UNREADABLE, or PROTOCOL with the line number when a line other than a torn last one is damaged
 */
export async function readJournal(path: string): Promise<JournalReading> {
  const reading: JournalReading = { events: [], tornLine: null, unknownTypes: {} };
  let lineNumber = 0;
  for await (const { text, isWhole } of linesOf(path)) {
    lineNumber += 1;
    if (text === '') continue;
    const event = parseLine(text, { path, lineNumber, isWhole });
    if (event === 'torn') reading.tornLine = text.slice(0, 80);
    else if (typeof event === 'string') reading.unknownTypes[event] = (reading.unknownTypes[event] ?? 0) + 1;
    else reading.events.push(event);
  }
  reading.events.sort(compareEvents);
  return reading;
}

type Line = { text: string; /** False for a last line without its line feed. */ isWhole: boolean };

/** The lines of a file as it is read; @throws AppError FILE_UNREADABLE */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) yield { text, isWhole: true };
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('FILE_UNREADABLE', `cannot read the journal ${path}: ${messageOf(cause)}`, {
      remedy: 'name the folder of a run: the one that holds journal.ndjson',
      cause,
    });
  }
  rest += decoder.end();
  if (rest !== '') yield { text: rest, isWhole: false };
}

/** An event, the name of a type this version does not know, or `torn`. */
function parseLine(text: string, where: { path: string; lineNumber: number; isWhole: boolean }): JournalEvent | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    if (!where.isWhole) return 'torn';
    throw damaged(where, 'is no JSON', text, cause);
  }
  const parsed = journalEvent.safeParse(json);
  if (parsed.success) return parsed.data;
  const type = (json as { type?: unknown } | null)?.type;
  if (typeof type === 'string' && !EVENT_TYPES.has(type)) return type;
  const [issue] = parsed.error.issues;
  throw damaged(where, `is no event (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`, text, parsed.error);
}

function damaged(where: { path: string; lineNumber: number }, what: string, text: string, cause: unknown): AppError {
  return new AppError('PROTOCOL', `${where.path}:${String(where.lineNumber)}: this line ${what}: ${text.slice(0, 120)}`, {
    remedy: 'a journal is written by holdfast alone; restore it from a copy, or remove the damaged line and accept what it knew is lost',
    cause,
  });
}

/** What is kept of the disk for last words, of some 200 bytes each. */
const ROOM_BYTES = 32_768;

/**
 * The one writer of a run's journal: numbers each event per writer and has it in the file when `append` returns.
 *
 * Once the disk is full it takes last words only, for which it has kept room: what became of the faults, and how the run ended.
 * Measurements are refused from then on, so that what comes after a lost one is never read as if nothing were missing.
 */
export class JournalWriter implements Disposable {
  readonly path: string;
  readonly #file: number;
  readonly #room: HeldRoom;
  readonly #nextSeq = new Map<string, number>();
  /** Bytes of whole lines in the file. */
  #length = 0;
  /** What the first write that failed failed with. */
  #full: AppError | null = null;
  #isClosed = false;

  /** @throws AppError DISK when the file exists or cannot be made, or the disk is too full for any run; nothing is left then */
  constructor(path: string) {
    this.path = path;
    [this.#file, this.#room] = openNew(path);
  }

  /**
   * Appends one event in one write, with the next number of its `from` (a number it already has is replaced: one channel keeps its order).
   * @returns the event as written
   * @throws AppError DISK; the journal then still ends with a whole line
   */
  append(event: Unnumbered<JournalEvent>): JournalEvent {
    if (this.#full && !isLastWord(event)) throw this.#full;
    const seq = this.#nextSeq.get(event.from) ?? 0;
    const numbered: JournalEvent = Object.assign({ t: event.t, from: event.from, seq }, event, { seq });
    const line = `${JSON.stringify(numbered)}\n`;
    try {
      this.#write(line);
    } catch (error) {
      if (!isLastWord(event) || !this.#room.release()) throw error;
      this.#write(line);
    }
    this.#nextSeq.set(event.from, seq + 1);
    return numbered;
  }

  /** Returns when everything appended is on the disk itself. @throws AppError DISK */
  sync(): void {
    try {
      fsyncSync(this.#file);
    } catch (cause) {
      throw diskError(this.path, cause);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#room.release();
    closeSync(this.#file);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(line: string): void {
    const bytes = Buffer.from(line);
    try {
      writeFileSync(this.#file, bytes);
      this.#length += bytes.length;
    } catch (cause) {
      // A full disk takes part of a line: left there, it would run into the next one once there is room again.
      ftruncateSync(this.#file, this.#length);
      const error = diskError(this.path, cause);
      this.#full ??= error;
      throw error;
    }
  }
}

function openNew(path: string): [file: number, room: HeldRoom] {
  let file: number;
  try {
    file = openSync(path, 'ax', 0o644);
  } catch (cause) {
    throw diskError(path, cause);
  }
  try {
    syncFolder(dirname(path));
    return [file, new HeldRoom(dirname(path), ROOM_BYTES)];
  } catch (cause) {
    closeSync(file);
    rmSync(path);
    throw diskError(path, cause);
  }
}

/** The runner's own words and the keeper's, which are few; not what is measured. */
function isLastWord({ from }: Pick<JournalEvent, 'from'>): boolean {
  return !from.startsWith('prober:') && !from.startsWith('observer:');
}
