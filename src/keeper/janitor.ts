// The janitor: a second process with its own clock that reverts what expired, whatever became of the keeper, and watches that it stays so.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { KeeperFile } from '../core/keeper-messages.ts';
import type { NewKeeperRecord } from '../core/keeper-records.ts';
import type { Surroundings } from './act.ts';
import { expiryMs, type FaultState, isOpen, isOver, keyOf } from './fault-state.ts';
import type { ContactState, KeeperContact } from './keeper-contact.ts';
import type { KeeperJournal } from './keeper-journal.ts';
import { readFault, revertFault } from './revert.ts';

const TICK_MS = 100;
/** The keeper reverts at the instant; a keeper that has not begun this long after it will not. */
const GRACE_MS = 500;
/** A revert that the keeper began and has not ended by then is taken over. */
const TAKE_OVER_MS = 1_000;
const RETRY_UNVERIFIED_MS = 5_000;
const QUARANTINE_READ_MS = 500;
/** A gap between two ticks that means this process itself was frozen: what happened in it, nobody watched. */
const FROZEN_MS = 1_000;

export type JanitorParts = {
  journal: KeeperJournal;
  surroundings: Surroundings;
  file: Pick<KeeperFile, 'leaseMs' | 'quarantineMs'>;
  contact: KeeperContact;
  machineBoot: string;
  /** How long a revert is tried before it is called unverified. */
  revertMs: number;
  /** CLOCK_MONOTONIC, ms. */
  now: () => number;
  isHalted: () => boolean;
  /** Whether a command that some keeper started is still on its way. */
  hasCommandInFlight: () => boolean;
  log: (text: string) => void;
};

export class Janitor {
  readonly #parts: JanitorParts;
  readonly #renewedMs = new Map<number, number>();
  readonly #busy = new Set<string>();
  readonly #quarantines = new Map<string, { cleanSinceMs: number; nextReadMs: number }>();
  readonly #retryMs = new Map<string, number>();
  #lastTickMs: number;
  #haltedMs: number | null = null;
  #isAskedToEnd = false;

  constructor(parts: JanitorParts) {
    this.#parts = parts;
    this.#lastTickMs = parts.now();
  }

  /** The keeper's word that the lease of `epoch` was renewed. */
  renewed(epoch: number, atMs: number): void {
    this.#renewedMs.set(epoch, Math.max(atMs, this.#renewedMs.get(epoch) ?? 0));
  }

  /** Whether this janitor knows the fault from the journal, and so can revert it alone. */
  isWatching(key: string): boolean {
    this.#parts.journal.refresh();
    return this.#parts.journal.state.faults.has(key);
  }

  /** Reverts everything now, and ends when that is done. */
  end(): void {
    this.#isAskedToEnd = true;
  }

  /** Works until the keeper is gone and nothing is left to do. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      const contact = this.#tick(signal);
      const faults = [...this.#parts.journal.state.faults.values()];
      if (contact === 'gone' && faults.every(isOver)) return;
      if (this.#isAskedToEnd && !faults.some(isOpen)) return;
      await sleep(TICK_MS, undefined, { signal });
    }
  }

  #tick(signal: AbortSignal): ContactState {
    const { journal, contact, now } = this.#parts;
    const nowMs = now();
    if (nowMs - this.#lastTickMs > FROZEN_MS) for (const quarantine of this.#quarantines.values()) quarantine.cleanSinceMs = nowMs;
    this.#lastTickMs = nowMs;
    this.#haltedMs = this.#parts.isHalted() ? (this.#haltedMs ?? nowMs) : null;
    journal.refresh();
    const state = contact.state(nowMs);
    for (const fault of journal.state.faults.values()) {
      const key = keyOf(fault);
      if (this.#busy.has(key) || isOver(fault)) continue;
      this.#busy.add(key);
      // One fault's device may hang: the others must not wait for it.
      void this.#attend(fault, state, signal)
        .catch((error: unknown) => {
          if (!signal.aborted) this.#parts.log(`${fault.kind} at ${fault.target}: ${messageOf(error)}`);
        })
        .finally(() => this.#busy.delete(key));
    }
    return state;
  }

  async #attend(fault: FaultState, contact: ContactState, signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.now();
    switch (fault.phase) {
      case 'intent':
      case 'in-force':
      case 'lost': {
        const reason = this.#reasonToRevert(fault, contact, nowMs);
        if (reason === null) return;
        this.#note({ type: 'fault.reverting', epoch: fault.epoch, fault: fault.fault, reason });
        await this.#revert(fault, this.#parts.revertMs, signal);
        return;
      }
      case 'reverting':
        if (contact === 'gone' || nowMs - fault.sinceMs > TAKE_OVER_MS) await this.#revert(fault, this.#parts.revertMs, signal);
        return;
      case 'unverified':
        if (nowMs < (this.#retryMs.get(keyOf(fault)) ?? 0)) return;
        this.#retryMs.set(keyOf(fault), nowMs + RETRY_UNVERIFIED_MS);
        await this.#revert(fault, 0, signal);
        return;
      case 'verified':
        await this.#quarantine(fault, contact, signal);
        return;
      case 'gone':
        this.#endQuarantine(fault);
        return;
    }
  }

  #reasonToRevert(fault: FaultState, contact: ContactState, nowMs: number): string | null {
    const { machineBoot, file } = this.#parts;
    if (fault.machineBoot !== machineBoot) return 'the machine was started again';
    if (contact === 'gone') return 'the keeper is gone';
    if (this.#isAskedToEnd) return 'the janitor was told to end';
    // Without any word of a renewal the intent itself is the last sign of life.
    const renewedMs = Math.max(this.#renewedMs.get(fault.epoch) ?? 0, fault.deadlineMs - fault.forMs);
    const isExpired = nowMs > expiryMs(fault, renewedMs, file.leaseMs) + GRACE_MS;
    if (isExpired) return nowMs > fault.deadlineMs ? 'its time is over, and the keeper is silent' : 'the lease was not renewed';
    return this.#haltedMs !== null && nowMs - this.#haltedMs > GRACE_MS ? 'halted by a person' : null;
  }

  async #revert(fault: FaultState, limitMs: number, signal: AbortSignal): Promise<void> {
    const end = await revertFault(fault, this.#parts.surroundings, { limitMs, signal });
    const isNews = this.#parts.journal.state.faults.get(keyOf(fault))?.phase !== 'unverified' || end.type !== 'fault.unverified';
    if (!isNews) return;
    if (end.type === 'fault.unverified')
      this.#parts.log(`UNVERIFIED: ${fault.kind} at ${fault.target} may still be in force: ${end.reason}`);
    this.#note({ ...end, epoch: fault.epoch, fault: fault.fault });
  }

  /** Reads again and again; only when all was well for the whole quarantine, with nobody left who could still act, is it over. */
  async #quarantine(fault: FaultState, contact: ContactState, signal: AbortSignal): Promise<void> {
    const { now, file, surroundings, hasCommandInFlight } = this.#parts;
    const key = keyOf(fault);
    const quarantine = this.#quarantines.get(key) ?? { cleanSinceMs: now(), nextReadMs: 0 };
    this.#quarantines.set(key, quarantine);
    if (contact === 'silent') quarantine.cleanSinceMs = now();
    if (now() < quarantine.nextReadMs) return;
    quarantine.nextReadMs = now() + QUARANTINE_READ_MS;
    if (hasCommandInFlight()) quarantine.cleanSinceMs = now();
    const reading = await readFault(fault, surroundings, signal).catch((error: unknown) => messageOf(error));
    // The journal may have told meanwhile that this fault is another janitor's, or over.
    this.#parts.journal.refresh();
    if (this.#parts.journal.state.faults.get(key) !== fault) return;
    if (reading === 'gone') this.#endQuarantine(fault);
    else if (typeof reading === 'string') quarantine.cleanSinceMs = now();
    else if (!reading.isRestored) {
      this.#note({ type: 'fault.reverting', epoch: fault.epoch, fault: fault.fault, reason: 'it came back after the revert' });
      await this.#revert(fault, this.#parts.revertMs, signal);
      quarantine.cleanSinceMs = now();
    } else if (now() - quarantine.cleanSinceMs >= file.quarantineMs) this.#endQuarantine(fault);
  }

  #endQuarantine({ epoch, fault }: FaultState): void {
    this.#note({ type: 'quarantine.over', epoch, fault });
  }

  #note(record: NewKeeperRecord): void {
    const error = this.#parts.journal.note(record);
    if (error) this.#parts.log(error.message);
  }
}
