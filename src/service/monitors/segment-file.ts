// One hour of a monitor's session on disk: a head from which it can be read alone, then everything that its watch was given, in order.
//
//   {"type":"segment.started", session, plan, positions of all streams, the watch's snapshot}
//   {"t":…,"from":"prober:v1","seq":7,"type":"tally",…,"stream":"…"}      an accepted event
//   {"type":"vantage.told","t":…,…}                                        what became known of a vantage
//   {"type":"watch.advanced","t":…}                                        the watch judged up to here
//   {"type":"watch.resumed","t":…}                                         the service is back, and was away since it judged last
//
// The segments are the only record of how far each stream was taken: there is no second one that a crash could leave behind or ahead.
import { closeSync, fdatasyncSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError, messageOf } from '../../core/errors.ts';
import type { JournalEvent } from '../../core/journal.ts';
import { diskError } from '../../io/disk-error.ts';
import { linesOf } from '../../io/journal-file.ts';
import { writeWholeFile } from '../../io/whole-file.ts';
import type { MonitorPlan } from './monitor-plan.ts';

const SEGMENT_SCHEMA = 1;

const streamPosition = z.object({ owner: z.string(), stream: z.string(), nextSeq: z.int() });
/** The seq that is expected next in one life of one writer. */
export type StreamPosition = z.infer<typeof streamPosition>;

const segmentHead = z.object({
  type: z.literal('segment.started'),
  schema: z.literal(SEGMENT_SCHEMA),
  session: z.object({ id: z.string(), t0MonoMs: z.number(), t0WallMs: z.number(), machineBoot: z.string() }),
  plan: z.custom<MonitorPlan>((value) => typeof value === 'object' && value !== null),
  positions: z.array(streamPosition),
  /** Null at the beginning of a session. */
  watch: z.unknown(),
});
export type SegmentHead = Omit<z.infer<typeof segmentHead>, 'type' | 'schema'>;

/** Of a line only what the reading itself needs: it was checked whole before it was written. */
const segmentLine = z.union([
  z.looseObject({ type: z.enum(['watch.advanced', 'watch.resumed']), t: z.number() }),
  z.looseObject({
    type: z.literal('vantage.told'),
    t: z.number(),
    vantage: z.string(),
    state: z.enum(['heard', 'silent']),
    sinceT: z.number(),
  }),
  z.looseObject({ type: z.string(), t: z.number(), from: z.string(), seq: z.int().nonnegative(), stream: z.string() }),
]);
type Advanced = { type: 'watch.advanced'; t: number };
type Resumed = { type: 'watch.resumed'; t: number };
export type VantageTold = { type: 'vantage.told'; t: number; vantage: string; state: 'heard' | 'silent'; sinceT: number };
export type StreamedEvent = JournalEvent & { stream: string };
export type SegmentLine = Advanced | Resumed | VantageTold | StreamedEvent;

/** Appends to one segment. Whatever fails, it ends with a whole line. */
export class SegmentWriter implements Disposable {
  readonly path: string;
  readonly #file: number;
  #length: number;

  private constructor(path: string, length: number) {
    this.path = path;
    try {
      this.#file = openSync(path, 'a', 0o600);
    } catch (cause) {
      throw diskError(path, cause);
    }
    this.#length = length;
  }

  /** Makes a segment with its head, whole or not at all. @throws AppError DISK */
  static create(path: string, head: SegmentHead): SegmentWriter {
    const text = `${JSON.stringify({ type: 'segment.started', schema: SEGMENT_SCHEMA, ...head })}\n`;
    writeWholeFile(path, text, 0o600);
    return new SegmentWriter(path, Buffer.byteLength(text));
  }

  /** Goes on after the `length` bytes that were read; what its last writer did not finish is cut off. @throws AppError DISK */
  static reopen(path: string, length: number): SegmentWriter {
    const writer = new SegmentWriter(path, length);
    writer.#cut();
    return writer;
  }

  get bytes(): number {
    return this.#length;
  }

  /**
   * Appends lines in one write.
   * @param options.sync returns only once they are on the disk itself
   * @throws AppError DISK; none of them counts then
   */
  append(lines: readonly SegmentLine[], options: { sync?: boolean } = {}): void {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    try {
      writeFileSync(this.#file, bytes);
      if (options.sync) fdatasyncSync(this.#file);
    } catch (cause) {
      // A full disk takes some of the lines: what is not acknowledged comes again, and must not stand there twice.
      this.#cut();
      throw diskError(this.path, cause);
    }
    this.#length += bytes.length;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #cut(): void {
    ftruncateSync(this.#file, this.#length);
  }
}

/** The head of a segment. @throws AppError FILE_UNREADABLE; PROTOCOL for what is no segment of this version */
export async function readHead(path: string): Promise<SegmentHead> {
  for await (const { text } of linesOf(path)) return parse(segmentHead, text, path);
  throw new AppError('PROTOCOL', `${path} is empty`);
}

/**
 * Gives every line after the head to `take`, in order.
 * @returns bytes of all whole lines, head included; what follows them was torn by a crash
 * @throws AppError FILE_UNREADABLE; PROTOCOL for a damaged line that is not the last
 */
export async function replaySegment(path: string, take: (line: SegmentLine) => void): Promise<number> {
  let bytes = 0;
  let damage: AppError | null = null;
  for await (const { text, isWhole } of linesOf(path)) {
    if (damage !== null) throw damage;
    try {
      if (!isWhole) break;
      if (bytes > 0) take(parse(segmentLine, text, path) as SegmentLine);
      bytes += Buffer.byteLength(text) + 1;
    } catch (error) {
      // After a loss of power the last line may be there in length alone. Any other was acknowledged, and cannot be cut off.
      if (!(error instanceof AppError)) throw error;
      damage = error;
    }
  }
  return bytes;
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string, path: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('PROTOCOL', `${path} is damaged: ${messageOf(cause).slice(0, 200)}`, { cause });
  }
}
