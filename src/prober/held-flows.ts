// The flows of one population: a fixed number of seats, each with its place in the schedule, each held by one flow after another.
import { setTimeout as sleep } from 'node:timers/promises';
import { type DialFailure, toldFailure } from '../core/journal.ts';
import { isOfPort } from './dial.ts';
import type { Dialler } from './dialler.ts';
import { Flow } from './flow.ts';
import type { Gate } from './gate.ts';
import type { Holding } from './holding.ts';
import { type Schedule, type Turn, TurnCursor } from './schedule.ts';
import { UNKNOWN_PATH } from './sighting.ts';

/** Dials of a first flow before its seat stays empty. */
const FIRST_DIALS = 4;
/** Ports in a row that were in use by others before a dial counts as failed. */
const PORTS_IN_USE = 5;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1_000;
/** Between two tries of a first flow that a monitor still wants: nobody ever had it, so nobody waits for it. */
const UNHURRIED_RETRY_MS = 5_000;
/** A turn that is later than this is not sent: a burst of the missed ones would measure the burst. */
const TOO_LATE_MS = 100;

type Seat = {
  flow: Flow | null;
  /** Once a flow was open here, exchanges are due for ever: without a living flow they are lost. */
  hasOpened: boolean;
  /** Of the last dial for it, when that opened none: exchanges that the prober itself kept from being sent are nobody's loss. */
  failure: DialFailure | null;
  lastPath: string;
};

export type HeldFlowsOptions = {
  vantage: string;
  /** Goes into the names of the flows when there were other probers before this one; see `Assignment`. */
  life?: string | undefined;
  /** Whether a first flow that could not be opened is tried for as long as it takes. */
  keepsDialling?: boolean | undefined;
  holding: Holding;
  dialler: Dialler;
  /** For the first flows, and for those that replace broken ones. */
  gates: { ramp: Gate; repair: Gate };
  /** When heartbeats begin to be due. */
  originT: number;
  signal: AbortSignal;
  onBroken: (flow: Flow) => void;
  /** Asks for a port that is held for the mapping of a broken flow. @returns whether any is: it will be free sooner or later */
  sparePort: () => boolean;
};

/**
 * Of one dial; null: the flow is open. `waiting`: none was made, since the flows that the path took still hold every port. That is the
 * path's doing as much as a wait at the gate: what the seat lost meanwhile stays lost, and nothing is told.
 */
type DialResult = DialFailure | 'waiting' | null;

export class HeldFlows {
  readonly #options: HeldFlowsOptions;
  readonly #seats: Seat[];
  readonly #sending: TurnCursor;
  readonly #judging: TurnCursor;
  /** Aborted when no new flow may be opened any more. */
  readonly #hiring = new AbortController();
  #opening = 0;

  constructor(options: HeldFlowsOptions) {
    this.#options = options;
    const { population } = options.holding;
    const schedule: Schedule = { originT: options.originT, intervalMs: population.intervalMs, seats: population.count };
    this.#seats = Array.from({ length: population.count }, () => ({ flow: null, hasOpened: false, failure: null, lastPath: UNKNOWN_PATH }));
    this.#sending = new TurnCursor(schedule);
    this.#judging = new TurnCursor(schedule, population.stallAfterMs);
    options.signal.addEventListener('abort', () => {
      this.#hiring.abort();
    });
  }

  get holding(): Holding {
    return this.#options.holding;
  }

  /** Every flow that is open, broken UDP ones too. */
  get flows(): Flow[] {
    return this.#seats.flatMap(({ flow }) => flow ?? []);
  }

  /** Dials under way for a seat. */
  get opening(): number {
    return this.#opening;
  }

  /** Seats that had a flow and have no living one. */
  get broken(): number {
    return this.#seats.filter(({ flow, hasOpened }) => (flow ? flow.isBroken : hasOpened)).length;
  }

  get isAnythingUnanswered(): boolean {
    return this.#seats.some(({ flow }) => flow !== null && flow.unanswered > 0);
  }

  /** How many flows come in by each node; those of unknown ingress apart. */
  flowsByPath(): { vip: string; protocol: string; ingress: string; flows: number }[] {
    const counts = new Map<string, number>();
    for (const { flow } of this.#seats) if (flow) counts.set(flow.path, (counts.get(flow.path) ?? 0) + 1);
    const { vip, protocol } = this.holding.account;
    return [...counts].map(([ingress, flows]) => ({ vip, protocol, ingress, flows }));
  }

  /** Opens a flow for every seat. @returns how many could not be opened */
  async open(): Promise<{ opened: number; failed: number }> {
    const opened = await Promise.all(this.#seats.map((seat) => this.#fill(seat, null)));
    const count = opened.filter(Boolean).length;
    return { opened: count, failed: opened.length - count };
  }

  /** Sends all that is due. */
  sendDue(nowT: number): void {
    this.#sending.advance(nowT, (turn) => {
      this.#take(turn, nowT);
    });
  }

  /** Judges all that has waited long enough. Only after the sockets were read. */
  judgeDue(nowT: number): void {
    this.#judging.advance(nowT, ({ seat }) => {
      this.#seats[seat]?.flow?.judge(nowT, !this.#hiring.signal.aborted);
    });
  }

  /** No flow is opened any more, not even for a broken one. */
  stopOpening(): void {
    this.#hiring.abort();
  }

  /** Takes every flow out of its seat; the caller must close it. */
  takeAll(): { flow: Flow; holding: Holding }[] {
    return this.#seats.flatMap((seat) => {
      const { flow } = seat;
      seat.flow = null;
      return flow ? { flow, holding: this.holding } : [];
    });
  }

  #take({ seat: index, sequence, dueT }: Turn, nowT: number): void {
    const seat = this.#seats[index];
    if (!seat?.hasOpened) return;
    const { book, account } = this.holding;
    book.schedule(dueT);
    if (nowT - dueT > TOO_LATE_MS) book.judge(account, { dueT, path: seat.flow?.path ?? seat.lastPath, verdict: 'notSent' });
    else if (seat.flow) seat.flow.send({ sequence, dueT });
    else book.judge(account, { dueT, path: seat.lastPath, verdict: seat.failure === 'notSent' ? 'notSent' : 'lost' });
  }

  async #fill(seat: Seat, replaces: Flow | null): Promise<boolean> {
    this.#opening += 1;
    try {
      return await this.#dialUntilOpen(seat, replaces);
    } catch (error) {
      if (this.#hiring.signal.aborted) return false;
      throw error;
    } finally {
      this.#opening -= 1;
    }
  }

  /** @throws the signal's reason once no flow may be opened any more */
  async #dialUntilOpen(seat: Seat, replaces: Flow | null): Promise<boolean> {
    let retryMs = FIRST_RETRY_MS;
    // Each way is told once of a replacement, which is tried for as long as it takes: a total outage must not flood the journal.
    const told = { own: false, path: false };
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#dialOnce(seat, replaces);
      if (failure === null) return true;
      if (failure !== 'waiting') {
        seat.failure = failure;
        const way = failure === 'notSent' ? 'own' : 'path';
        const isLast = !replaces && attempt === FIRST_DIALS;
        if (isLast || (replaces && !told[way])) this.#tellFailure(failure, replaces);
        told[way] = true;
        if (isLast && this.#options.keepsDialling) void this.#keepDialling(seat);
        if (isLast) return false;
      }
      await sleep(retryMs, undefined, { signal: this.#hiring.signal });
      retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs);
    }
  }

  async #keepDialling(seat: Seat): Promise<void> {
    const { signal } = this.#hiring;
    try {
      do await sleep(UNHURRIED_RETRY_MS, undefined, { signal });
      while ((await this.#dialOnce(seat, null)) !== null);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** One dial from a port that is really free. */
  async #dialOnce(seat: Seat, replaces: Flow | null): Promise<DialResult> {
    const { holding, dialler, gates, sparePort } = this.#options;
    const { protocol, population } = holding;
    const { signal } = this.#hiring;
    const flow = dialler.nextFlow();
    const gate = replaces ? gates.repair : gates.ramp;
    for (let tried = 0; tried < PORTS_IN_USE; tried++) {
      // Not before the gate is passed: those who wait there, which may be thousands, must hold no ports.
      const dialled = await gate.pass(async () => {
        const target = dialler.freshTarget(protocol, population, flow);
        return target && { target, outcome: await dialler.dial(protocol, target, { signal }) };
      });
      if (!dialled) return sparePort() && replaces ? 'waiting' : 'notSent';
      const { target, outcome } = dialled;
      if (signal.aborted && outcome.kind === 'opened') outcome.conversation.reset();
      // A port that did not serve is the last to be taken again.
      if (outcome.kind !== 'opened') dialler.portsOf(protocol).release(target.sourcePort);
      signal.throwIfAborted();
      switch (outcome.kind) {
        case 'opened': {
          const opened = { id: this.#flowId(flow), target, replaces, ...outcome };
          seat.flow = new Flow(opened, holding, (broken) => {
            this.#replace(seat, broken);
          });
          seat.hasOpened = true;
          return null;
        }
        case 'failed':
          return outcome.failure;
        case 'cancelled':
          break;
        case 'own':
          seat.failure = 'notSent'; // already: with thousands of flows the next turn at the gate may be seconds away
          if (!isOfPort(outcome)) return 'notSent';
      }
    }
    return 'notSent';
  }

  #flowId(flow: number): string {
    const { vantage, life } = this.#options;
    return life === undefined ? `${vantage}/${String(flow)}` : `${vantage}/${life}/${String(flow)}`;
  }

  #replace(seat: Seat, broken: Flow): void {
    seat.flow = null;
    seat.failure = null;
    seat.lastPath = broken.path;
    this.#options.onBroken(broken);
    if (!this.#hiring.signal.aborted) void this.#fill(seat, broken);
  }

  #tellFailure(failure: DialFailure, replaces: Flow | null): void {
    const { tell, nowT, population } = this.holding;
    tell(nowT(), 'dial.failed', {
      vip: population.vip.name,
      protocol: population.protocol,
      ...toldFailure(failure),
      ...(replaces ? { replaces: replaces.id } : {}),
    });
  }
}
