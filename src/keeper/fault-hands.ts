// The keeper's hands: what it does to devices for one fault, from a recorded intent to in force, and back.
//
// Every `await` here may last for ever: a process can be frozen at any instant and thawed an hour later. So every command of an
// injection asks clock and journal first (`#mayInject`), and a revert never waits for an injection: it ends it.
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, messageOf } from '../core/errors.ts';
import type { NewKeeperRecord } from '../core/keeper-records.ts';
import { bindAct, checkedDevices, type Surroundings } from './act.ts';
import { type FaultState, isOpen, keyOf } from './fault-state.ts';
import type { HaltFile } from './halt-file.ts';
import type { KeeperJournal } from './keeper-journal.ts';
import { readFault, revertFault, type RevertEnd } from './revert.ts';

/** From the intent until all commands were taken, and from then until the configuration shows it: what needs longer is reverted. */
const INJECT_MS = 30_000;
const READ_BACK_MS = 5_000;
const READ_BACK_PAUSE_MS = 50;
/** How long a command that was killed may take to be gone. */
const KILLED_MS = 1_000;

export type HandParts = {
  journal: KeeperJournal;
  surroundings: Surroundings;
  halt: HaltFile;
  /** How long a revert is tried before it is called unverified. */
  revertMs: number;
  /** CLOCK_MONOTONIC, ms. */
  now: () => number;
  log: (text: string) => void;
};

export class FaultHands {
  readonly #parts: HandParts;
  readonly #expiryMs: (fault: FaultState) => number;
  readonly #injections = new Map<string, { abort: AbortController; done: Promise<void> }>();
  readonly #reverts = new Map<string, Promise<RevertEnd>>();
  readonly #closing = new AbortController();
  #isLooking = false;

  constructor(parts: HandParts, expiryMs: (fault: FaultState) => number) {
    this.#parts = parts;
    this.#expiryMs = expiryMs;
  }

  /** No command that could disturb a target is under way. */
  get areQuiet(): boolean {
    return this.#injections.size === 0;
  }

  /**
   * From a recorded intent to a fault in force; whatever goes wrong, the target is put back before this throws.
   * @param watched resolves once the janitor knows the fault
   */
  async inject(state: FaultState, watched: () => Promise<void>): Promise<void> {
    const key = keyOf(state);
    const abort = new AbortController();
    const { promise: done, resolve: ended } = Promise.withResolvers<undefined>();
    this.#injections.set(key, { abort, done });
    const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(INJECT_MS)]);
    let failure: unknown;
    try {
      // A revert ends this wait as well: a janitor that dies right now must not make the keeper look at the target twice.
      await Promise.race([watched(), aborted(signal)]);
      await this.#untilInForce(state, signal);
      return;
    } catch (error) {
      failure = signal.aborted ? signal.reason : error;
    } finally {
      this.#injections.delete(key);
      ended(undefined);
    }
    const end = await this.revert(state, `it could not be injected: ${messageOf(failure)}`);
    const what = `${state.kind} at ${state.target} could not be injected: ${messageOf(failure)}`;
    if (end.type === 'fault.unverified') {
      throw new AppError('KEEPER_UNVERIFIED', `${what}, and its revert is not confirmed: ${end.reason}`, { cause: failure });
    }
    throw new AppError(failure instanceof AppError ? failure.code : 'KEEPER_REFUSED', `${what}; all is as before`, { cause: failure });
  }

  /** Reverts one fault, once at a time; an injection that still runs is killed first, never waited for. Never throws. */
  async revert(fault: FaultState, reason: string): Promise<RevertEnd> {
    const key = keyOf(fault);
    const running = this.#reverts.get(key);
    if (running) return await running;
    const { epoch, fault: name } = fault;
    this.#note({ type: 'fault.reverting', epoch, fault: name, reason });
    const revert = this.#carryBack(fault, reason).then((end) => {
      this.#reverts.delete(key);
      if (end.type === 'fault.unverified')
        this.#parts.log(`UNVERIFIED: ${fault.kind} at ${fault.target} may still be in force: ${end.reason}`);
      this.#note({ ...end, epoch, fault: name });
      return end;
    });
    this.#reverts.set(key, revert);
    return await revert;
  }

  /** A fault may vanish without us: another program rewrites the configuration, an operator undoes it. Said, not redone. */
  async look(): Promise<void> {
    if (this.#isLooking) return; // a device that hangs is not asked faster than it answers
    this.#isLooking = true;
    try {
      await this.#lookOnce();
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookOnce(): Promise<void> {
    const { journal, surroundings } = this.#parts;
    for (const fault of this.openFaults().filter(({ phase }) => phase === 'in-force')) {
      const reading = await readFault(fault, surroundings, this.#closing.signal).catch(() => null); // the next look, or the revert, tells
      journal.refresh();
      if (reading === null || journal.state.faults.get(keyOf(fault)) !== fault) continue;
      const { epoch, fault: name } = fault;
      const passed = surroundings.faults.find(({ kind }) => kind === fault.kind)?.passes;
      if (reading === 'gone') this.#note({ type: 'fault.gone', epoch, fault: name, reason: 'the target does not exist any more' });
      else if (passed !== undefined && (reading.hasPassed ?? reading.isRestored)) void this.revert(fault, passed);
      else if (!reading.isInForce) this.#note({ type: 'fault.lost', epoch, fault: name, reason: 'somebody else undid it' });
    }
  }

  openFaults(): FaultState[] {
    return [...this.#parts.journal.state.faults.values()].filter(isOpen);
  }

  /** Ends whatever look is under way; for a keeper that ends, when all is reverted. */
  close(): void {
    this.#closing.abort();
  }

  async #untilInForce(state: FaultState, signal: AbortSignal): Promise<void> {
    const { surroundings, now } = this.#parts;
    const mayInject = () => {
      this.#mayInject(state);
    };
    const { fault, aim } = bindAct(state, { ...surroundings, devices: checkedDevices(surroundings.devices, mayInject) });
    await fault.inject(aim, state.preState, signal);
    const readBackUntil = now() + READ_BACK_MS;
    while (!(await fault.read(aim, state.preState, signal)).isInForce) {
      if (now() > readBackUntil)
        throw new AppError('DEVICE_OUTPUT', 'the device took the commands, and its configuration does not show them');
      await sleep(READ_BACK_PAUSE_MS, undefined, { signal });
    }
    mayInject();
    this.#note({ type: 'fault.in-force', epoch: state.epoch, fault: state.fault });
  }

  /** Asked before every command of an injection. @throws AppError when its time is over, by the clock or by the journal */
  #mayInject(fault: FaultState): void {
    const { journal, halt, now } = this.#parts;
    journal.refresh();
    const phase = journal.state.faults.get(keyOf(fault))?.phase;
    if (phase !== 'intent') throw new AppError('KEEPER_REFUSED', 'it was reverted meanwhile');
    if (now() >= this.#expiryMs(fault)) throw new AppError('KEEPER_REFUSED', 'its time was over before it was in force');
    if (halt.isThere()) throw halt.refusal();
  }

  async #carryBack(fault: FaultState, reason: string): Promise<RevertEnd> {
    const injection = this.#injections.get(keyOf(fault));
    injection?.abort.abort(new AppError('KEEPER_REFUSED', reason));
    await Promise.race([injection?.done, sleep(KILLED_MS)]);
    const { surroundings, revertMs } = this.#parts;
    return await revertFault(fault, surroundings, { limitMs: revertMs, signal: new AbortController().signal });
  }

  #note(record: NewKeeperRecord): void {
    const error = this.#parts.journal.note(record);
    if (error) this.#parts.log(error.message);
  }
}

/** Rejects with the signal's reason once it aborts. */
async function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const fail = () => {
    reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  if (signal.aborted) fail();
  else signal.addEventListener('abort', fail, { once: true });
  return await promise;
}
