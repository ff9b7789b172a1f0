// The events of one life of one prober, on disk until the service has them.
import type { JournalEvent } from '../core/journal.ts';
import type { SpoolSegments } from './spool-segments.ts';

export type StreamAbout = { monitor: string; session: string; stream: string };

export type StreamTools = {
  segments: SpoolSegments;
  /** Whether so many bytes more may lie in the spool. */
  hasRoomFor(bytes: number): boolean;
  /** Told how many events were not kept, and why. */
  onDropped(count: number, why: string): void;
  /** Told when there is something to send. */
  onGrown(): void;
};

/**
 * `cut`: an event was dropped, so that no later one can follow without a gap; the prober must begin another stream.
 * `obsolete`: nobody wants it any more.
 */
export type StreamState = 'whole' | 'cut' | 'obsolete';

export class SpoolStream {
  readonly about: StreamAbout;
  readonly #tools: StreamTools;
  #state: StreamState = 'whole';
  #isEnded = false;
  /** Not yet in the file: written together, once a turn of the event loop. */
  #lines: string[] = [];
  #lineBytes = 0;
  #writing: NodeJS.Immediate | null = null;
  /** What the service has said it expects next. */
  #wantedSeq: number;
  #nextSeq: number;

  constructor(about: StreamAbout, tools: StreamTools) {
    this.about = about;
    this.#tools = tools;
    this.#wantedSeq = tools.segments.firstSeq;
    this.#nextSeq = tools.segments.nextSeq;
  }

  get state(): StreamState {
    return this.#state;
  }

  get bytes(): number {
    return this.#tools.segments.bytes;
  }

  /** Events in the files that the service has not said it has. */
  get pending(): number {
    return this.#state === 'obsolete' ? 0 : Math.max(0, this.#tools.segments.nextSeq - this.#wantedSeq);
  }

  /** Whether nothing will ever be sent from it again. */
  get isOver(): boolean {
    return this.#isEnded && this.pending === 0;
  }

  /** Takes the next event of the prober. What cannot be kept cuts the stream and is counted. */
  append(event: JournalEvent): void {
    if (this.#state === 'obsolete') return;
    const line = JSON.stringify(event);
    if (this.#state === 'whole' && event.seq !== this.#nextSeq)
      this.#cut(`the prober told event ${String(event.seq)} after ${String(this.#nextSeq - 1)}`);
    else if (this.#state === 'whole' && !this.#tools.hasRoomFor(this.#lineBytes + Buffer.byteLength(line) + 1))
      this.#cut('the spool is full');
    if (this.#state === 'cut') {
      this.#tools.onDropped(1, 'the stream is cut');
      return;
    }
    this.#lines.push(line);
    this.#lineBytes += Buffer.byteLength(line) + 1;
    this.#nextSeq += 1;
    this.#writing ??= setImmediate(() => {
      this.#write();
    });
  }

  /** What to send next: at least one event when any is pending. */
  read(most: { lines: number; bytes: number }): { firstSeq: number; lines: string[] } {
    const firstSeq = this.#wantedSeq;
    return { firstSeq, lines: this.#tools.segments.read(firstSeq, most) };
  }

  /** The service expects this one next: all below is deleted. One that is not here any more is a gap that nobody can fill. */
  acknowledge(nextSeq: number): void {
    const { segments } = this.#tools;
    if (nextSeq < segments.firstSeq) {
      this.drop('the service asks for events that this agent no longer has');
      return;
    }
    this.#wantedSeq = nextSeq;
    segments.deleteBelow(nextSeq);
  }

  /** Nobody wants this session any more: what there is, and what comes, is nobody's loss. */
  markObsolete(): void {
    this.#forget();
    this.#state = 'obsolete';
  }

  /** Gives up what is unsent, and counts it. */
  drop(why: string): void {
    const count = this.pending + this.#lines.length;
    this.#forget();
    this.#tools.onDropped(count, why);
    this.#state = 'cut';
  }

  /** The prober's life is over. */
  end(): void {
    this.#write();
    this.#isEnded = true;
    this.#tools.segments.end();
    this.#tools.segments.deleteBelow(this.#wantedSeq);
  }

  #write(): void {
    if (this.#writing) clearImmediate(this.#writing);
    this.#writing = null;
    const lines = this.#lines.splice(0);
    this.#lineBytes = 0;
    if (lines.length === 0) return;
    try {
      this.#tools.segments.append(this.#nextSeq - lines.length, lines);
    } catch (error) {
      this.#nextSeq -= lines.length;
      this.#cut(error instanceof Error ? error.message : String(error));
      this.#tools.onDropped(lines.length, 'they could not be written');
      return;
    }
    this.#tools.onGrown();
  }

  #cut(why: string): void {
    if (this.#state === 'whole') this.#tools.onDropped(0, `${why}; what follows in this stream is dropped`);
    this.#state = 'cut';
  }

  #forget(): void {
    const { segments } = this.#tools;
    this.#lines = [];
    this.#lineBytes = 0;
    segments.end();
    this.#wantedSeq = segments.nextSeq;
    segments.deleteBelow(segments.nextSeq);
  }
}
