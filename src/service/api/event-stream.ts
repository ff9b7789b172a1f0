// Server-Sent Events (WHATWG HTML section 9.2) of the announcements: resumable, bounded in number, and never held up by a slow reader.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Announcement, Announcements } from './announcements.ts';
import type { Limits } from './limits.ts';

const BATCH = 200;

/** Counts streams, so that nobody holds all of them. */
export class StreamSeats {
  readonly #taken = new Map<string, number>();
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** @returns gives the seat back; null when there is none */
  take(caller: string): (() => void) | null {
    const own = this.#taken.get(caller) ?? 0;
    const all = [...this.#taken.values()].reduce((sum, count) => sum + count, 0);
    if (own >= this.#limits.streamsPerCaller || all >= this.#limits.streams) return null;
    this.#taken.set(caller, own + 1);
    return () => {
      const left = (this.#taken.get(caller) ?? 1) - 1;
      if (left === 0) this.#taken.delete(caller);
      else this.#taken.set(caller, left);
    };
  }
}

/**
 * Streams what is announced after `lastId` until the reader or the service goes, or `mayRead` says no: it is asked before each batch and
 * each heartbeat. A reader who was away for longer than announcements
 * are kept is told `reset` first: anything may have changed.
 * @param lastId the reader's Last-Event-ID; null: from now on
 */
export async function streamEvents(
  response: ServerResponse,
  options: {
    announcements: Announcements;
    lastId: number | null;
    limits: Limits;
    mayRead: () => Promise<boolean>;
    signal: AbortSignal;
  },
): Promise<void> {
  const { announcements, lastId, limits, mayRead, signal } = options;
  if (response.destroyed) return; // gone while it was asked who it is: its close is not told a second time
  const ended = new AbortController();
  const isOver = AbortSignal.any([signal, ended.signal]);
  let wake: () => void = () => undefined;
  response.once('close', () => {
    ended.abort();
  });
  isOver.addEventListener('abort', () => {
    wake();
  });
  // Who does not read would fill our memory: nothing more is written until it does, and one that never does is dropped.
  const write = async (text: string) => {
    if (response.write(text)) return;
    const timer = setTimeout(() => response.destroy(), limits.unreadMs);
    await once(response, 'drain', { signal: isOver }).catch(() => undefined); // over: the loop below ends
    clearTimeout(timer);
  };
  let isNew = true;
  const unsubscribe = announcements.onWritten(() => {
    isNew = true;
    wake();
  });
  const beat = async () => {
    if (!(await mayRead().catch(() => false))) ended.abort(); // a store that does not answer: the reader asks anew
    if (!isAborted(isOver) && !response.writableNeedDrain) response.write(': alive\n\n');
  };
  const heartbeat = setInterval(() => void beat(), limits.heartbeatMs);
  try {
    const newest = await announcements.newestId();
    // An id that we never gave is of another store: anything may have changed too.
    let id = lastId === null ? newest : Math.min(lastId, newest);
    await write(lastId !== null && lastId > newest ? resetText(newest) : ': welcome\n\n');
    while (!isAborted(isOver)) {
      isNew = false;
      const next = await announcements.after(id, BATCH);
      if (!(await mayRead())) return;
      if (!next.isComplete) await write(resetText(id));
      if (next.announcements.length > 0) await write(next.announcements.map(eventText).join(''));
      id = next.announcements.at(-1)?.id ?? id;
      if (next.announcements.length === BATCH) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (wasWokenMeanwhile() || isAborted(isOver)) resolve();
      });
    }
  } finally {
    clearInterval(heartbeat);
    unsubscribe();
    response.end();
  }

  /** Asked after waits: the compiler does not know that they change it. */
  function wasWokenMeanwhile(): boolean {
    return isNew;
  }
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function eventText({ id, topic, subject, atMs }: Announcement): string {
  // JSON has no line ends, so a subject cannot begin a field of its own.
  return `id: ${String(id)}\nevent: change\ndata: ${JSON.stringify({ topic, subject, atMs })}\n\n`;
}

function resetText(id: number): string {
  return `id: ${String(id)}\nevent: change\ndata: ${JSON.stringify({ topic: '*', subject: '', atMs: 0 })}\n\n`;
}
