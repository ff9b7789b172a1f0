// The line of runs: queued ones start one at a time an environment, in order; running ones are watched until their runner has ended.
//
//   queued --claim--> running --runner ended--> ended | cancelled | lost | refused
//     ^                  | the environment was found taken, or the service died before a runner began
//     +------------------+
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import type { RunEnded } from '../../core/notification.ts';
import { isAlive, type ProcessIdentity } from '../../io/process-identity.ts';
import type { Announce, ServiceClock } from '../parts.ts';
import { COMPARED_RUNS, comparisonOf } from './comparison.ts';
import type { Freezes } from './freezes.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { type RunProgram, runArgv } from './run-program.ts';
import { outcomeOf, type RunOutcome } from './run-outcome.ts';
import { type RunRow, type RunRows, runnerOf } from './run-rows.ts';
import { fence, findRunner, signalRunner, startRunner } from './runner-process.ts';

/** Between two tries of a run that found its environment taken by somebody else's run. */
const TAKEN_RETRY_MS = 5_000;
/**
 * A runner that was told to end reverts and reports; one that has not after this long is killed, and its keeper reverts. A service that
 * takes its lab down waits longer than this for the runs there.
 */
const KILL_AFTER_MS = 120_000;

export type RunLineOptions = {
  rows: RunRows;
  program: RunProgram;
  /** Where runs get their folders. */
  folder: string;
  freezes: Freezes;
  clock: ServiceClock;
  announce: Announce;
  onRunEnded: (run: RunEnded) => Promise<void>;
  log: (line: string) => void;
  takenRetryMs?: number;
};

export class RunLine {
  readonly #options: RunLineOptions;
  readonly #turns = new OneAtATime();
  /** Exit codes of runners that were started in this life and have ended. */
  readonly #exits = new Map<string, number | null>();
  /** Runners of this life that have not ended, whether or not the store took the note of them; null: not seen before it ended. */
  readonly #children = new Map<string, ProcessIdentity | null>();
  /** When a cancelled run was told to end, monotonic. */
  readonly #told = new Map<string, number>();
  /** By environment, monotonic: not before this. */
  readonly #takenUntil = new Map<string, number>();
  readonly #settling = new Map<string, Promise<void>>();
  #nextLook: Promise<void> | null = null;
  #telling: Promise<void> | null = null;
  /** Of whose end somebody would not hear; said in the log once. */
  readonly #untellable = new Set<string>();
  #startsNothing = false;
  #isClosed = false;

  constructor(options: RunLineOptions) {
    this.#options = options;
  }

  /** Does `act` while no run starts or settles. */
  inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    return this.#turns.do(act);
  }

  /** Looks after everything once: who has ended, who is to be told so, who may start. */
  async look(): Promise<void> {
    if (this.#isClosed) return;
    // One that has not begun yet sees all that this one would.
    this.#nextLook ??= this.inTurn(async () => {
      this.#nextLook = null;
      for (const run of await this.#options.rows.running()) await this.#watch(run);
      await this.#startNext();
    });
    await this.#nextLook;
    this.#telling ??= this.#tellEnds().finally(() => {
      this.#telling = null;
    });
    await this.#telling;
  }

  /** Queued runs, and those that are asked for from now on, wait for the next life. Resolves once no start is under way any more. */
  async stopStarting(): Promise<void> {
    this.#startsNothing = true;
    await this.#turns.idle();
  }

  /** Lets the service end; runners go on, and the next life finds them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.stopStarting();
    await Promise.all(this.#settling.values());
    await this.#telling;
  }

  async #startNext(): Promise<void> {
    const { rows, clock } = this.#options;
    const taken = new Set((await rows.running()).map(({ environment }) => environment));
    for (const run of await rows.queued()) {
      if (taken.has(run.environment) || this.#startsNothing) continue;
      if ((this.#takenUntil.get(run.environment) ?? -Infinity) > clock.monoMs()) continue;
      if (await this.#start(run)) taken.add(run.environment);
    }
  }

  /** @returns whether it runs now */
  async #start(run: RunRow): Promise<boolean> {
    const { rows, program, folder, freezes, clock, log } = this.#options;
    const frozen = await freezes.whyNot(run, clock.nowMs());
    if (frozen !== null) {
      await this.finish(run, 'queued', { state: run.trigger.startsWith('schedule ') ? 'skipped' : 'refused', summary: frozen });
      return false;
    }
    const attempt = run.attempt + 1;
    const out = attemptFolder(folder, run.id, attempt);
    if (!(await rows.claim(run, { startedMs: clock.nowMs(), folder: out }))) return false;
    const argv = runArgv(program, run, out);
    if (argv === null) {
      const summary = `the service knows no scenario ${run.scenario} or no environment ${run.environment} any more`;
      await this.finish(run, 'running', { state: 'refused', summary });
      return false;
    }
    log(`run ${run.id}: starts (${run.scenario} in ${run.environment}, for ${run.trigger})`);
    // From here to the note a kill leaves a runner that no row names: `recover` finds it, or fences it off.
    const { identity, ended } = startRunner(argv, `${out}.log`);
    this.#children.set(run.id, identity);
    void ended.then((code) => {
      this.#exits.set(run.id, code);
      this.#children.delete(run.id);
      if (!this.#isClosed) this.look().catch(this.#tellTrouble);
    });
    // A full disk refuses the note: the runner is watched all the same, and the note tried again at each look.
    if (identity) await rows.note({ id: run.id, attempt }, identity).catch(this.#tellTrouble);
    this.#options.announce('run', run.id);
    return true;
  }

  readonly #tellTrouble = (error: unknown) => {
    this.#options.log(`runs: ${messageOf(error)}`); // the next look does it again
  };

  async #watch(run: RunRow): Promise<void> {
    if (this.#settling.has(run.id)) return;
    const noted = runnerOf(run);
    const child = this.#children.get(run.id) ?? null;
    const runner = noted ?? child;
    if (noted === null && child !== null) await this.#options.rows.note(run, child).catch(() => undefined); // told when it failed first
    if (runner === null && !this.#children.has(run.id) && !this.#exits.has(run.id)) {
      await this.#recover(run);
      return;
    }
    if (this.#children.has(run.id) || (runner && isAlive(runner))) {
      if (run.cancel_requested === 1 && runner) this.#end(run.id, runner);
      return;
    }
    const settling = this.#settle(run)
      .catch(this.#tellTrouble)
      .finally(() => {
        this.#settling.delete(run.id);
      });
    this.#settling.set(run.id, settling);
  }

  /** A run that an earlier life claimed and noted no runner for. */
  async #recover(run: RunRow): Promise<void> {
    const { rows, log } = this.#options;
    const folder = run.folder ?? attemptFolder(this.#options.folder, run.id, run.attempt);
    const early = findRunner(folder);
    if (early === null && fence(folder)) {
      log(`run ${run.id}: the service died before a runner began; it is started anew`);
      await rows.change(run.id, 'running', { state: 'queued', started_ms: null, folder: null });
      return;
    }
    // Or one that began between the look and the fence.
    const runner = early ?? findRunner(folder);
    if (runner) {
      log(`run ${run.id}: found its runner, pid ${String(runner.pid)}`);
      await rows.note(run, runner);
    } else {
      this.#exits.set(run.id, null); // it began and has ended: its folder tells
    }
  }

  /** Told once in this life to end; killed when it does not for very long: its keeper reverts without it. */
  #end(id: string, runner: { pid: number; startTicks: string }): void {
    const { clock, log } = this.#options;
    const toldMs = this.#told.get(id);
    if (toldMs === undefined) {
      this.#told.set(id, clock.monoMs());
      signalRunner(runner, 'SIGTERM');
      log(`run ${id}: told to revert, report and end`);
    } else if (clock.monoMs() - toldMs > KILL_AFTER_MS && signalRunner(runner, 'SIGKILL')) {
      log(`run ${id}: did not end within ${String(KILL_AFTER_MS / 1000)} s and was killed; its keeper reverts`);
      this.#told.set(id, Infinity);
    }
  }

  async #settle(run: RunRow): Promise<void> {
    const { program, clock } = this.#options;
    const folder = run.folder ?? '';
    const outcome = await outcomeOf(folder, `${folder}.log`, program.argv);
    const exitCode = this.#exits.get(run.id) ?? null;
    const endedMs = clock.nowMs();
    if (outcome.kind === 'refused' && outcome.isTaken && run.overlap === 'wait' && run.cancel_requested === 0) {
      this.#takenUntil.set(run.environment, clock.monoMs() + (this.#options.takenRetryMs ?? TAKEN_RETRY_MS));
      this.#forget(run.id);
      await this.#options.rows.change(run.id, 'running', { state: 'queued', started_ms: null, folder: null, summary: outcome.why });
    } else {
      await this.finish(run, 'running', { ...(await this.#fieldsOf(run, outcome, exitCode)), ended_ms: endedMs });
    }
    if (!this.#isClosed) void sleep(0).then(() => this.look().catch(this.#tellTrouble));
  }

  async #fieldsOf(run: RunRow, outcome: RunOutcome, exitCode: number | null) {
    const wasCancelled = run.cancel_requested === 1 && (exitCode === null || exitCode > 128);
    switch (outcome.kind) {
      case 'reported': {
        const earlier = await this.#options.rows.earlierFigures(run, COMPARED_RUNS);
        const comparison = wasCancelled || outcome.verdict === 'errored' ? null : comparisonOf(outcome.figures, earlier);
        return {
          state: wasCancelled ? ('cancelled' as const) : ('ended' as const),
          verdict: outcome.verdict,
          summary: outcome.summary,
          figures: JSON.stringify(outcome.figures),
          comparison: comparison && JSON.stringify(comparison),
        };
      }
      case 'refused':
        return wasCancelled
          ? { state: 'cancelled' as const, summary: 'cancelled before anything was touched' }
          : { state: 'refused' as const, summary: outcome.why };
      case 'lost':
        return wasCancelled
          ? { state: 'cancelled' as const, summary: outcome.why }
          : { state: 'lost' as const, summary: outcome.why, verdict: 'errored' };
    }
  }

  /** Ends a run in one of its final states. */
  async finish(run: RunRow, from: 'queued' | 'running', changes: Parameters<RunRows['change']>[2]): Promise<boolean> {
    const { rows, clock, announce, log } = this.#options;
    const isDone = await rows.change(run.id, from, { ended_ms: clock.nowMs(), ...changes });
    this.#forget(run.id);
    if (isDone) {
      log(`run ${run.id}: ${String(changes.state)}${typeof changes.summary === 'string' ? `: ${changes.summary}` : ''}`);
      announce('run', run.id);
    }
    return isDone;
  }

  /** Tells ends that nobody was told of; one that cannot be told now is told later. */
  async #tellEnds(): Promise<void> {
    for (const run of await this.#options.rows.untold()) {
      try {
        await this.#options.onRunEnded(endOf(run));
        await this.#options.rows.markTold(run.id);
      } catch (error) {
        if (!this.#untellable.has(run.id)) this.#options.log(`run ${run.id}: its end could not be told yet: ${messageOf(error)}`);
        this.#untellable.add(run.id);
      }
    }
  }

  #forget(id: string): void {
    this.#exits.delete(id);
    this.#told.delete(id);
  }
}

/** The first attempt lies in a folder of the run's own name; a later one beside it. */
export function attemptFolder(folder: string, id: string, attempt: number): string {
  return join(folder, attempt <= 1 ? id : `${id}.${String(attempt)}`);
}

function endOf(run: RunRow): RunEnded {
  return {
    runId: run.id,
    scenario: run.scenario,
    environment: run.environment,
    verdict: (run.verdict ?? 'errored') as RunEnded['verdict'],
    summary: run.summary ?? '',
    startedMs: run.started_ms ?? run.due_ms,
    endedMs: run.ended_ms ?? run.due_ms,
    trigger: run.trigger,
  };
}
