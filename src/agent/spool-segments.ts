// The files of one stream: numbered lines, appended at one end and deleted at the other as whole files.
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Segment = { firstSeq: number; count: number; bytes: number };

/** Small, so that what was acknowledged leaves the disk soon, and reading one to send its tail is cheap. */
const SEGMENT_BYTES = 256 << 10;

export class SpoolSegments {
  readonly #folder: string;
  #segments: Segment[] = [];
  #bytes: number;
  /** The file that is appended to; null before the first line and after `end`. */
  #file: number | null = null;

  /** Opens what lies in `folder`, which must exist; a torn last line, of a writer that was killed, is cut off. */
  constructor(folder: string) {
    this.#folder = folder;
    const firsts = readdirSync(folder).flatMap((file) => /^(\d+)\.ndjson$/.exec(file)?.[1] ?? []);
    for (const firstSeq of firsts.map(Number).sort((a, b) => a - b)) this.#segments.push(this.#recovered(firstSeq));
    this.#segments = this.#segments.filter(({ firstSeq, count }) => {
      if (count === 0) rmSync(this.#path(firstSeq));
      return count > 0;
    });
    this.#bytes = totalBytes(this.#segments);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest line on disk; equal to `nextSeq` when there is none. */
  get firstSeq(): number {
    return this.#segments[0]?.firstSeq ?? 0;
  }

  get nextSeq(): number {
    const last = this.#segments.at(-1);
    return last ? last.firstSeq + last.count : 0;
  }

  /** Appends lines in one write, the first of them with number `seq`. @throws what the filesystem says; none of them is there then */
  append(seq: number, lines: readonly string[]): void {
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    const segment = this.#writable(seq);
    if (this.#file === null) throw new Error('unreachable: no file is open');
    try {
      writeFileSync(this.#file, bytes);
    } catch (error) {
      // A full disk takes part of a line: left there, it would run into the next one once there is room again.
      ftruncateSync(this.#file, segment.bytes);
      throw error;
    }
    segment.bytes += bytes.length;
    this.#bytes += bytes.length;
    segment.count += lines.length;
  }

  /** Lines from number `seq` on, as many as fit, at least one when there is one. */
  read(seq: number, most: { lines: number; bytes: number }): string[] {
    const found: string[] = [];
    let bytes = 0;
    for (const segment of this.#segments) {
      if (segment.firstSeq + segment.count <= seq) continue;
      const lines = readFileSync(this.#path(segment.firstSeq), 'utf8')
        .split('\n')
        .slice(Math.max(0, seq - segment.firstSeq), segment.count);
      for (const line of lines) {
        bytes += Buffer.byteLength(line) + 1;
        if (found.length >= most.lines || (found.length > 0 && bytes > most.bytes)) return found;
        found.push(line);
      }
    }
    return found;
  }

  /** Deletes every file whose lines are all below `seq`, but for the one that is appended to. */
  deleteBelow(seq: number): void {
    const appended = this.#file === null ? null : this.#segments.at(-1);
    const isOver = (segment: Segment) => segment !== appended && segment.firstSeq + segment.count <= seq;
    for (const segment of this.#segments) if (isOver(segment)) rmSync(this.#path(segment.firstSeq));
    this.#segments = this.#segments.filter((segment) => !isOver(segment));
    this.#bytes = totalBytes(this.#segments);
  }

  /** Nothing is appended any more. */
  end(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #writable(seq: number): Segment {
    const last = this.#segments.at(-1);
    if (last && this.#file !== null && last.bytes < SEGMENT_BYTES) return last;
    this.end();
    const segment = { firstSeq: seq, count: 0, bytes: 0 };
    this.#file = openSync(this.#path(seq), 'ax', 0o600);
    this.#segments.push(segment);
    return segment;
  }

  #recovered(firstSeq: number): Segment {
    const path = this.#path(firstSeq);
    const content = readFileSync(path);
    const bytes = content.lastIndexOf(0x0a) + 1;
    if (bytes < content.length) truncateSync(path, bytes);
    return { firstSeq, count: content.subarray(0, bytes).reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 0), bytes };
  }

  #path(firstSeq: number): string {
    return join(this.#folder, `${String(firstSeq).padStart(12, '0')}.ndjson`);
  }
}

function totalBytes(segments: readonly Segment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0);
}
