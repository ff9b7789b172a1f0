// The acts on runs that others ask for: request, cancel, plan, annotate, stop starting.
import { AppError } from '../../core/errors.ts';
import { tryCommand } from '../../io/command.ts';
import type { Announce, Catalogue, Runs, RunWish, ServiceClock } from '../parts.ts';
import type { RunState } from '../store/tables.ts';
import { type RunProgram, planArgv } from './run-program.ts';
import { errorIn } from './run-outcome.ts';
import type { RunLine } from './run-line.ts';
import type { RunRow, RunRows } from './run-rows.ts';

/** Runs that may wait for one environment; more would be a mistake of whoever asks. */
const MAX_WAITING = 100;
const PLAN_MS = 60_000;

export type RunDeskOptions = {
  rows: RunRows;
  line: RunLine;
  program: RunProgram;
  clock: ServiceClock;
  announce: Announce;
  log: (line: string) => void;
};

export class RunDesk implements Runs {
  readonly #options: RunDeskOptions;

  constructor(options: RunDeskOptions) {
    this.#options = options;
  }

  async request(wish: RunWish): Promise<{ id: string; isNew: boolean; state: RunState }> {
    checkNames(this.#options.program.catalogue, wish);
    const made = await this.#options.line.inTurn(() => this.#make(wish));
    // The answer does not wait for the start: a runner takes its time, the row is there.
    if (made.state === 'queued') this.#lookSoon();
    return made;
  }

  async cancel(id: string, by: string): Promise<void> {
    const { rows, line, announce, log } = this.#options;
    await line.inTurn(async () => {
      const run = await rows.find(id);
      if (!run) throw new AppError('UNKNOWN_NAME', `there is no run ${id}`);
      if (run.state === 'queued') {
        await line.finish(run, 'queued', { state: 'cancelled', summary: `taken back by ${by} before it started` });
      } else if (run.state === 'running') {
        log(`run ${id}: cancelled by ${by}`);
        await rows.change(id, 'running', { cancel_requested: 1 });
        announce('run', id);
      } else {
        throw new AppError('CONFLICT', `the run ${id} is over: ${run.state}`, { remedy: 'there is nothing left to cancel' });
      }
    });
    this.#lookSoon();
  }

  async plan(scenario: string, environment: string, seed: number): Promise<string> {
    const { program } = this.#options;
    checkNames(program.catalogue, { scenario, environment });
    const argv = planArgv(program, { scenario, environment, seed });
    const { code, stdout, stderr } = argv ? await tryCommand(argv, { timeoutMs: PLAN_MS }) : { code: 1, stdout: '', stderr: '' };
    if (code === 0) return stdout;
    throw new AppError('PREFLIGHT', `${scenario} in ${environment} cannot be planned: ${errorIn(stderr) || errorIn(stdout)}`);
  }

  async annotate(environment: string, text: string): Promise<string[]> {
    const { rows, line, clock, announce } = this.#options;
    const ids = await line.inTurn(() => rows.annotate(environment, { atMs: clock.nowMs(), text }));
    for (const id of ids) announce('run', id);
    return ids;
  }

  async stopStarting(): Promise<void> {
    await this.#options.line.stopStarting();
  }

  /** In turn: nothing starts or ends between the look and the row. */
  async #make(wish: RunWish): Promise<{ id: string; isNew: boolean; state: RunState }> {
    const { rows, clock, announce } = this.#options;
    const existing = await rows.find(wish.id);
    if (existing) return await this.#again(existing, wish);
    const refusal = this.#refusalOf(wish, await rows.unfinished(wish.environment));
    const createdMs = clock.nowMs();
    const fields = refusal ? { ...refusal, createdMs, endedMs: createdMs } : { state: 'queued' as const, createdMs };
    const isNew = await rows.insert(wish, fields);
    if (isNew) announce('run', wish.id);
    return { id: wish.id, isNew, state: isNew ? fields.state : ((await rows.find(wish.id))?.state ?? 'queued') };
  }

  /** A run that was recorded as skipped was never started: a clock that went back makes its time come again. */
  async #again(existing: RunRow, wish: RunWish): Promise<{ id: string; isNew: boolean; state: RunState }> {
    const { rows, clock } = this.#options;
    const isRevivable = existing.state === 'skipped' && existing.attempt === 0 && clock.nowMs() < (existing.ended_ms ?? -Infinity);
    if (!isRevivable) return { id: existing.id, isNew: false, state: existing.state };
    await rows.change(existing.id, 'skipped', { state: 'queued', summary: null, ended_ms: null, due_ms: wish.dueMs });
    return { id: existing.id, isNew: false, state: 'queued' };
  }

  #refusalOf(wish: RunWish, unfinished: readonly RunRow[]): { state: RunState; summary: string } | null {
    const [other] = unfinished;
    if (wish.overlap === 'refuse' && other)
      return { state: 'refused', summary: `${wish.environment} is taken: the run ${other.id} is ${other.state}` };
    const isTick = wish.trigger.startsWith('schedule ');
    // Ticks that come faster than their runs end would wait in an ever longer line.
    const before = unfinished.find((run) => run.state === 'queued' && run.trigger === wish.trigger);
    if (isTick && before) return { state: 'skipped', summary: `the tick before, ${before.id}, still waits for ${wish.environment}` };
    if (unfinished.length > MAX_WAITING)
      return { state: 'refused', summary: `${String(MAX_WAITING)} runs wait for ${wish.environment} already` };
    return null;
  }

  #lookSoon(): void {
    setImmediate(() => {
      this.#options.line.look().catch(() => undefined); // the next look comes by itself, and tells
    });
  }
}

/** @throws AppError UNKNOWN_NAME */
export function checkNames(catalogue: Catalogue, { scenario, environment }: { scenario: string; environment: string }): void {
  for (const [what, name, known] of [
    ['scenario', scenario, catalogue.scenarios],
    ['environment', environment, catalogue.environments],
  ] as const) {
    if (known.has(name)) continue;
    throw new AppError('UNKNOWN_NAME', `there is no ${what} ${name}`, { remedy: `the service knows ${[...known.keys()].join(', ')}` });
  }
}
