// The runner's side of faults: it asks the keeper, renews the lease, waits for the keeper's word, and touches nothing itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, messageOf } from '../core/errors.ts';
import type { EventOf, JournalEvent } from '../core/journal.ts';
import type { PlannedFault, PlanStep } from '../core/keeper-messages.ts';

/** A connection to a keeper; every call rejects with the keeper's own refusal. */
export type KeeperLink = {
  acquire(runId: string, t0MonoMs: number): Promise<{ epoch: number; leaseMs: number }>;
  plan(epoch: number | null, faults: readonly PlannedFault[]): Promise<PlanStep[]>;
  /** Resolves once the fault is in force. */
  inject(epoch: number, fault: PlannedFault): Promise<void>;
  renew(epoch: number): Promise<void>;
  /** Resolves once the keeper tried; its verdict comes as an event. */
  revert(epoch: number, fault: string, reason: string): Promise<void>;
  release(epoch: number): Promise<void>;
  /** Events that the keeper pushes while this connection holds the epoch. */
  onEvent(listener: (event: JournalEvent) => void): void;
  /** Resolves when the connection ended, however it ended. */
  readonly closed: Promise<void>;
  /**
   * What keeper and janitor wrote about `runId` after the connection was lost, in the run's clock, read from their journal on disk;
   * waits up to `waitMs` until every fault of the run is over.
   */
  lastWords(runId: string, waitMs: number): Promise<JournalEvent[]>;
};

type FaultEvent = EventOf<
  'fault.intent' | 'fault.in-force' | 'fault.lost' | 'fault.reverting' | 'fault.verified' | 'fault.unverified' | 'fault.gone'
>;

export type FaultListener = {
  t(): number;
  onEvent(event: JournalEvent): void;
  /** The keeper is gone, or a lease could not be renewed: the timeline must end. */
  onLost(why: string): void;
};

/** After this long past its deadline a fault without the keeper's last word is given up on. */
const LAST_WORD_MS = 30_000;
const REVERT_TIMEOUT_MS = 30_000;

export class FaultDriver {
  readonly #keeper: KeeperLink;
  readonly #listener: FaultListener;
  readonly #states = new Map<string, FaultEvent>();
  readonly #seen = new Set<string>();
  #held: { runId: string; epoch: number; leaseMs: number } | null = null;
  #renewal: NodeJS.Timeout | null = null;
  #isLost = false;

  constructor(keeper: KeeperLink, listener: FaultListener) {
    this.#keeper = keeper;
    this.#listener = listener;
    keeper.onEvent((event) => {
      this.#take(event);
    });
    void keeper.closed.then(() => {
      this.#isLost = true;
      if (this.#held) listener.onLost('the keeper is out of reach: what is in force is reverted without this run');
    });
  }

  /**
   * Takes the environment for one run and asks whether every fault would be carried out.
   * @returns the epoch
   * @throws AppError PREFLIGHT with every reason of the keeper
   */
  async acquire(runId: string, t0MonoMs: number, faults: readonly PlannedFault[]): Promise<number> {
    const { epoch, leaseMs } = await this.#keeper.acquire(runId, t0MonoMs);
    this.#held = { runId, epoch, leaseMs };
    const steps = await this.#keeper.plan(epoch, faults);
    const refusals = steps.flatMap((step) => step.refusals.map((why) => `${step.fault}: ${why}`));
    if (refusals.length > 0) {
      throw new AppError('PREFLIGHT', `the keeper refuses this plan: ${refusals.join('; ')}`, {
        remedy: 'change the scenario, or what the file on the keeper’s own machine allows; --dry-run shows what a plan would touch',
      });
    }
    this.#renewal = setInterval(() => {
      void this.#renew();
    }, leaseMs / 3);
    return epoch;
  }

  /** Injects one fault and stays until the keeper said how it ended. @throws AppError when it could not, or the revert is unverified */
  async hold(fault: PlannedFault, signal: AbortSignal): Promise<void> {
    if (!this.#held) throw new Error('no epoch: acquire first');
    await this.#keeper.inject(this.#held.epoch, fault);
    const giveUpT = this.#listener.t() + fault.forMs + LAST_WORD_MS;
    while (!this.#isOver(fault.fault)) {
      if (this.#listener.t() > giveUpT) throw new AppError('KEEPER_UNVERIFIED', `the keeper never said how ${fault.fault} ended`);
      await sleep(20, undefined, { signal });
    }
    const last = this.#states.get(fault.fault);
    if (last?.type === 'fault.unverified') throw new AppError('KEEPER_UNVERIFIED', `${fault.kind} at ${fault.target}: ${last.reason}`);
  }

  /** Reverts everything of this run that is not over and waits for the keeper's word. Never throws: what it could not do, the events tell. */
  async revertAll(reason: string): Promise<void> {
    if (!this.#held || this.#isLost) return;
    const { epoch } = this.#held;
    const open = [...this.#states.keys()].filter((fault) => !this.#isOver(fault));
    await Promise.allSettled(open.map((fault) => this.#keeper.revert(epoch, fault, reason)));
    const giveUpT = this.#listener.t() + REVERT_TIMEOUT_MS;
    while (open.some((fault) => !this.#isOver(fault)) && this.#isReachable() && this.#listener.t() < giveUpT) await sleep(20);
  }

  /** Of a lost keeper: what its journal says after all, as far as it was not pushed before. */
  async lastWords(): Promise<JournalEvent[]> {
    if (!this.#held || !this.#isLost) return [];
    const { runId, leaseMs } = this.#held;
    const events = await this.#keeper.lastWords(runId, leaseMs + 10_000).catch(() => []);
    return events.filter((event) => !this.#seen.has(keyOf(event)));
  }

  /** Gives the environment back. */
  async release(): Promise<void> {
    if (this.#renewal) clearInterval(this.#renewal);
    const held = this.#held;
    this.#held = null;
    if (held && !this.#isLost) await this.#keeper.release(held.epoch).catch(() => undefined); // its lease ends by itself
  }

  #take(event: JournalEvent): void {
    if (!event.type.startsWith('fault.')) return;
    const faultEvent = event as FaultEvent;
    this.#seen.add(keyOf(event));
    this.#states.set(faultEvent.fault, faultEvent);
    this.#listener.onEvent(event);
  }

  #isReachable(): boolean {
    return !this.#isLost;
  }

  #isOver(fault: string): boolean {
    const type = this.#states.get(fault)?.type;
    return type === 'fault.verified' || type === 'fault.unverified' || type === 'fault.gone';
  }

  async #renew(): Promise<void> {
    if (!this.#held || this.#isLost) return;
    try {
      await this.#keeper.renew(this.#held.epoch);
    } catch (error) {
      this.#listener.onLost(`the lease could not be renewed: ${messageOf(error)}`);
    }
  }
}

function keyOf(event: JournalEvent): string {
  return `${event.from} ${String(event.seq)}`;
}
