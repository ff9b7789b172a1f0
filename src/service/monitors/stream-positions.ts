// How far each stream was taken: what makes a chunk that comes twice harmless, and one that comes too early go back.
import type { StreamPosition } from './segment-file.ts';

/**
 * A stream is one life of one prober. Forgotten too early, what came before would be taken a second time; never forgotten, an agent that
 * restarts for ever would fill the memory. A prober that dies at once lives some 3,000 times a day.
 */
const KEPT_MS = 24 * 3_600_000;
const MOST_STREAMS = 10_000;
/** Silence longer than this is an owner that is cut off, or a service that was away: what it has begun comes when it is back. */
const TALKING_MS = 60_000;

type Stream = { nextSeq: number; heardMs: number };
/** `talkedMs`: for how long it has been heard in all; it is the time that its streams age by. */
type Owner = { streams: Map<string, Stream>; talkedMs: number; lastMs: number | null };

export class StreamPositions {
  /** By owner (`prober:v1`, `observer`), the streams last heard of at the end. */
  readonly #owners = new Map<string, Owner>();

  constructor(positions: readonly StreamPosition[] = []) {
    for (const { owner, stream, nextSeq } of positions) this.advance(owner, stream, nextSeq);
  }

  nextSeq(owner: string, stream: string): number {
    return this.#owners.get(owner)?.streams.get(stream)?.nextSeq ?? 0;
  }

  /** @param nowMs monotonic; null while a segment is read again, in which nothing ages */
  advance(owner: string, stream: string, nextSeq: number, nowMs: number | null = null): void {
    const of = this.#owners.get(owner) ?? { streams: new Map<string, Stream>(), talkedMs: 0, lastMs: null };
    this.#owners.set(owner, of);
    if (nowMs !== null) {
      of.talkedMs += Math.min(TALKING_MS, nowMs - (of.lastMs ?? nowMs));
      of.lastMs = nowMs;
    }
    of.streams.delete(stream);
    of.streams.set(stream, { nextSeq, heardMs: of.talkedMs });
    for (const [oldest, { heardMs }] of of.streams) {
      if (of.talkedMs - heardMs <= KEPT_MS && of.streams.size <= MOST_STREAMS) break;
      of.streams.delete(oldest);
    }
  }

  all(): StreamPosition[] {
    return [...this.#owners].flatMap(([owner, { streams }]) => [...streams].map(([stream, { nextSeq }]) => ({ owner, stream, nextSeq })));
  }
}
