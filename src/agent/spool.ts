// What was measured and is not yet at the service: on disk, bounded, and never sent twice.
//
//   spool/STREAM/about.json            whose events they are
//   spool/STREAM/000000000000.ndjson   events, a line each; the file is named after the number of its first
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { diskError } from '../io/disk-error.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import { SpoolSegments } from './spool-segments.ts';
import { type StreamAbout, SpoolStream } from './spool-stream.ts';

const about = z.object({ monitor: z.string(), session: z.string(), stream: z.string() });

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
  readonly #streams = new Map<string, SpoolStream>();
  #droppedEvents = 0;
  #toldDropped = '';
  #waiting: (() => void)[] = [];

  /** Finds what an earlier life left: its probers are gone, so those streams only have to be sent. @throws AppError DISK */
  constructor(options: SpoolOptions) {
    this.#options = options;
    try {
      mkdirSync(options.folder, { recursive: true, mode: 0o700 });
      for (const stream of readdirSync(options.folder)) this.#recover(stream);
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
    const stream = this.#options.newStream();
    const folder = join(this.#options.folder, stream);
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (cause) {
      throw diskError(folder, cause);
    }
    writeWholeFile(join(folder, 'about.json'), JSON.stringify({ monitor: of.monitor, session: of.session, stream }), 0o600);
    return this.#add({ monitor: of.monitor, session: of.session, stream }, folder);
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

  #recover(stream: string): void {
    const folder = join(this.#options.folder, stream);
    const found = about.safeParse(aboutOf(folder));
    if (!found.success) {
      // Its writer was killed before the first event.
      rmSync(folder, { recursive: true, force: true });
      return;
    }
    const recovered = this.#add(found.data, folder);
    recovered.end();
    if (recovered.pending > 0) this.#options.log(`${String(recovered.pending)} events of an earlier life wait for the service`);
  }

  #add(of: StreamAbout, folder: string): SpoolStream {
    const stream = new SpoolStream(of, {
      segments: new SpoolSegments(folder),
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
    rmSync(join(this.#options.folder, stream), { recursive: true, force: true });
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
