// What was measured and is not yet at the service: on disk, bounded, and never sent twice.
//
//   spool/STREAM/about.json            whose events they are, and the how manieth stream it is
//   spool/STREAM/000000000000.ndjson   events, a line each; the file is named after the number of its first
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { diskError } from '../io/disk-error.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import { SpoolSegments } from './spool-segments.ts';
import { type StreamAbout, SpoolStream } from './spool-stream.ts';

/** `turn`: streams begun later have higher ones. Their names say nothing, and clocks step. */
const about = z.object({ monitor: z.string(), session: z.string(), stream: z.string(), turn: z.int().nonnegative().default(0) });

export type SpoolOptions = {
  folder: string;
  maxBytes: number;
  /** Names a new stream: letters and digits, never the same twice. */
  newStream: () => string;
  log: (line: string) => void;
};

/** Streams that were cut because the spool was full begin anew once it is emptier than this. */
const ROOM_AGAIN = 0.5;

export class Spool {
  readonly #options: SpoolOptions;
  /** In the order in which they were begun. */
  readonly #streams = new Map<string, SpoolStream>();
  #nextTurn = 0;
  #droppedEvents = 0;
  #toldDropped = '';
  #waiting: (() => void)[] = [];

  /** Finds what an earlier life left: its probers are gone, so those streams only have to be sent. @throws AppError DISK */
  constructor(options: SpoolOptions) {
    this.#options = options;
    try {
      mkdirSync(options.folder, { recursive: true, mode: 0o700 });
      const found = readdirSync(options.folder).flatMap((stream) => this.#found(stream) ?? []);
      for (const { turn, ...of } of found.sort((a, b) => a.turn - b.turn)) {
        this.#recover(of);
        this.#nextTurn = turn + 1;
      }
    } catch (cause) {
      throw diskError(options.folder, cause);
    }
  }

  get bytes(): number {
    return [...this.#streams.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  get hasRoom(): boolean {
    return this.bytes < this.#options.maxBytes * ROOM_AGAIN;
  }

  /** A stream for a new life of a prober. @throws AppError DISK */
  begin(of: Omit<StreamAbout, 'stream'>): SpoolStream {
    const { monitor, session } = of;
    const stream = this.#options.newStream();
    const folder = this.#folderOf(stream);
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (cause) {
      throw diskError(folder, cause);
    }
    try {
      writeWholeFile(join(folder, 'about.json'), JSON.stringify({ monitor, session, stream, turn: this.#nextTurn }), 0o600);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true }); // or a full disk would get one more at every try
      throw error;
    }
    this.#nextTurn += 1;
    return this.#add({ monitor, session, stream });
  }

  /** Streams with something to send, oldest first. Those that are over leave the disk. */
  pending(): SpoolStream[] {
    for (const [stream, { isOver }] of this.#streams) if (isOver) this.#remove(stream);
    return [...this.#streams.values()].filter(({ pending }) => pending > 0);
  }

  /** Resolves when a stream grew, or the signal aborts. */
  async grown(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = () => {
      resolve(undefined);
    };
    this.#waiting.push(wake);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    signal.removeEventListener('abort', wake);
  }

  /** What lies there of an earlier life; null, and gone, when its writer was killed before the first event. */
  #found(stream: string): z.output<typeof about> | null {
    const folder = this.#folderOf(stream);
    const found = about.safeParse(aboutOf(folder));
    if (found.success) return found.data;
    rmSync(folder, { recursive: true, force: true });
    return null;
  }

  #recover(of: StreamAbout): void {
    const recovered = this.#add(of);
    recovered.end();
    if (recovered.pending > 0) this.#options.log(`${String(recovered.pending)} events of an earlier life wait for the service`);
  }

  #add(of: StreamAbout): SpoolStream {
    const stream = new SpoolStream(of, {
      segments: new SpoolSegments(this.#folderOf(of.stream)),
      hasRoomFor: (bytes) => this.bytes + bytes <= this.#options.maxBytes,
      onDropped: (count, why) => {
        this.#dropped(count, `${of.monitor}: ${why}`);
      },
      onGrown: () => {
        for (const wake of this.#waiting.splice(0)) wake();
      },
    });
    this.#streams.set(of.stream, stream);
    return stream;
  }

  #remove(stream: string): void {
    this.#streams.delete(stream);
    rmSync(this.#folderOf(stream), { recursive: true, force: true });
  }

  #folderOf(stream: string): string {
    return join(this.#options.folder, stream);
  }

  #dropped(count: number, why: string): void {
    this.#droppedEvents += count;
    if (why !== this.#toldDropped) this.#options.log(`events are lost: ${why}`);
    this.#toldDropped = why;
  }
}

function aboutOf(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, 'about.json'), 'utf8'));
  } catch {
    return null; // never written, or not whole
  }
}
