// What keeper and janitor wrote about a run that lost its keeper: read from their journal beside the target, or asked of a keeper elsewhere.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventOf, JournalEvent } from '../core/journal.ts';
import { KEEPER_JOURNAL_FILE, type KeeperRecord, parseKeeperRecord, runEventsOf } from '../core/keeper-records.ts';

const POLL_MS = 100;
const ASK_AGAIN_MS = 500;

/**
 * The `fault.*` events of `runId` in the clock of that run; waits up to `waitMs` until each of its faults has its last word.
 * Empty when the journal cannot be read any more.
 */
export async function keeperLastWords(stateFolder: string, runId: string, waitMs: number): Promise<JournalEvent[]> {
  const until = performance.now() + waitMs;
  for (;;) {
    const events = readKeeperJournal(stateFolder, runId);
    if (unfinished(events).length === 0 || performance.now() > until) return events;
    await sleep(POLL_MS);
  }
}

/** Whether the journal lies here: the folder of a keeper on another machine may bear the name of one on this machine. */
export function isJournalOf(stateFolder: string, runId: string): boolean {
  return readLines(join(stateFolder, KEEPER_JOURNAL_FILE)).some((line) => line.type === 'acquired' && line.runId === runId);
}

/**
 * The same events from a keeper that is reached again; waits up to `waitMs` until each fault of the run has its last word.
 * @param ask asks anew, each time by a new connection; whatever it fails with, it is asked again
 * @param asked faults of which the keeper may not have written yet, and has a word all the same
 * @returns `isAnswered`: the last time that it was asked it answered
 */
export async function wordsFromAfar(
  ask: () => Promise<JournalEvent[]>,
  asked: readonly string[],
  waitMs: number,
): Promise<{ words: JournalEvent[]; isAnswered: boolean }> {
  const until = performance.now() + waitMs;
  let words: JournalEvent[] = [];
  for (;;) {
    const answer = await ask().catch(() => null);
    words = answer ?? words;
    const isAnswered = answer !== null;
    const isWhole = isAnswered && unfinished(words).length === 0 && asked.every((fault) => words.some((word) => isOf(word, fault)));
    if (isWhole || performance.now() > until) return { words, isAnswered };
    await sleep(ASK_AGAIN_MS);
  }
}

/** Whether the keeper tells of `fault` here. */
export function isOf(event: JournalEvent, fault: string): boolean {
  return isOfKeeper(event) && event.fault === fault;
}

/** The newest event of each fault of which nobody said that it is over. */
export function unfinished(events: readonly JournalEvent[]): KeeperEvent[] {
  const newest = new Map(events.flatMap((event) => (isOfKeeper(event) ? [[event.fault, event] as const] : [])));
  return [...newest.values()].filter(({ type }) => type !== 'fault.verified' && type !== 'fault.gone');
}

type KeeperEvent = EventOf<
  'fault.intent' | 'fault.in-force' | 'fault.lost' | 'fault.reverting' | 'fault.verified' | 'fault.unverified' | 'fault.gone'
>;

function isOfKeeper(event: JournalEvent): event is KeeperEvent {
  return event.type.startsWith('fault.') && event.type !== 'fault.planned';
}

/** The same, without waiting. */
export function readKeeperJournal(stateFolder: string, runId: string): JournalEvent[] {
  return runEventsOf(readLines(join(stateFolder, KEEPER_JOURNAL_FILE)), runId);
}

function readLines(path: string): KeeperRecord[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line) => parseKeeperRecord(line) ?? []);
  } catch {
    return []; // taken away with its lab: nobody can tell any more
  }
}
