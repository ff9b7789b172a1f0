// One run as every command carries it out: folder, journal, execution, verdict, reports.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../core/environment.ts';
import { AppError, ExitCode } from '../core/errors.ts';
import { JOURNAL_FILE, type JournalEvent } from '../core/journal.ts';
import type { Report } from '../core/report-format.ts';
import { monoMs } from '../io/clock.ts';
import { spawnIn } from '../io/command.ts';
import { JournalWriter } from '../io/journal-file.ts';
import type { KeeperLink } from '../runner/fault-driver.ts';
import type { RunPlan } from '../runner/plan.ts';
import { executeRun, type NewEvent, type RunEnd } from '../runner/run.ts';
import type { RouterReader } from '../core/capabilities.ts';
import type { RunWatcher } from './live-view.ts';
import { openObservers } from './open-observers.ts';
import type { RunFolder } from './run-folder.ts';
import { reportExitCode } from './report-exit-code.ts';
import { selfArgv } from './self.ts';
import { programVersion } from './version.ts';
import { judgeJournal, writeReports } from './write-reports.ts';

export type SessionParts = {
  environment: Environment;
  key: Uint8Array;
  keeper: KeeperLink | null;
  /** A reader for each router of the environment. */
  routers: ReadonlyMap<string, RouterReader>;
};

export type SessionOptions = {
  plan: RunPlan;
  parts: SessionParts;
  folder: RunFolder;
  watcher: RunWatcher;
  interrupt: AbortSignal;
};

export type SessionResult = {
  folder: string;
  report: Report;
  end: RunEnd;
  exitCode: number;
  /** What the disk did not take; the report that is handed over is whole all the same. */
  unwritten: readonly AppError[];
  /** Whether the reports lie in the folder. */
  hasReports: boolean;
};

/**
 * Carries out one run and writes everything about it into its folder.
 * @throws AppError what preflight refused (the journal is then removed: nothing was measured)
 */
export async function runSession(options: SessionOptions): Promise<SessionResult> {
  const { plan, parts, watcher } = options;
  const { runId, path: folder } = options.folder;
  const journalPath = join(folder, JOURNAL_FILE);
  using journal = new JournalWriter(journalPath);
  const t0MonoMs = monoMs();
  const wallClockMs = Date.now();
  const t = () => round(monoMs() - t0MonoMs);
  const write = (event: NewEvent): JournalEvent => {
    const written = journal.append(event);
    watcher.onEvent(written);
    return written;
  };
  const end = await executeRun(plan, {
    runId,
    t0MonoMs,
    t,
    wallClockMs,
    versions: { holdfast: programVersion(), node: process.version },
    write,
    sync: () => {
      journal.sync();
    },
    startProber: (vantage) => spawnIn(placeOf(parts.environment, vantage), selfArgv('prober'), { stdio: ['pipe', 'pipe', 'pipe'] }),
    key: Buffer.from(parts.key).toString('base64'),
    runTag: randomBytes(8).toString('hex'),
    keeper: parts.keeper,
    startObservers: parts.environment.observers.length > 0 ? (emit) => openObservers(parts, t, emit) : null,
    onPulse: (vantage, pulse) => {
      watcher.onPulse(vantage, pulse);
    },
    interrupt: options.interrupt,
  }).catch((error: unknown): RunEnd => ({ kind: 'refused', error }));
  if (end.kind === 'refused') {
    watcher.close();
    rmSync(journalPath);
    throw end.error;
  }
  const judged = await judgeJournal(folder, { isComplete: end.kind === 'completed' });
  const unwritten = end.kind !== 'completed' && isDisk(end.error) ? [end.error] : [];
  try {
    for (const { check, verdict, why } of judged.report.checks)
      write({ t: t(), from: 'runner', type: 'check.evaluated', check, verdict, why });
    write({
      t: t(),
      from: 'runner',
      type: 'run.ended',
      verdict: judged.report.verdict,
      ...(end.kind === 'completed' ? {} : { why: end.why }),
    });
    journal.sync();
  } catch (error) {
    if (!isDisk(error)) throw error;
    if (unwritten.length === 0) unwritten.push(error);
  }
  watcher.close();
  // What it kept for last words may be what the reports need.
  journal.close();
  const written = await writeReports(folder).catch((error: unknown) => {
    if (!isDisk(error)) throw error;
    unwritten.push(withoutReports(folder, error));
    return null;
  });
  const { report } = written ?? judged;
  return { folder, report, end, exitCode: exitCodeOf(report, end, unwritten), unwritten, hasReports: written !== null };
}

function isDisk(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'DISK';
}

function withoutReports(folder: string, error: AppError): AppError {
  return new AppError('DISK', error.message, {
    remedy: `${error.remedy ?? 'make room'}; then \`holdfast report ${folder}\` writes every report from the journal`,
    cause: error,
  });
}

function exitCodeOf(report: Report, end: RunEnd, unwritten: readonly AppError[]): ExitCode {
  if ('unverified' in end && end.unverified.length > 0) return ExitCode.unverified;
  const judged = reportExitCode(report);
  return unwritten.length > 0 && judged !== ExitCode.unverified ? ExitCode.refused : judged;
}

function placeOf(environment: Environment, vantage: string) {
  return environment.vantages.find(({ name }) => name === vantage) ?? { netns: null };
}

/** Microseconds suffice, and keep the journal readable. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
