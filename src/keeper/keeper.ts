// The keeper: the only one that breaks or mends anything. It injects for whoever holds the epoch, and reverts whatever happens.
//
// Every `await` here may last for ever: a process can be frozen at any instant and thawed an hour later. So what was true before
// an await is asked again after it, and every command to a device asks clock and journal first (`#mayInject`).
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import type { JournalEvent } from '../core/journal.ts';
import type { KeeperFile, KeeperStatus, PlannedFault, PlanStep } from '../core/keeper-messages.ts';
import { faultEventOf, type KeeperRecord, type NewKeeperRecord } from '../core/keeper-records.ts';
import { bindAct, checkedDevices, type Surroundings } from './act.ts';
import { expiryMs, type FaultState, isOpen, isOver, keyOf } from './fault-state.ts';
import type { HaltFile } from './halt-file.ts';
import type { JanitorLink } from './janitor-link.ts';
import type { KeeperJournal } from './keeper-journal.ts';
import { obstacleFor, planStep, readHops, unverifiedError } from './preflight.ts';
import { readFault, revertFault, REVERT_MS, type RevertEnd } from './revert.ts';

const TICK_MS = 100;
const POLL_MS = 1_000;
const FROZEN_MS = 1_000;
/** From the intent until all commands were taken, and from then until the configuration shows it: what needs longer is reverted. */
const INJECT_MS = 30_000;
const READ_BACK_MS = 5_000;
const READ_BACK_PAUSE_MS = 50;
const PREFLIGHT_MS = 10_000;
/** How long a command that was killed may take to be gone. */
const KILLED_MS = 1_000;
/** How long a keeper without a janitor keeps a fault in force. */
const ALONE_MS = 3_000;

export type KeeperParts = {
  journal: KeeperJournal;
  surroundings: Surroundings;
  file: KeeperFile;
  halt: HaltFile;
  machineBoot: string;
  /** CLOCK_MONOTONIC, ms. */
  now: () => number;
  log: (text: string) => void;
};

/** Gets the events of the faults of one run. */
export type Audience = (event: JournalEvent) => void;

type Holder = { runId: string; epoch: number; renewedMs: number; baseline: Map<string, number> };

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #janitor: JanitorLink;
  readonly #injections = new Map<string, { abort: AbortController; done: Promise<void> }>();
  readonly #reverts = new Map<string, Promise<RevertEnd>>();
  readonly #closing = new AbortController();
  #holder: Holder | null = null;
  #audience: { epoch: number; tell: Audience } | null = null;
  #lastEnd = { epoch: 0, reason: '' };
  #isTaken = false;
  #wasAcquired = false;
  #isHalted = false;
  #lastTickMs: number;
  #nextPollMs = 0;
  #aloneSinceMs: number | null = null;

  constructor(parts: KeeperParts, janitor: (isQuiet: () => boolean) => JanitorLink) {
    this.#parts = parts;
    this.#lastTickMs = parts.now();
    this.#janitor = janitor(() => this.#injections.size === 0);
    parts.journal.onRecord((line) => {
      this.#tell(line);
    });
  }

  /** Puts everything back that an earlier keeper left; it never resumes a fault. Then works until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { journal } = this.#parts;
    const left = journal.state.holder;
    if (left) this.#note({ type: 'released', epoch: left.epoch, reason: 'the keeper was started again' });
    for (const fault of this.#openFaults()) void this.#revert(fault, 'the keeper was started again');
    while (!signal.aborted) {
      this.#tick();
      await sleep(TICK_MS, undefined, { signal }).catch(() => undefined); // aborted: the loop sees it
    }
    await this.#end('the keeper was told to end');
    this.#closing.abort();
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
    return faults.map((fault) => planStep(fault, surroundings, { ...this.#facts(), hops }));
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
    if (isOpen(fault)) await this.#revert(fault, reason);
  }

  /** Gives the environment back, everything reverted first. @throws AppError KEEPER_STALE_EPOCH */
  async release(epoch: number): Promise<void> {
    this.#require(epoch);
    await this.#end('the run gave the environment back');
  }

  /** The emergency stop: everything reverted, the holder out, and nothing more until the halt is lifted. */
  async halt(): Promise<void> {
    this.#isHalted = true;
    try {
      this.#parts.halt.write();
    } catch (error) {
      this.#parts.log(`${messageOf(error)}; halted in memory`);
    }
    await this.#end('halted by a person');
  }

  status(): KeeperStatus {
    const { file, journal, now } = this.#parts;
    journal.refresh();
    return {
      armed: file.armed,
      halted: this.#isHalted || this.#parts.halt.isThere(),
      holder: this.#holder ? { runId: this.#holder.runId, epoch: this.#holder.epoch } : null,
      leaseMs: file.leaseMs,
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

  async #injectAlone(epoch: number, planned: PlannedFault): Promise<void> {
    const { surroundings, journal, now } = this.#parts;
    const key = keyOf({ epoch, fault: planned.fault });
    if (journal.state.faults.has(key))
      throw new AppError('KEEPER_REFUSED', `${planned.fault} was injected before; a fault is never injected twice`);
    const obstacle = obstacleFor(planned.target, journal.state);
    if (obstacle) throw obstacle;
    const [step] = await this.plan(epoch, [planned]);
    if (step && step.refusals.length > 0)
      throw new AppError('KEEPER_REFUSED', `${planned.kind} at ${planned.target}: ${step.refusals.join('; ')}`);
    await this.#janitor.ready();
    const { fault, aim } = bindAct(planned, surroundings);
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
        forMs,
        deadlineMs,
        preState,
      },
      { sync: true }, // a crash from here on must leave the target revertible
    );
    const state = journal.state.faults.get(key);
    if (!state) throw new Error(`the journal did not take the intent of ${key}`);
    await this.#carryOut(state);
  }

  /** From a recorded intent to a fault in force; whatever goes wrong, the target is put back before this throws. */
  async #carryOut(state: FaultState): Promise<void> {
    const { now } = this.#parts;
    const key = keyOf(state);
    const abort = new AbortController();
    const { promise: done, resolve: ended } = Promise.withResolvers<undefined>();
    this.#injections.set(key, { abort, done });
    const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(INJECT_MS)]);
    try {
      await this.#janitor.watch(key);
      const devices = checkedDevices(this.#parts.surroundings.devices, () => {
        this.#mayInject(key);
      });
      const { fault, aim } = bindAct(state, { ...this.#parts.surroundings, devices });
      await fault.inject(aim, state.preState, signal);
      const readBackUntil = now() + READ_BACK_MS;
      while (!(await fault.read(aim, state.preState, signal)).isInForce) {
        if (now() > readBackUntil)
          throw new AppError('DEVICE_OUTPUT', 'the device took the commands, and its configuration does not show them');
        await sleep(READ_BACK_PAUSE_MS, undefined, { signal });
      }
      this.#mayInject(key);
      this.#note({ type: 'fault.in-force', epoch: state.epoch, fault: state.fault });
    } catch (thrown) {
      const error: unknown = signal.aborted ? signal.reason : thrown;
      this.#injections.delete(key);
      ended(undefined);
      const end = await this.#revert(state, `it could not be injected: ${messageOf(error)}`);
      const after = end.type === 'fault.unverified' ? `, and its revert is not confirmed: ${end.reason}` : '; all is as before';
      const code = end.type === 'fault.unverified' ? 'KEEPER_UNVERIFIED' : error instanceof AppError ? error.code : 'KEEPER_REFUSED';
      throw new AppError(code, `${state.kind} at ${state.target} could not be injected: ${messageOf(error)}${after}`, { cause: error });
    } finally {
      this.#injections.delete(key);
      ended(undefined);
    }
  }

  /** Asked before every command of an injection. @throws AppError when its time is over, by the clock or by the journal */
  #mayInject(key: string): void {
    const { journal, halt, now } = this.#parts;
    journal.refresh();
    const fault = journal.state.faults.get(key);
    if (fault?.phase !== 'intent') throw new AppError('KEEPER_REFUSED', 'it was reverted meanwhile');
    if (now() >= this.#expiryMs(fault)) throw new AppError('KEEPER_REFUSED', 'its time was over before it was in force');
    if (this.#isHalted || halt.isThere()) throw halt.refusal();
  }

  /** Reverts one fault, once at a time; an injection that still runs is killed first, never waited for. */
  async #revert(fault: FaultState, reason: string): Promise<RevertEnd> {
    const key = keyOf(fault);
    const running = this.#reverts.get(key);
    if (running) return await running;
    const { epoch, fault: name } = fault;
    this.#note({ type: 'fault.reverting', epoch, fault: name, reason });
    const revert = this.#carryBack(fault, reason).then((end) => {
      this.#reverts.delete(key);
      if (end.type === 'fault.unverified') {
        this.#parts.log(`UNVERIFIED: ${fault.kind} at ${fault.target} may still be in force: ${end.reason}`);
      }
      this.#note({ ...end, epoch, fault: name });
      return end;
    });
    this.#reverts.set(key, revert);
    return await revert;
  }

  async #carryBack(fault: FaultState, reason: string): Promise<RevertEnd> {
    const injection = this.#injections.get(keyOf(fault));
    injection?.abort.abort(new AppError('KEEPER_REFUSED', reason));
    await Promise.race([injection?.done, sleep(KILLED_MS)]);
    try {
      return await revertFault(fault, this.#parts.surroundings, { limitMs: REVERT_MS, signal: this.#closing.signal });
    } catch (error) {
      return { type: 'fault.unverified', reason: messageOf(error) };
    }
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
    for (const fault of this.#openFaults()) {
      if (fault.phase === 'reverting' || fault.phase === 'unverified') continue;
      if (nowMs >= fault.deadlineMs) void this.#revert(fault, 'its time is over');
      else if (nowMs >= this.#expiryMs(fault)) void this.#revert(fault, 'the lease was not renewed');
      else if (isAlone) void this.#revert(fault, 'the keeper has no janitor');
    }
    if (this.#holder && nowMs >= this.#holder.renewedMs + this.#parts.file.leaseMs) void this.#end('the lease was not renewed');
    if (nowMs >= this.#nextPollMs) {
      this.#nextPollMs = nowMs + POLL_MS;
      void this.#poll();
    }
  }

  /** A fault may vanish without us: another program rewrites the configuration, an operator undoes it. Said, not redone. */
  async #poll(): Promise<void> {
    for (const fault of this.#openFaults().filter(({ phase }) => phase === 'in-force')) {
      const reading = await readFault(fault, this.#parts.surroundings, this.#closing.signal).catch(() => null); // the next poll, or the revert, tells
      this.#parts.journal.refresh();
      if (reading === null || this.#parts.journal.state.faults.get(keyOf(fault)) !== fault) continue;
      const { epoch, fault: name } = fault;
      if (reading === 'gone') this.#note({ type: 'fault.gone', epoch, fault: name, reason: 'the target does not exist any more' });
      else if (!reading.isInForce) this.#note({ type: 'fault.lost', epoch, fault: name, reason: 'somebody else undid it' });
    }
  }

  /** Puts the holder out at once, then reverts everything. */
  async #end(reason: string): Promise<void> {
    const holder = this.#holder;
    this.#holder = null;
    if (holder) this.#lastEnd = { epoch: holder.epoch, reason };
    const ends = await Promise.all(this.#openFaults().map((fault) => this.#revert(fault, reason)));
    if (holder) this.#note({ type: 'released', epoch: holder.epoch, reason });
    if (ends.some((end) => end.type === 'fault.unverified')) this.#parts.log('a revert is not confirmed: new faults are refused');
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
    const [open] = this.#openFaults();
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

  #openFaults(): FaultState[] {
    return [...this.#parts.journal.state.faults.values()].filter(isOpen);
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
