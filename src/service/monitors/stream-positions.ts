// How far each stream was taken: what makes a chunk that comes twice harmless, and one that comes too early go back.
import type { StreamPosition } from './segment-file.ts';

/** A stream is one life of one prober; the oldest lives are forgotten, or an agent that restarts for ever would fill the memory. */
const STREAMS_KEPT = 64;

export class StreamPositions {
  /** By owner (`prober:v1`, `observer`), the streams last heard of at the end. */
  readonly #owners = new Map<string, Map<string, number>>();

  constructor(positions: readonly StreamPosition[] = []) {
    for (const { owner, stream, nextSeq } of positions) this.advance(owner, stream, nextSeq);
  }

  nextSeq(owner: string, stream: string): number {
    return this.#owners.get(owner)?.get(stream) ?? 0;
  }

  advance(owner: string, stream: string, nextSeq: number): void {
    const streams = this.#owners.get(owner) ?? new Map<string, number>();
    this.#owners.set(owner, streams);
    streams.delete(stream);
    streams.set(stream, nextSeq);
    for (const oldest of streams.keys()) {
      if (streams.size <= STREAMS_KEPT) break;
      streams.delete(oldest);
    }
  }

  all(): StreamPosition[] {
    return [...this.#owners].flatMap(([owner, streams]) => [...streams].map(([stream, nextSeq]) => ({ owner, stream, nextSeq })));
  }
}
