// Brings the spool to the service: a chunk a stream at a time, at a bounded rate, again and again until it is taken. Of one monitor the
// lives of its probers go one after the other, or the service would read two of them as one that jumps back and forth in time.
import type { ClockEstimate } from '../core/agent-messages.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { ServiceClient } from './service-client.ts';
import type { Spool } from './spool.ts';
import type { SpoolStream } from './spool-stream.ts';
import { pause } from './waiting.ts';

export type UploaderOptions = {
  spool: Spool;
  client: ServiceClient;
  /** What is known of the service's clock now; null before its first answer, and nothing is sent then. */
  clock: () => ClockEstimate | null;
  log: (line: string) => void;
};

/** From one round, a chunk of each monitor's oldest stream, to the next. */
const ROUND_MS = 400;
/** So that what happens together is sent together. */
const GATHER_MS = 50;
const CHUNK = { lines: 20_000, bytes: 4 << 20 };
const LEAST_CHUNK_BYTES = 16 << 10;
const BACK_OFF_MS = { first: 500, most: 10_000 };

export class Uploader {
  readonly #options: UploaderOptions;
  #chunkBytes = CHUNK.bytes;
  #trouble = '';

  constructor(options: UploaderOptions) {
    this.#options = options;
  }

  /** Sends until the signal aborts; whatever is wrong with the service, it tries again. */
  async run(signal: AbortSignal): Promise<void> {
    const { spool } = this.#options;
    let backOffMs = BACK_OFF_MS.first;
    while (!signal.aborted) {
      if (spool.pending().length === 0) {
        await spool.grown(signal);
        await pause(GATHER_MS, signal);
      }
      const isFine = await this.#round(signal);
      await pause(isFine ? ROUND_MS - GATHER_MS : backOffMs, signal);
      backOffMs = isFine ? BACK_OFF_MS.first : Math.min(BACK_OFF_MS.most, 2 * backOffMs);
    }
  }

  /** Sends all that is left as fast as the service takes it, until the signal aborts or it does not take it. */
  async drain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#options.spool.pending().length > 0 && (await this.#round(signal)));
  }

  /** @returns whether the service took all that it was given */
  async #round(signal: AbortSignal): Promise<boolean> {
    const clock = this.#options.clock();
    if (clock === null) return false;
    try {
      let trouble = '';
      const behind = new Set<string>();
      for (const stream of this.#options.spool.pending()) {
        const { monitor } = stream.about;
        if (behind.has(monitor)) continue;
        trouble = (await this.#trySend(stream, clock, signal)) ?? trouble;
        if (stream.pending > 0) behind.add(monitor);
      }
      this.#tell(trouble);
      return trouble === '';
    } catch (error) {
      if (!signal.aborted) this.#tell(messageOf(error));
      return false;
    }
  }

  /** @returns what the service has against this stream, which must not hold up others; @throws AppError SERVICE_UNREACHABLE */
  async #trySend(stream: SpoolStream, clock: ClockEstimate, signal: AbortSignal): Promise<string | null> {
    try {
      await this.#send(stream, clock, signal);
      return null;
    } catch (error) {
      if (error instanceof AppError && error.code === 'SERVICE_REFUSED') return error.message;
      throw error;
    }
  }

  async #send(stream: SpoolStream, clock: ClockEstimate, signal: AbortSignal): Promise<void> {
    const { firstSeq, lines } = stream.read({ lines: CHUNK.lines, bytes: this.#chunkBytes });
    if (lines.length === 0) return;
    const head = JSON.stringify({ ...stream.about, firstSeq, clock });
    // The lines are JSON already: to parse and write them again would only cost.
    const outcome = await this.#options.client.sendChunk(`${head.slice(0, -1)},"events":[${lines.join(',')}]}`, signal);
    switch (outcome.kind) {
      case 'taken':
        if (outcome.isObsolete) stream.markObsolete();
        else stream.acknowledge(outcome.nextSeq);
        return;
      case 'too-large':
        if (this.#chunkBytes > LEAST_CHUNK_BYTES) this.#chunkBytes /= 2;
        else stream.drop('the service does not even take a small chunk');
        return;
      case 'refused':
        // Sent again it would be refused again, and hold up all that follows.
        stream.drop(`the service refused a chunk: ${outcome.why}`);
    }
  }

  /** Once each time it changes: an outage of hours is two lines. */
  #tell(trouble: string): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#options.log(trouble === '' ? 'the service takes what was measured' : `${trouble}; what is measured waits on disk`);
  }
}
