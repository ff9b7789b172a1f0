// The keeper's own journal: what keeper and janitor write beside the target, one line a fact, and what a run is told of it.
//
// Both append to one file (keeper.ndjson). `atMs` is the machine's CLOCK_MONOTONIC, so it means something only together
// with the `machineBoot` of the epoch it belongs to.
import { z } from 'zod';
import type { JournalEvent } from './journal.ts';
import { FAULT_AIMS, FAULT_MEANS } from './scenario-file.ts';

export const KEEPER_JOURNAL_FILE = 'keeper.ndjson';

const stamp = {
  atMs: z.number(),
  by: z.enum(['keeper', 'janitor']),
  /** Counts up per `by`. */
  seq: z.int().nonnegative(),
};

function record<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.object({ ...stamp, type: z.literal(type), ...shape });
}

/** A fault is keyed by epoch and name: one run and one deadline. By target, a frozen keeper's late command would find no owner. */
const ref = { epoch: z.int(), fault: z.string() };
const reason = z.string();

export const keeperRecord = z.discriminatedUnion('type', [
  /** A run took the environment. The highest epoch of the file is the current one, for ever. */
  record('acquired', { epoch: z.int(), runId: z.string(), t0MonoMs: z.number(), machineBoot: z.string() }),
  record('released', { epoch: z.int(), reason }),
  /** On disk before anything is touched: whoever finds it can put the target back. */
  record('fault.intent', {
    ...ref,
    kind: z.string(),
    target: z.string(),
    params: z.record(z.string(), z.unknown()),
    /** What happens to the target as a person says it. */
    headline: z.string().optional(),
    aimedAt: z.enum(FAULT_AIMS).optional(),
    isControl: z.boolean().optional(),
    breaksBy: z.array(z.enum(FAULT_MEANS)).optional(),
    forMs: z.number(),
    deadlineMs: z.number(),
    preState: z.unknown(),
  }),
  record('fault.in-force', ref),
  record('fault.lost', { ...ref, reason }),
  record('fault.reverting', { ...ref, reason }),
  record('fault.verified', { ...ref, note: z.string().optional() }),
  record('fault.unverified', { ...ref, reason }),
  record('fault.gone', { ...ref, reason }),
  /** Nothing changed for the whole quarantine and no late command can come any more: the target may be used again. */
  record('quarantine.over', ref),
  record('janitor.started', { pid: z.int(), startTicks: z.string(), machineBoot: z.string() }),
]);
export type KeeperRecord = z.infer<typeof keeperRecord>;
export type KeeperRecordOf<Type extends KeeperRecord['type']> = Extract<KeeperRecord, { type: Type }>;

/** A record before its writer stamps it. */
export type NewKeeperRecord = Unstamped<KeeperRecord>;
type Unstamped<Each> = Each extends unknown ? Omit<Each, 'atMs' | 'by' | 'seq'> : never;

/** One line as a record; null for a torn line, which its writer knows to have failed, and for types of a newer version. */
export function parseKeeperRecord(line: string): KeeperRecord | null {
  try {
    return keeperRecord.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null; // torn by a crash or a full disk
  }
}

/** The `fault.*` events of `runId` among the lines of a keeper's journal, in the clock of that run. */
export function runEventsOf(lines: readonly KeeperRecord[], runId: string): JournalEvent[] {
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

/** What a run is told: the event for `line` of a fault in the clock of its run. */
export function faultEventOf(line: KeeperRecord, told: { kind: string; target: string; t0MonoMs: number }): JournalEvent | null {
  const { kind, target, t0MonoMs } = told;
  if (!line.type.startsWith('fault.')) return null;
  const { atMs, by, seq, type, epoch, fault, ...rest } = line as KeeperRecordOf<'fault.intent'>;
  const detail: Record<string, unknown> = { ...rest };
  // The pre-state may name what nobody beyond this machine needs to know, and is of no use to a reader of the run.
  for (const key of ['params', 'deadlineMs', 'preState']) Reflect.deleteProperty(detail, key);
  return { ...detail, t: Math.round((atMs - t0MonoMs) * 1_000) / 1_000, from: by, seq, type, fault, kind, target, epoch } as JournalEvent;
}
