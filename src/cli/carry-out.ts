// What `run`, `probe` and the demo share: opening the environment, watching, reverting on Ctrl-C, printing the report.
import { AppError } from '../core/errors.ts';
import type { Environment } from '../core/environment.ts';
import type { RunPlan } from '../runner/plan.ts';
import { type Interruption, onInterruption } from './interruption.ts';
import { frameWatcher, jsonWatcher, lineWatcher, type RunWatcher } from './live-view.ts';
import { claimRunFolder, type RunFolder } from './run-folder.ts';
import { runSession, type SessionParts, type SessionResult } from './run-session.ts';
import { tellError } from './tell-error.ts';
import { hasColour, printReport } from './write-reports.ts';

export type CarryOutOptions = {
  plan: RunPlan;
  /** Makes the environment ready: a lab is built, a keeper reached. */
  open(environment: Environment, signal: AbortSignal): Promise<SessionParts & AsyncDisposable>;
  out: string | null;
  isJson: boolean;
};

/** Carries out one run and prints its report. @returns the exit code, once everything it opened is closed again */
export async function carryOut(options: CarryOutOptions): Promise<number> {
  using interruption = onRunInterruption();
  const { signal } = interruption;
  try {
    using folder = claimRunFolder(options.out, options.plan.scenario.name, new Date());
    await using parts = await options.open(options.plan.environment, signal);
    const result = await watchedSession({ ...options, folder, parts, signal });
    return interruptedExitCode(interruption, result.exitCode);
  } catch (error) {
    // Interrupted before anything was touched: there is nothing to revert and nothing to report.
    if (signal.aborted && !(error instanceof AppError)) return interruptedExitCode(interruption, 130);
    throw error;
  }
}

/** Runs one session with the watcher that fits the output, and prints its report. */
export async function watchedSession(options: {
  plan: RunPlan;
  parts: SessionParts;
  folder: RunFolder;
  isJson: boolean;
  signal: AbortSignal;
}): Promise<SessionResult> {
  const { plan, parts, folder, isJson, signal } = options;
  const result = await runSession({ plan, parts, folder, interrupt: signal, watcher: watcherFor(plan.scenario.title, isJson) });
  if (!isJson) printReport(result.report, result.hasReports ? result.folder : null);
  for (const error of result.unwritten) process.stderr.write(tellError(error).text);
  return result;
}

function watcherFor(title: string, isJson: boolean): RunWatcher {
  if (isJson) return jsonWatcher(process.stdout);
  return process.stdout.isTTY ? frameWatcher(process.stdout, title, hasColour()) : lineWatcher(process.stdout);
}

/** Listens for whoever wants the run to end, and says what happens then; the faults are reverted by whoever hears the signal. */
export function onRunInterruption(): Interruption {
  return onInterruption((isFirst) => {
    process.stderr.write(
      isFirst ? '\ninterrupted: reverting, then reporting…\n' : '\nstill reverting; if this process dies, the keeper reverts by itself\n',
    );
  });
}

/** The exit code of a run that may have been interrupted: an unverified revert matters more than who ended it. */
export function interruptedExitCode(interruption: Interruption, otherwise: number): number {
  return interruption.exitCode === null || otherwise === 5 ? otherwise : interruption.exitCode;
}
