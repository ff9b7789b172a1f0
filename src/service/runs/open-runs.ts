// Runs and schedules of a service, opened: what an earlier life left running is found again, and a sweep needs no Redis.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { RunEnded } from '../../core/notification.ts';
import type { ServiceFile } from '../../core/service-file.ts';
import type { Argv } from '../../io/command.ts';
import type { Announce, Catalogue, Runs, Schedules, ServiceClock } from '../parts.ts';
import type { Queues } from '../queue/open-queues.ts';
import type { Store } from '../store/open-store.ts';
import { Freezes, type Periods } from './freezes.ts';
import { forgetOldRuns } from './retention.ts';
import { RunLine } from './run-line.ts';
import { RunRows } from './run-rows.ts';
import { RunDesk } from './runs.ts';
import { ScheduleBook } from './schedules.ts';

const SWEEP_MS = 5_000;
const LOOK_MS = 1_000;
const RETENTION_MS = 3_600_000;

export type RunsOptions = {
  store: Store;
  catalogue: Catalogue;
  queues: Pick<Queues, 'setTicks' | 'onTick'>;
  clock: ServiceClock;
  announce: Announce;
  /** At least once a run that ended or was lost; a failure is tried again. */
  onRunEnded: (run: RunEnded) => Promise<void>;
  /** How `holdfast` is started. */
  program: Argv;
  /** Where runs get their folders. */
  folder: string;
  labPrefix: string;
  retention: Pick<ServiceFile['retention'], 'history'>;
  /** All periods that are known. */
  periods: Periods;
  log: (line: string) => void;
  /** Between two sweeps of the schedules, and two looks at runs; for tests. */
  sweepMs?: number;
  lookMs?: number;
  takenRetryMs?: number;
};

/** Disposing leaves runners alone: the next life finds them. @throws AppError DISK */
export async function openRuns(options: RunsOptions): Promise<{ runs: Runs; schedules: Schedules } & AsyncDisposable> {
  const { store, catalogue, clock, announce, program, labPrefix, log } = options;
  const folder = resolve(options.folder);
  mkdirSync(folder, { recursive: true });
  const rows = new RunRows(store);
  const runProgram = { argv: program, catalogue, labPrefix };
  const line = new RunLine({
    ...{ rows, folder, clock, announce, log },
    program: runProgram,
    freezes: new Freezes(catalogue, options.periods),
    onRunEnded: options.onRunEnded,
    ...(options.takenRetryMs !== undefined && { takenRetryMs: options.takenRetryMs }),
  });
  const runs = new RunDesk({ rows, line, program: runProgram, clock, announce, log });
  const schedules = new ScheduleBook({ ...options, rows, runs });
  await line.look();

  let lastTrouble = '';
  const tellTrouble = (error: unknown) => {
    const trouble = messageOf(error);
    // A full disk is the same trouble every second.
    if (trouble !== lastTrouble) log(`runs: ${trouble}`);
    lastTrouble = trouble;
  };
  const ended = new AbortController();
  let forgetting: Promise<unknown> | null = null;
  const forget = () => {
    const beforeMs = clock.nowMs() - options.retention.history;
    forgetting ??= forgetOldRuns(rows, { folder, beforeMs, log, signal: ended.signal })
      .catch(tellTrouble)
      .finally(() => {
        forgetting = null;
      });
  };
  forget(); // a service that never lives for an hour forgets too
  const timers = [
    setInterval(() => void line.look().catch(tellTrouble), options.lookMs ?? LOOK_MS),
    setInterval(() => void schedules.sweep().catch(tellTrouble), options.sweepMs ?? SWEEP_MS),
    setInterval(forget, RETENTION_MS),
  ];
  return {
    runs,
    schedules,
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearInterval(timer);
      ended.abort();
      await forgetting;
      await schedules.close();
      await line.close();
    },
  };
}
