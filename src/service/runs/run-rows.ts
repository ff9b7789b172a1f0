// Runs as rows of the store: every change of state is a compare-and-set, so that two hands on one run do one thing.
import type { Selectable, Updateable } from 'kysely';
import type { ProcessIdentity } from '../../io/process-identity.ts';
import type { RunWish } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import type { RunState, Tables } from '../store/tables.ts';
import { type Figure, parseFigures } from './figures.ts';

export type RunRow = Selectable<Tables['runs']>;
type Changes = Updateable<Tables['runs']>;

/** States that nothing leaves any more. */
export const FINAL = ['ended', 'skipped', 'refused', 'cancelled', 'lost'] as const satisfies readonly RunState[];

const MAX_ANNOTATIONS = 200;

export class RunRows {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @returns whether it is new: a run of this id is made once */
  async insert(wish: RunWish, fields: { state: RunState; createdMs: number; summary?: string; endedMs?: number }): Promise<boolean> {
    const { id, scenario, environment, seed, trigger, overlap, dueMs } = wish;
    const { state, createdMs, summary = null, endedMs = null } = fields;
    const row: RunRow = {
      ...{ id, scenario, environment, seed, trigger, overlap, state, summary },
      due_ms: dueMs,
      created_ms: createdMs,
      started_ms: null,
      ended_ms: endedMs,
      verdict: null,
      folder: null,
      runner_pid: null,
      runner_start_ticks: null,
      cancel_requested: 0,
      attempt: 0,
      figures: null,
      comparison: null,
      is_told: 0,
      annotations: '[]',
    };
    const { numInsertedOrUpdatedRows } = await this.#store
      .insertInto('runs')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n;
  }

  async find(id: string): Promise<RunRow | null> {
    return (await this.#store.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
  }

  /** In the order in which they are to start. */
  async queued(): Promise<RunRow[]> {
    return await this.#store
      .selectFrom('runs')
      .selectAll()
      .where('state', '=', 'queued')
      .orderBy('due_ms')
      .orderBy('created_ms')
      .orderBy('id')
      .execute();
  }

  async running(): Promise<RunRow[]> {
    return await this.#store.selectFrom('runs').selectAll().where('state', '=', 'running').orderBy('id').execute();
  }

  /** Queued or running in the environment. */
  async unfinished(environment: string): Promise<RunRow[]> {
    return await this.#store
      .selectFrom('runs')
      .selectAll()
      .where('environment', '=', environment)
      .where('state', 'in', ['queued', 'running'])
      .orderBy('state', 'desc')
      .execute();
  }

  /** Ended or lost, and not yet told. */
  async untold(): Promise<RunRow[]> {
    return await this.#store.selectFrom('runs').selectAll().where('state', 'in', ['ended', 'lost']).where('is_told', '=', 0).execute();
  }

  /** Makes the change if the run is in state `from` still. @returns whether it was */
  async change(id: string, from: RunState, changes: Changes): Promise<boolean> {
    const { numUpdatedRows } = await this.#store
      .updateTable('runs')
      .set(changes)
      .where('id', '=', id)
      .where('state', '=', from)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  /** Takes the environment for the run in one statement: of all who try, one is told true, and only while no other runs there. */
  async claim(run: RunRow, { startedMs, folder }: { startedMs: number; folder: string }): Promise<boolean> {
    const { numUpdatedRows } = await this.#store
      .updateTable('runs')
      .set({ state: 'running', started_ms: startedMs, folder, attempt: run.attempt + 1, runner_pid: null, runner_start_ticks: null })
      .where('id', '=', run.id)
      .where('state', '=', 'queued')
      .where('attempt', '=', run.attempt)
      .where((row) => {
        const others = row.selectFrom('runs as other').select('other.id').where('other.environment', '=', run.environment);
        return row.not(row.exists(others.where('other.state', '=', 'running')));
      })
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  /** Notes the runner of this attempt. */
  async note(run: { id: string; attempt: number }, { pid, startTicks }: ProcessIdentity): Promise<void> {
    await this.#store
      .updateTable('runs')
      .set({ runner_pid: pid, runner_start_ticks: startTicks })
      .where('id', '=', run.id)
      .where('state', '=', 'running')
      .where('attempt', '=', run.attempt)
      .execute();
  }

  async markTold(id: string): Promise<void> {
    await this.#store.updateTable('runs').set({ is_told: 1 }).where('id', '=', id).execute();
  }

  /** Adds a note to each running run of the environment. @returns their ids */
  async annotate(environment: string, note: { atMs: number; text: string }): Promise<string[]> {
    const runs = (await this.running()).filter((run) => run.environment === environment);
    for (const { id, annotations } of runs) {
      const notes = [...(JSON.parse(annotations) as unknown[]), note].slice(-MAX_ANNOTATIONS);
      await this.#store
        .updateTable('runs')
        .set({ annotations: JSON.stringify(notes) })
        .where('id', '=', id)
        .execute();
    }
    return runs.map(({ id }) => id);
  }

  /** Figures of the last ended runs of the same scenario and environment, the newest first. */
  async earlierFigures({ id, scenario, environment }: RunRow, limit: number): Promise<Figure[][]> {
    const rows = await this.#store
      .selectFrom('runs')
      .select('figures')
      .where('scenario', '=', scenario)
      .where('environment', '=', environment)
      .where('state', '=', 'ended')
      .where('verdict', '!=', 'errored')
      .where('figures', 'is not', null)
      .where('id', '!=', id)
      .orderBy('ended_ms', 'desc')
      .limit(limit)
      .execute();
    return rows.flatMap(({ figures }) => {
      const parsed = parseFigures(figures);
      return parsed ? [parsed] : [];
    });
  }

  /** Finished runs that were due, and over, before `beforeMs`. */
  async old(beforeMs: number): Promise<{ id: string; attempt: number }[]> {
    return await this.#store
      .selectFrom('runs')
      .select(['id', 'attempt'])
      .where('state', 'in', FINAL)
      .where('due_ms', '<', beforeMs)
      .where((row) => row.or([row('ended_ms', 'is', null), row('ended_ms', '<', beforeMs)]))
      .execute();
  }

  /** Removes a run that is still finished. */
  async remove(id: string): Promise<void> {
    await this.#store.deleteFrom('runs').where('id', '=', id).where('state', 'in', FINAL).execute();
  }
}

/** The runner that a row names; null when none was noted. */
export function runnerOf({ runner_pid, runner_start_ticks }: RunRow): ProcessIdentity | null {
  return runner_pid === null || runner_start_ticks === null ? null : { pid: runner_pid, startTicks: runner_start_ticks };
}
