// What keeper and janitor wrote about a run that lost its keeper, read from their journal beside the target.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEvent } from '../core/journal.ts';
import { faultEventOf, KEEPER_JOURNAL_FILE, type KeeperRecord, parseKeeperRecord } from '../core/keeper-records.ts';

const POLL_MS = 100;

/**
 * The `fault.*` events of `runId` in the clock of that run; waits up to `waitMs` until each of its faults has its last word.
 * Empty when the journal cannot be read any more.
 */
export async function keeperLastWords(stateFolder: string, runId: string, waitMs: number): Promise<JournalEvent[]> {
  const until = performance.now() + waitMs;
  for (;;) {
    const events = readKeeperJournal(stateFolder, runId);
    const isOver = [...lastByFault(events).values()].every((type) => type === 'fault.verified' || type === 'fault.gone');
    if (isOver || performance.now() > until) return events;
    await sleep(POLL_MS);
  }
}

/** The same, without waiting. */
export function readKeeperJournal(stateFolder: string, runId: string): JournalEvent[] {
  const lines = readLines(join(stateFolder, KEEPER_JOURNAL_FILE));
  const epochs = new Map(
    lines.flatMap((line) => (line.type === 'acquired' && line.runId === runId ? [[line.epoch, line.t0MonoMs] as const] : [])),
  );
  const intents = new Map<string, { kind: string; target: string; t0MonoMs: number }>();
  return lines.flatMap((line) => {
    if (!('fault' in line)) return [];
    const t0MonoMs = epochs.get(line.epoch);
    if (t0MonoMs === undefined) return [];
    const key = `${String(line.epoch)}/${line.fault}`;
    if (line.type === 'fault.intent') intents.set(key, { kind: line.kind, target: line.target, t0MonoMs });
    const intent = intents.get(key);
    return (intent && faultEventOf(line, intent)) ?? [];
  });
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

function lastByFault(events: readonly JournalEvent[]): Map<string, string> {
  return new Map(
    events.flatMap((event) => ('fault' in event && typeof event.fault === 'string' ? [[event.fault, event.type] as const] : [])),
  );
}
