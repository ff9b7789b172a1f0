// Schedules: what is due becomes a run, whichever path finds it first, BullMQ's trigger or the sweep of the store.
import type { Selectable } from 'kysely';
import { AppError, messageOf } from '../../core/errors.ts';
import type { ScheduleSpec } from '../../core/service-file.ts';
import type { Queues } from '../queue/open-queues.ts';
import type { TickRhythm } from '../queue/tick-triggers.ts';
import type { Announce, Catalogue, Origin, Schedules, ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import type { Tables } from '../store/tables.ts';
import { checkRhythm, type DueTicks, dueTicks, LATE_MS, nextStartMs, rhythmOf, type Tick, tickRunId, tickSeed } from './due-ticks.ts';
import { OneAtATime } from './one-at-a-time.ts';
import type { RunRows } from './run-rows.ts';
import { checkNames, type RunDesk } from './runs.ts';

export type ScheduleBookOptions = {
  store: Store;
  catalogue: Catalogue;
  queues: Pick<Queues, 'setTicks' | 'onTick'>;
  rows: RunRows;
  runs: RunDesk;
  clock: ServiceClock;
  announce: Announce;
  log: (line: string) => void;
};

type ScheduleRow = Selectable<Tables['schedules']>;

export class ScheduleBook implements Schedules {
  readonly #options: ScheduleBookOptions;
  readonly #turns = new OneAtATime();
  /** Of schedules that cannot be read or started; said in the log once. */
  readonly #troubles = new Set<string>();

  constructor(options: ScheduleBookOptions) {
    this.#options = options;
    options.queues.onTick((name) => this.sweep(name));
  }

  async put(spec: ScheduleSpec, origin: Origin): Promise<void> {
    await this.#turns.do(async () => {
      await this.#put(spec, origin);
      await this.#setTriggers();
    });
  }

  async putFile(specs: readonly ScheduleSpec[]): Promise<void> {
    await this.#turns.do(async () => {
      for (const spec of specs) await this.#put(spec, 'file');
      const named = new Set(specs.map(({ name }) => name));
      for (const { name, origin } of await this.#rows()) if (origin === 'file' && !named.has(name)) await this.#delete(name);
      await this.#setTriggers();
    });
  }

  async remove(name: string): Promise<void> {
    await this.#turns.do(async () => {
      const [row] = await this.#rows(name);
      if (!row) throw new AppError('UNKNOWN_NAME', `there is no schedule ${name}`);
      if (row.origin === 'file') throw ownedByFile(name);
      await this.#delete(name);
      await this.#setTriggers();
    });
  }

  nextTickMs(spec: ScheduleSpec): number | null {
    return nextStartMs(spec, this.#options.clock.nowMs());
  }

  /** Makes runs of what is due: of one schedule, or of all. */
  async sweep(name?: string): Promise<void> {
    await this.#turns.do(async () => {
      for (const row of await this.#rows(name)) {
        try {
          await this.#sweepOne(row);
          this.#troubles.delete(row.name);
        } catch (error) {
          if (!this.#troubles.has(row.name)) this.#options.log(`schedule ${row.name}: ${messageOf(error)}`);
          this.#troubles.add(row.name);
        }
      }
    });
  }

  async close(): Promise<void> {
    await this.#turns.idle();
  }

  async #put(spec: ScheduleSpec, origin: Origin): Promise<void> {
    const { store, catalogue, clock, announce } = this.#options;
    checkNames(catalogue, spec);
    checkRhythm(spec);
    const [existing] = await this.#rows(spec.name);
    if (existing?.origin === 'file' && origin === 'api') throw ownedByFile(spec.name);
    const json = JSON.stringify(spec);
    const nowMs = clock.nowMs();
    if (!existing) {
      const row = { name: spec.name, spec: json, origin, last_tick_ms: null, handled_until_ms: nowMs, created_ms: nowMs };
      await store.insertInto('schedules').values(row).execute();
    } else if (existing.spec !== json) {
      // Ticks of the new rhythm count from now: it did not sleep through what it was not asked for.
      await this.#update(spec.name, { spec: json, origin, handled_until_ms: nowMs });
    } else if (existing.origin !== origin) {
      await this.#update(spec.name, { origin });
    } else {
      return;
    }
    announce('schedule', spec.name);
  }

  async #sweepOne(row: ScheduleRow): Promise<void> {
    const { clock, announce } = this.#options;
    const spec = specOf(row);
    const due = dueTicks(spec, row.handled_until_ms, clock.nowMs());
    for (const { tick, hasEarlier } of due.skip) await this.#skip(spec, tick, hasEarlier);
    for (const tick of due.start) await this.#start(spec, tick);
    const last = lastOf(due);
    const wentBack = due.handledUntilMs < row.handled_until_ms;
    // Without a tick nothing need be written: the next sweep counts from the same place.
    if (last === null && !wentBack) return;
    await this.#update(row.name, { handled_until_ms: due.handledUntilMs, ...(last !== null && { last_tick_ms: last }) });
    if (last !== null) announce('schedule', row.name);
  }

  async #start(spec: ScheduleSpec, tick: Tick): Promise<void> {
    await this.#options.runs.request(wishOf(spec, tick));
  }

  async #skip(spec: ScheduleSpec, tick: Tick, hasEarlier: boolean): Promise<void> {
    const { rows, clock, announce, log } = this.#options;
    const nowMs = clock.nowMs();
    const lateSec = Math.round((nowMs - tick.startMs) / 1_000);
    const summary =
      `the service slept through this tick: it was ${String(lateSec)} s late, and ${String(LATE_MS / 1_000)} s are allowed` +
      (hasEarlier ? '; earlier ones are not recorded' : '');
    const wish = wishOf(spec, tick);
    if (!(await rows.insert(wish, { state: 'skipped', createdMs: nowMs, summary, endedMs: nowMs }))) return;
    log(`run ${wish.id}: skipped: ${summary}`);
    announce('run', wish.id);
  }

  async #setTriggers(): Promise<void> {
    const rhythms = new Map<string, TickRhythm>();
    for (const row of await this.#rows()) {
      const spec = specOf(row);
      if (!spec.paused) rhythms.set(spec.name, rhythmOf(spec));
    }
    this.#options.queues.setTicks(rhythms);
  }

  async #rows(name?: string): Promise<ScheduleRow[]> {
    const query = this.#options.store.selectFrom('schedules').selectAll().orderBy('name');
    return await (name === undefined ? query : query.where('name', '=', name)).execute();
  }

  async #update(name: string, fields: Partial<ScheduleRow>): Promise<void> {
    await this.#options.store.updateTable('schedules').set(fields).where('name', '=', name).execute();
  }

  async #delete(name: string): Promise<void> {
    await this.#options.store.deleteFrom('schedules').where('name', '=', name).execute();
    this.#options.announce('schedule', name);
  }
}

function wishOf(spec: ScheduleSpec, tick: Tick) {
  const id = tickRunId(spec.name, tick.atMs);
  const { scenario, environment, overlap } = spec;
  return { id, scenario, environment, overlap, seed: tickSeed(id), trigger: `schedule ${spec.name}`, dueMs: tick.startMs };
}

function lastOf({ start, skip }: DueTicks): number | null {
  const instants = [...start, ...skip.map(({ tick }) => tick)].map(({ atMs }) => atMs);
  return instants.length === 0 ? null : Math.max(...instants);
}

/** The store has specs as they are after parsing: durations are numbers there. */
function specOf(row: ScheduleRow): ScheduleSpec {
  return JSON.parse(row.spec) as ScheduleSpec;
}

function ownedByFile(name: string): AppError {
  return new AppError('CONFLICT', `the schedule ${name} stands in the service's file`, {
    remedy: 'change it there, and start the service again',
  });
}
