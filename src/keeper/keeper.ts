// The keeper: the only one that breaks or mends anything. It injects for whoever holds the epoch, and reverts whatever happens.
//
// Every `await` may last for ever: a process can be frozen at any instant and thawed an hour later. So who holds the environment is
// asked again after each one (`#require`).
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import type { JournalEvent } from '../core/journal.ts';
import type { KeeperFile, KeeperStatus, PlannedFault, PlanStep } from '../core/keeper-messages.ts';
import { faultEventOf, type KeeperRecord, type NewKeeperRecord, runEventsOf } from '../core/keeper-records.ts';
import { bindAct } from './act.ts';
import { FaultHands, type HandParts } from './fault-hands.ts';
import { expiryMs, type FaultState, isOpen, isOver, keyOf } from './fault-state.ts';
import type { JanitorLink } from './janitor-link.ts';
import { forecastOf, obstacleFor, planStep, readHops, unverifiedError } from './preflight.ts';

const TICK_MS = 100;
const LOOK_MS = 1_000;
const FROZEN_MS = 1_000;
const PREFLIGHT_MS = 10_000;
/** How long a keeper without a janitor keeps a fault in force. */
const ALONE_MS = 3_000;

export type KeeperParts = HandParts & { file: KeeperFile; machineBoot: string };

/** Gets the events of the faults of one run. */
export type Audience = (event: JournalEvent) => void;

type Holder = { runId: string; epoch: number; renewedMs: number; baseline: Map<string, number> };

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #janitor: JanitorLink;
  readonly #hands: FaultHands;
  #holder: Holder | null = null;
  #audience: { epoch: number; tell: Audience } | null = null;
  #lastEnd = { epoch: 0, reason: '' };
  /** Somebody is taking the environment, or injecting: one at a time. */
  #isTaken = false;
  #wasAcquired = false;
  #isHalted = false;
  #lastTickMs: number;
  #nextLookMs = 0;
  #aloneSinceMs: number | null = null;

  constructor(parts: KeeperParts, janitor: (isQuiet: () => boolean) => JanitorLink) {
    this.#parts = parts;
    this.#lastTickMs = parts.now();
    this.#hands = new FaultHands(parts, (fault) => this.#expiryMs(fault));
    this.#janitor = janitor(() => this.#hands.areQuiet);
    parts.journal.onRecord((line) => {
      this.#tell(line);
    });
  }

  /** Puts everything back that an earlier keeper left; it never resumes a fault. Then works until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { journal } = this.#parts;
    const left = journal.state.holder;
    if (left) this.#note({ type: 'released', epoch: left.epoch, reason: 'the keeper was started again' });
    for (const fault of this.#hands.openFaults()) void this.#hands.revert(fault, 'the keeper was started again');
    while (!signal.aborted) {
      this.#tick();
      await sleep(TICK_MS, undefined, { signal }).catch(() => undefined); // aborted: the loop sees it
    }
    await this.#end('the keeper was told to end');
    this.#hands.close();
    this.#janitor.close();
  }

  /** Its work is done: somebody held it, nobody does, and every target is out of quarantine. */
  get isIdle(): boolean {
    return this.#wasAcquired && this.#holder === null && [...this.#parts.journal.state.faults.values()].every(isOver);
  }

  get wasNeverTaken(): boolean {
    return !this.#wasAcquired;
  }

  /** @throws AppError KEEPER_DISARMED, KEEPER_BUSY, KEEPER_UNVERIFIED, KEEPER_REFUSED (halted), DISK */
  async acquire(runId: string, t0MonoMs: number, audience: Audience): Promise<{ epoch: number; leaseMs: number }> {
    const { file, halt, journal, machineBoot, now, surroundings } = this.#parts;
    if (!file.armed) {
      throw new AppError('KEEPER_DISARMED', 'the keeper is disarmed', {
        remedy: 'set armed: true in the file on the keeper’s own machine',
      });
    }
    if (halt.isThere()) throw halt.refusal();
    this.#tick();
    this.#requireFree();
    this.#isTaken = true;
    try {
      await this.#janitor.ready();
      const baseline = await readHops(surroundings, AbortSignal.timeout(PREFLIGHT_MS));
      const epoch = journal.state.epoch + 1;
      journal.append({ type: 'acquired', epoch, runId, t0MonoMs, machineBoot }, { sync: true });
      this.#holder = { runId, epoch, renewedMs: now(), baseline: new Map() };
      this.#widenBaseline(baseline);
      this.#audience = { epoch, tell: audience };
      this.#wasAcquired = true;
      this.#janitor.renewed(epoch, this.#holder.renewedMs);
      return { epoch, leaseMs: file.leaseMs };
    } finally {
      this.#isTaken = false;
    }
  }

  /** Judges every fault; changes nothing. `epoch` null: for somebody who only asks. */
  async plan(epoch: number | null, faults: readonly PlannedFault[]): Promise<PlanStep[]> {
    if (epoch !== null) this.#require(epoch);
    const { surroundings } = this.#parts;
    const hops = await readHops(surroundings, AbortSignal.timeout(PREFLIGHT_MS));
    if (epoch !== null) this.#widenBaseline(hops);
    return await Promise.all(
      faults.map(async (fault) => {
        const forecast = await forecastOf(fault, surroundings, AbortSignal.timeout(PREFLIGHT_MS));
        return planStep(fault, surroundings, { ...this.#facts(), hops, forecast });
      }),
    );
  }

  /**
   * Returns once the fault is in force.
   * @throws AppError KEEPER_REFUSED with every reason; whatever the device failed with, once all is reverted
   */
  async inject(epoch: number, planned: PlannedFault): Promise<void> {
    this.#require(epoch);
    if (this.#isTaken) throw new AppError('KEEPER_REFUSED', 'another fault is being injected, and one target at a time is disturbed');
    this.#isTaken = true;
    try {
      await this.#injectAlone(epoch, planned);
    } finally {
      this.#isTaken = false;
    }
  }

  /** @throws AppError KEEPER_STALE_EPOCH; a lease that lapsed is not brought back by a renewal that was late */
  renew(epoch: number, audience: Audience): void {
    const holder = this.#require(epoch);
    holder.renewedMs = this.#parts.now();
    this.#audience = { epoch, tell: audience };
    this.#janitor.renewed(epoch, holder.renewedMs);
  }

  /** Returns once the revert was tried; its verdict is an event. @throws AppError KEEPER_STALE_EPOCH, UNKNOWN_NAME */
  async revert(epoch: number, faultName: string, reason: string): Promise<void> {
    this.#require(epoch);
    const fault = this.#parts.journal.state.faults.get(keyOf({ epoch, fault: faultName }));
    if (!fault) throw new AppError('UNKNOWN_NAME', `this run has no fault ${JSON.stringify(faultName)}`);
    if (isOpen(fault)) await this.#hands.revert(fault, reason);
  }

  /** Gives the environment back, everything reverted first. @throws AppError KEEPER_STALE_EPOCH */
  async release(epoch: number): Promise<void> {
    this.#require(epoch);
    await this.#end('the run gave the environment back');
  }

  /** The emergency stop: everything reverted, the holder out, and nothing more until the halt is lifted. */
  async halt(): Promise<void> {
    try {
      this.#parts.halt.write();
    } catch (error) {
      this.#parts.log(`${messageOf(error)}; halted as long as this keeper lives`);
    }
    await this.#end('halted by a person');
  }

  status(): KeeperStatus {
    const { file, journal, now } = this.#parts;
    journal.refresh();
    return {
      armed: file.armed,
      halted: this.#parts.halt.isThere(),
      holder: this.#holder ? { runId: this.#holder.runId, epoch: this.#holder.epoch } : null,
      leaseMs: file.leaseMs,
      keeperPid: process.pid,
      janitorPid: this.#janitor.pid,
      faults: [...journal.state.faults.values()].map((fault) => ({
        fault: fault.fault,
        kind: fault.kind,
        target: fault.target,
        runId: fault.runId,
        epoch: fault.epoch,
        state: fault.phase,
        reason: fault.reason,
        isQuarantineOver: fault.isQuarantineOver,
        expiresInMs: isOpen(fault) ? Math.max(0, this.#expiryMs(fault) - now()) : null,
      })),
    };
  }

  /** What became of each fault of a run, as the journal tells it. @throws AppError DISK */
  words(runId: string): JournalEvent[] {
    return runEventsOf(this.#parts.journal.lines(), runId);
  }

  /** The clock that runs are told times on. */
  clock(): { boot: string; monoMs: number } {
    return { boot: this.#parts.machineBoot, monoMs: this.#parts.now() };
  }

  async #injectAlone(epoch: number, planned: PlannedFault): Promise<void> {
    const { surroundings, journal, now } = this.#parts;
    const { runId } = this.#require(epoch);
    const key = keyOf({ epoch, fault: planned.fault });
    if (journal.state.faults.has(key))
      throw new AppError('KEEPER_REFUSED', `${planned.fault} was injected before; a fault is never injected twice`);
    const obstacle = obstacleFor(planned.target, journal.state);
    if (obstacle) throw obstacle;
    const [step] = await this.plan(epoch, [planned]);
    if (step && step.refusals.length > 0)
      throw new AppError('KEEPER_REFUSED', `${planned.kind} at ${planned.target}: ${step.refusals.join('; ')}`);
    await this.#janitor.ready();
    const { fault, aim } = bindAct({ ...planned, runId }, surroundings);
    const params = z.strictObject(fault.params).parse(planned.params);
    const preState = await fault.preState({ ...aim, params }, AbortSignal.timeout(PREFLIGHT_MS));
    this.#require(epoch);
    if (this.#parts.halt.isThere()) throw this.#parts.halt.refusal();
    const { kind, target, forMs } = planned;
    const deadlineMs = now() + forMs;
    journal.append(
      {
        type: 'fault.intent',
        epoch,
        fault: planned.fault,
        kind,
        target,
        params,
        headline: fault.headline({ ...aim, params }),
        aimedAt: fault.aimedAt,
        ...(fault.isControl ? { isControl: true } : {}),
        breaksBy: [...fault.breaksBy],
        forMs,
        deadlineMs,
        preState,
      },
      { sync: true }, // a crash from here on must leave the target revertible
    );
    const state = journal.state.faults.get(key);
    if (!state) throw new Error(`the journal did not take the intent of ${key}`);
    await this.#hands.inject(state, () => this.#janitor.watch(key));
  }

  #tick(): void {
    const { journal, halt, now } = this.#parts;
    const nowMs = now();
    const wasFrozen = nowMs - this.#lastTickMs > FROZEN_MS;
    this.#lastTickMs = nowMs;
    journal.refresh();
    this.#janitor.tend(wasFrozen);
    const isHalted = halt.isThere();
    if (isHalted && !this.#isHalted) void this.#end('halted by a person');
    this.#isHalted = isHalted;
    this.#aloneSinceMs = this.#janitor.isWell ? null : (this.#aloneSinceMs ?? nowMs);
    const isAlone = this.#aloneSinceMs !== null && nowMs - this.#aloneSinceMs > ALONE_MS;
    for (const fault of this.#hands.openFaults()) {
      if (fault.phase === 'reverting' || fault.phase === 'unverified') continue;
      if (nowMs >= fault.deadlineMs) void this.#hands.revert(fault, 'its time is over');
      else if (nowMs >= this.#expiryMs(fault)) void this.#hands.revert(fault, 'the lease was not renewed');
      else if (isAlone) void this.#hands.revert(fault, 'the keeper has no janitor');
    }
    if (this.#holder && nowMs >= this.#holder.renewedMs + this.#parts.file.leaseMs) void this.#end('the lease was not renewed');
    if (nowMs >= this.#nextLookMs) {
      this.#nextLookMs = nowMs + LOOK_MS;
      void this.#hands.look();
    }
  }

  /** Puts the holder out at once, then reverts everything. */
  async #end(reason: string): Promise<void> {
    const holder = this.#holder;
    this.#holder = null;
    if (holder) this.#lastEnd = { epoch: holder.epoch, reason };
    // What is unverified was tried for long, and the janitor goes on trying.
    const open = this.#hands.openFaults().filter(({ phase }) => phase !== 'unverified');
    await Promise.all(open.map((fault) => this.#hands.revert(fault, reason)));
    if (holder) this.#note({ type: 'released', epoch: holder.epoch, reason });
  }

  #require(epoch: number): Holder {
    this.#tick();
    if (this.#holder?.epoch === epoch) return this.#holder;
    const why = this.#lastEnd.epoch === epoch ? `: ${this.#lastEnd.reason}` : '';
    throw new AppError('KEEPER_STALE_EPOCH', `epoch ${String(epoch)} is over${why}`, { remedy: 'start a new run' });
  }

  #requireFree(): void {
    const { state } = this.#parts.journal;
    const unverified = [...state.faults.values()].find(({ phase }) => phase === 'unverified');
    if (unverified) throw unverifiedError(unverified);
    const [open] = this.#hands.openFaults();
    if (!this.#holder && !open && !this.#isTaken) return;
    const by = this.#holder
      ? `the run ${this.#holder.runId} holds it`
      : open
        ? `${open.kind} at ${open.target} is being reverted`
        : 'a run is just taking it';
    throw new AppError('KEEPER_BUSY', `the environment is taken: ${by}`, {
      remedy: 'wait for its end; holdfast keeper status tells who holds it',
    });
  }

  #expiryMs(fault: FaultState): number {
    return expiryMs(fault, this.#holder?.epoch === fault.epoch ? this.#holder.renewedMs : -Infinity, this.#parts.file.leaseMs);
  }

  #facts() {
    const { file, journal } = this.#parts;
    return { file, state: journal.state, baseline: this.#holder?.baseline ?? new Map<string, number>() };
  }

  #widenBaseline(hops: Awaited<ReturnType<typeof readHops>>): void {
    for (const [vip, set] of hops ?? []) this.#holder?.baseline.set(vip, Math.max(set.length, this.#holder.baseline.get(vip) ?? 0));
  }

  #note(record: NewKeeperRecord): void {
    const error = this.#parts.journal.note(record);
    if (error) this.#parts.log(error.message);
  }

  #tell(line: KeeperRecord): void {
    const audience = this.#audience;
    if (!('fault' in line) || audience?.epoch !== line.epoch) return;
    const fault = this.#parts.journal.state.faults.get(keyOf(line));
    const event = fault && faultEventOf(line, fault);
    if (event) audience.tell(event);
  }
}
