// One monitor from the day it is made: its row in the store, and the session that it is watched in, if it is.
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import { type MonitorSpec, monitorSpec } from '../../core/service-file.ts';
import type { ObserverEvent } from '../../observers/observer.ts';
import type { Catalogue, OnEvents, Origin, ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import { ChunkBounds } from './chunk-bounds.ts';
import type { FindingLog } from './finding-log.ts';
import { type MonitorPlan, newSession, planMonitor, type Session } from './monitor-plan.ts';
import { blindness } from './observer-child.ts';
import { readHead } from './segment-file.ts';
import type { SegmentFolder } from './segment-folder.ts';
import { type SessionOptions, WatchedSession } from './watched-session.ts';

export type MonitorTools = {
  store: Store;
  catalogue: Catalogue;
  clock: ServiceClock;
  machineBoot: string;
  folder: SegmentFolder;
  findings: FindingLog;
  onEvents: OnEvents;
  log: (line: string) => void;
};

export class Monitor {
  readonly spec: MonitorSpec;
  origin: Origin;
  isPaused = false;
  /** Null while it is paused, or cannot be watched: `problem` then says why. */
  live: WatchedSession | null = null;
  problem: string | null = null;
  /** Of the session that is watched, or was watched last. */
  bounds: ChunkBounds | null = null;
  readonly #tools: MonitorTools;
  /** The newest session, over or not. */
  #session: Session | null = null;
  /** Nothing was watched since it ended: it cannot go on as if something had been. */
  #isOver = false;

  constructor(spec: MonitorSpec, origin: Origin, tools: MonitorTools) {
    this.spec = spec;
    this.origin = origin;
    this.#tools = tools;
  }

  /** The monitors that the store knows; none is watched yet. */
  static async stored(tools: MonitorTools): Promise<Monitor[]> {
    const rows = await tools.store.selectFrom('monitors').selectAll().orderBy('name').execute();
    return rows.map((row) => {
      const monitor = new Monitor(monitorSpec.parse(JSON.parse(row.spec)), row.origin, tools);
      monitor.isPaused = monitor.#isOver = row.paused !== 0;
      monitor.#session = { id: row.session, t0MonoMs: row.t0_mono_ms, t0WallMs: row.t0_wall_ms, machineBoot: row.machine_boot };
      return monitor;
    });
  }

  get name(): string {
    return this.spec.name;
  }

  /** The newest session, over or not; null for one that never began. */
  get session(): Session | null {
    return this.#session;
  }

  /**
   * Begins to watch: in the session that was left by the last service of this boot, if nothing has changed, else in a new one.
   * What fails leaves it unwatched, for another try.
   * @param standing how things stand with who observes its environment already
   * @throws AppError DISK; UNKNOWN_NAME for a plan that the files no longer hold
   */
  async start(standing: readonly ObserverEvent[]): Promise<void> {
    const plan = planMonitor(this.spec, this.#tools.catalogue);
    try {
      if (!(await this.#resume(plan))) {
        const why = 'A new session of the monitor began: what came of this was not seen.';
        await this.#tools.findings.close(this.name, why, this.#tools.clock.nowMs());
        await this.#begin(plan);
      }
      this.live?.takeObserved(standing);
      this.problem = null;
    } catch (error) {
      this.letGo();
      throw error;
    }
  }

  /** As `start`, but what fails is told as this monitor's problem. @returns whether it is watched now */
  async tryStart(standing: readonly ObserverEvent[]): Promise<boolean> {
    try {
      await this.start(standing);
      return true;
    } catch (error) {
      const problem = `the monitor ${this.name} is not watched: ${messageOf(error)}`;
      if (problem !== this.problem) this.#tools.log(problem);
      this.problem = problem;
      return false;
    }
  }

  /** Closes its segment: the session may go on. */
  letGo(): void {
    this.live?.[Symbol.dispose]();
    this.live = null;
  }

  /** Ends its session: what is open is resolved. @param why one sentence, for people */
  async end(why: string): Promise<void> {
    const { findings, clock } = this.#tools;
    if (this.live) findings.take(this.live.advance());
    this.letGo();
    this.problem = null;
    this.#isOver = true;
    await findings.close(this.name, why, clock.nowMs());
  }

  /** Takes over where `before` stood: a session of the same plan goes on. */
  follow(before: Monitor): void {
    this.isPaused = before.isPaused;
    this.#session = before.#session;
    this.#isOver = before.#isOver;
  }

  async save(): Promise<void> {
    if (this.#session === null) return;
    const { id: session, t0MonoMs, t0WallMs, machineBoot } = this.#session;
    const row = {
      environment: this.spec.environment,
      spec: JSON.stringify(this.spec),
      origin: this.origin,
      paused: this.isPaused ? 1 : 0,
      session,
      t0_mono_ms: t0MonoMs,
      t0_wall_ms: t0WallMs,
      machine_boot: machineBoot,
    };
    await this.#tools.store
      .insertInto('monitors')
      .values({ name: this.name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
  }

  async #resume(plan: MonitorPlan): Promise<boolean> {
    const { machineBoot, folder, findings, log } = this.#tools;
    const session = this.#session;
    if (this.#isOver || session?.machineBoot !== machineBoot) return false;
    const place = folder.newest(this.name, session.id);
    if (place === null) return false;
    try {
      const head = await readHead(place.path);
      // As JSON has it: a plan from files may hold keys that are undefined.
      if (!isDeepStrictEqual(head.plan, JSON.parse(JSON.stringify(plan)))) return false;
      const { resumed, findings: again } = await WatchedSession.resume(this.#options(plan, session), place, head);
      findings.take(again);
      this.live = resumed;
      this.#tellAbsence(resumed);
    } catch (error) {
      // A segment that cannot be read again must not keep the monitor from watching.
      log(`the session ${session.id} of the monitor ${this.name} cannot go on, a new one begins: ${messageOf(error)}`);
      return false;
    }
    await this.save();
    return true;
  }

  async #begin(plan: MonitorPlan): Promise<void> {
    const { clock, machineBoot, folder } = this.#tools;
    const before = this.#session;
    const session = newSession(this.name, before?.id ?? null, { nowMs: clock.nowMs(), monoMs: clock.monoMs(), machineBoot });
    this.live = WatchedSession.begin(this.#options(plan, session));
    this.#session = session;
    try {
      await this.save();
    } catch (error) {
      // Unknown to the store it could not go on after a restart, and what agents spooled for it would be thrown away.
      this.#session = before;
      this.letGo();
      const begun = folder.newest(this.name, session.id);
      if (begun) folder.remove([begun]);
      throw error;
    }
    this.#isOver = false;
  }

  /** Nobody observed while the service was away: until its observers tell anew, the sets are what the flows say. */
  #tellAbsence(resumed: WatchedSession): void {
    const { environment } = resumed.plan;
    const t = resumed.tellAbsence() + resumed.session.t0MonoMs;
    try {
      resumed.takeObserved(blindness(environment, t, 'the service was away'));
    } catch (error) {
      this.#tools.log(`the monitor ${this.name} does not record that the service was away: ${messageOf(error)}`);
    }
  }

  #options(plan: MonitorPlan, session: Session): SessionOptions {
    const { folder, clock, onEvents } = this.#tools;
    const of = { monitor: this.name, environment: this.spec.environment, session: session.id };
    const bounds = new ChunkBounds(plan);
    this.bounds = bounds;
    return {
      plan,
      session,
      folder,
      clock,
      onEvents: (events, isReplay) => {
        bounds.follow(events);
        onEvents(of, events, isReplay);
      },
    };
  }
}
