// Runs and schedules of a service over a real store, with a small program in the place of `holdfast run`.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEnded } from '../../src/core/notification.ts';
import { scheduleSpec, type ScheduleSpec } from '../../src/core/service-file.ts';
import { identityOf } from '../../src/io/process-identity.ts';
import type { Catalogue, RunWish } from '../../src/service/parts.ts';
import { openRuns, type RunsOptions } from '../../src/service/runs/open-runs.ts';
import type { RunRow } from '../../src/service/runs/run-rows.ts';
import { openStore, type Store } from '../../src/service/store/open-store.ts';
import { SteppedClock } from './a-redis.ts';
import { eventually } from './eventually.ts';

export type Play = { ms?: number; verdict?: string; broken?: number; n?: number; act?: string; warmUpMs?: number; hasFault?: boolean };

/** A state folder that outlives the services opened on it, one after the other. */
export class ServicePlace implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-runs-'));
  readonly runsFolder = join(this.folder, 'runs');
  readonly clock = new SteppedClock();
  readonly ended: RunEnded[] = [];
  readonly logged: string[] = [];
  readonly #plays: Record<string, Play>;
  readonly #opened: AsyncDisposable[] = [];

  constructor(plays: Record<string, Play> = { quick: {} }) {
    this.#plays = plays;
    mkdirSync(join(this.folder, 'scenarios'));
    for (const [name, play] of Object.entries(plays)) writeFileSync(this.#file(name), JSON.stringify(play));
    writeFileSync(join(this.folder, 'env.yaml'), '');
  }

  /** A life of the service. */
  async open(options: Partial<RunsOptions> = {}): Promise<ServiceLife> {
    const store = await openStore(join(this.folder, 'store.sqlite'));
    const opened = await openRuns({
      store,
      catalogue: this.catalogue,
      queues: { setTicks: () => undefined, onTick: () => undefined },
      clock: this.clock,
      announce: () => undefined,
      onRunEnded: (run) => {
        this.ended.push(run);
        return Promise.resolve();
      },
      program: [process.execPath, join(import.meta.dirname, 'a-runner.ts')],
      folder: this.runsFolder,
      labPrefix: 'hf',
      retention: { history: 24 * 3_600_000 },
      periods: () => [],
      log: (line) => this.logged.push(line),
      sweepMs: 50,
      lookMs: 50,
      takenRetryMs: 100,
      ...options,
    });
    const life = new ServiceLife(store, opened);
    this.#opened.push(life);
    return life;
  }

  get catalogue(): Catalogue {
    const scenarios = Object.entries(this.#plays).map(([name, { hasFault = false }]) => {
      const timeline = hasFault ? [{ at: 0, for: 1, fault: 'node-down', node: 'any' }] : [];
      return [name, { scenario: { name, timeline }, file: this.#file(name), sha256: '0'.repeat(64) }] as const;
    });
    const environments = ['lab', 'other'].map((name) => [name, { environment: { name }, file: join(this.folder, 'env.yaml') }] as const);
    return { scenarios: new Map(scenarios), environments: new Map(environments), probes: new Map() } as unknown as Catalogue;
  }

  /** Folders in which a runner began to touch things, in order. */
  began(): string[] {
    const path = join(this.runsFolder, 'began.txt');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const life of this.#opened) await life[Symbol.asyncDispose]();
    const store = await openStore(join(this.folder, 'store.sqlite'));
    const left = await store.selectFrom('runs').selectAll().where('state', '=', 'running').execute();
    await store.destroy();
    for (const { runner_pid } of left) if (runner_pid !== null && identityOf(runner_pid)) process.kill(runner_pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(scenario: string): string {
    return join(this.folder, 'scenarios', `${scenario}.yaml`);
  }
}

export class ServiceLife implements AsyncDisposable {
  readonly store: Store;
  readonly #opened: Awaited<ReturnType<typeof openRuns>>;
  #isOver = false;

  constructor(store: Store, opened: Awaited<ReturnType<typeof openRuns>>) {
    this.store = store;
    this.#opened = opened;
  }

  get runs() {
    return this.#opened.runs;
  }

  get schedules() {
    return this.#opened.schedules;
  }

  async all(): Promise<RunRow[]> {
    return await this.store.selectFrom('runs').selectAll().orderBy('due_ms').orderBy('id').execute();
  }

  async find(id: string): Promise<RunRow> {
    return await this.store.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }

  /** Waits until the run is in the state. */
  async until(id: string, state: RunRow['state']): Promise<RunRow> {
    return await eventually(async () => {
      const run = await this.find(id);
      if (run.state !== state) throw new Error(`the run ${id} is ${run.state}: ${String(run.summary)}`);
      return run;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#opened[Symbol.asyncDispose]();
    await this.store.destroy();
  }
}

export function aWish(wish: Partial<RunWish> = {}): RunWish {
  return { id: 'r1', scenario: 'quick', environment: 'lab', seed: 1, trigger: 'token ops', overlap: 'wait', dueMs: 1, ...wish };
}

/** As a file says it. */
export function aSchedule(fields: Record<string, unknown> = {}): ScheduleSpec {
  const rhythm = fields.cron === undefined && fields.every === undefined ? { every: '10s' } : {};
  return scheduleSpec.parse({ name: 'nightly', scenario: 'quick', environment: 'lab', ...rhythm, ...fields });
}
