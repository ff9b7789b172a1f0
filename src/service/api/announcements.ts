// Word of each change, kept in the table `events` so that a listener who was away is told what it missed.
import type { Announce, ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';

export type Announcement = { id: number; topic: string; subject: string; atMs: number };

export type Announcements = AsyncDisposable & {
  announce: Announce;
  /** Called after each write. @returns ends it */
  onWritten(listener: () => void): () => void;
  /** Announcements after `id`, oldest first; `isComplete` is false when some after it are kept no longer. */
  after(id: number, limit: number): Promise<{ announcements: Announcement[]; isComplete: boolean }>;
  newestId(): Promise<number>;
};

/** Kept for listeners that come back; who was away longer reads everything anew anyway. */
const KEPT = 20_000;
const PRUNE_EVERY = 1_000;

/** @param log told of announcements that the store did not take: listeners miss them, nothing else depends on them */
export function openAnnouncements(options: { store: Store; clock: ServiceClock; log: (line: string) => void }): Announcements {
  const { store, clock, log } = options;
  const listeners = new Set<() => void>();
  let waiting: { at_ms: number; topic: string; subject: string }[] = [];
  let writing: Promise<void> | null = null;
  let sincePruned = 0;

  // One write takes all that came while the one before was under way: a burst of findings is a few writes.
  const write = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 500);
      try {
        await store.insertInto('events').values(batch).execute();
        sincePruned += batch.length;
        if (sincePruned >= PRUNE_EVERY) await prune();
      } catch (error) {
        log(`${String(batch.length)} announcements were not stored: ${error instanceof Error ? error.message : String(error)}`);
      }
      for (const listener of listeners) listener();
    }
    writing = null;
  };
  const prune = async () => {
    sincePruned = 0;
    await store
      .deleteFrom('events')
      .where('id', '<=', (await newestId()) - KEPT)
      .execute();
  };
  const newestId = async () => {
    const row = await store
      .selectFrom('events')
      .select(({ fn }) => fn.max('id').as('id'))
      .executeTakeFirst();
    return row?.id ?? 0;
  };

  return {
    announce: (topic, subject) => {
      waiting.push({ at_ms: clock.nowMs(), topic, subject });
      writing ??= write();
    },
    onWritten: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    after: async (id, limit) => {
      const rows = await store.selectFrom('events').selectAll().where('id', '>', id).orderBy('id').limit(limit).execute();
      const first = rows[0]?.id;
      return {
        announcements: rows.map(({ id: each, topic, subject, at_ms }) => ({ id: each, topic, subject, atMs: at_ms })),
        isComplete: first === undefined || first === id + 1,
      };
    },
    newestId,
    [Symbol.asyncDispose]: async () => {
      listeners.clear();
      while (writing !== null) await writing;
      waiting = [];
    },
  };
}
