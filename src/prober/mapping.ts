// Mapping: where does a broken 5-tuple go now? Two tries at most.
//
//   break --- 300 ms ---> first try --- failed, or the set changed since ---> second try, when the set has settled
//
// It must not insist: a node that knew the 5-tuple keeps a stale conntrack entry, each retry keeps that alive, and a stubborn
// re-dialler manufactures an outage.
import { type EventOf, toldFailure } from '../core/journal.ts';
import type { Dialler } from './dialler.ts';
import type { Flow } from './flow.ts';
import type { Gate } from './gate.ts';
import { type Holding, see } from './holding.ts';

const FIRST_TRY_MS = 300;
/** `settle` says that the set has not changed for this long. */
const SETTLED_AFTER_MS = 2_000;
/** Without an observer nobody says when the set has settled. */
const BLIND_SECOND_TRY_MS = 10_000;
/** The old socket, or its closing, may hold the 5-tuple for an instant. */
const OWN_RETRY_MS = 50;
const OWN_RETRIES = 3;
/** Flows that are kept until the set settles; with more of them the ports of the oldest serve again. */
const MOST_WAITING = 8_192;

/** The tries for one broken flow so far. */
export type Tries = {
  /** When each began, in order. */
  startedT: number[];
  isUnderWay: boolean;
  hasMapped: boolean;
};

/** Whether a second try is due, now that the set was said to have settled. */
export function isSecondTryDue(tries: Tries, settleT: number): boolean {
  const [firstT, secondT] = tries.startedT;
  if (firstT === undefined || secondT !== undefined || tries.isUnderWay) return false;
  return !tries.hasMapped || firstT < settleT - SETTLED_AFTER_MS;
}

type Broken = Tries & { flow: Flow; holding: Holding; lastSettleT: number | null; timers: NodeJS.Timeout[] };

export class Mapping {
  readonly #dialler: Dialler;
  readonly #gate: Gate;
  readonly #observed: boolean;
  readonly #mostWaiting: number;
  #window = new AbortController();
  #broken = new Set<Broken>();

  constructor(options: { dialler: Dialler; gate: Gate; observed: boolean; mostWaiting?: number }) {
    this.#dialler = options.dialler;
    this.#gate = options.gate;
    this.#observed = options.observed;
    this.#mostWaiting = options.mostWaiting ?? MOST_WAITING;
  }

  /** A flow whose protocol breaks for good has broken. */
  broken(flow: Flow, holding: Holding): void {
    const broken: Broken = { flow, holding, startedT: [], isUnderWay: false, hasMapped: false, lastSettleT: null, timers: [] };
    this.#broken.add(broken);
    this.#later(broken, FIRST_TRY_MS);
    if (!this.#observed) this.#later(broken, BLIND_SECOND_TRY_MS);
  }

  /** The next-hop set has settled. */
  settle(nowT: number): void {
    for (const broken of this.#broken) {
      broken.lastSettleT = nowT;
      if (isSecondTryDue(broken, nowT)) void this.#try(broken);
    }
  }

  /** Nobody has a port left: that of the oldest flow which only waits for the set to settle serves again. @returns whether any is held */
  sparePort(): boolean {
    const isAnyHeld = this.#broken.size > 0;
    this.#forgetOldest();
    return isAnyHeld;
  }

  /** A window ends: its tries that are not over are given up, and tell nothing. */
  edge(): void {
    this.#window.abort();
    this.#window = new AbortController();
    for (const broken of this.#broken) this.#forget(broken);
  }

  /** A try that is under way then is waited for as long again. */
  #later(broken: Broken, delayMs: number): void {
    const timer = setTimeout(() => {
      if (broken.isUnderWay) this.#later(broken, delayMs);
      else void this.#try(broken);
    }, delayMs);
    broken.timers.push(timer);
  }

  /** No further try: its port may serve again, as late as any. A monitor's prober lives for weeks. */
  #forget(broken: Broken): void {
    const { flow, holding, timers } = broken;
    timers.forEach(clearTimeout);
    this.#broken.delete(broken);
    this.#dialler.portsOf(holding.protocol).release(flow.target.sourcePort);
  }

  #forgetOldest(): void {
    for (const broken of this.#broken) {
      if (broken.isUnderWay || broken.startedT.length === 0) continue;
      this.#forget(broken);
      return;
    }
  }

  async #try(broken: Broken): Promise<void> {
    const { signal } = this.#window;
    const { holding, flow } = broken;
    const startT = holding.nowT();
    broken.startedT.push(startT);
    broken.isUnderWay = true;
    const found = await redial({ flow, holding, dialler: this.#dialler, gate: this.#gate, signal });
    if (signal.aborted || !found) return;
    broken.isUnderWay = false;
    broken.hasMapped ||= found.failure === undefined;
    holding.tell(holding.nowT(), 'flow.mapped', { flow: flow.id, attempt: broken.startedT.length, ...found });
    const { lastSettleT } = broken;
    if (broken.startedT.length > 1 || (!this.#observed && broken.hasMapped)) this.#forget(broken);
    // It settled while the first try was under way.
    else if (lastSettleT !== null && lastSettleT >= startT && isSecondTryDue(broken, lastSettleT)) void this.#try(broken);
    else if (this.#broken.size > this.#mostWaiting) this.#forgetOldest();
  }
}

export type Found = Pick<EventOf<'flow.mapped'>, 'ingress' | 'backend' | 'observedSource' | 'tookMs' | 'failure' | 'isOwn'>;

/**
 * Dials the 5-tuple of a flow whose own socket is gone, asks who is there, and resets.
 * @returns null when it was cancelled
 */
export async function redial(about: {
  flow: Pick<Flow, 'target' | 'sourceAddress'>;
  holding: Holding;
  dialler: Dialler;
  /** Null: the caller has let it through already. */
  gate: Gate | null;
  signal: AbortSignal;
}): Promise<Found | null> {
  const { flow, holding, dialler, gate, signal } = about;
  const target = { ...flow.target, sourceAddress: flow.sourceAddress };
  const dialOnce = async () => {
    const startT = holding.nowT();
    const outcome = await dialler.dial(holding.protocol, target, { signal });
    return { outcome, tookMs: holding.nowT() - startT };
  };
  for (let tried = 0; ; tried++) {
    const { outcome, tookMs } = await (gate ? gate.pass(dialOnce) : dialOnce());
    switch (outcome.kind) {
      case 'opened': {
        outcome.conversation.reset();
        const { ingress, backend, observedSource } = see(holding, outcome.answer, flow.sourceAddress);
        return { ingress, backend, observedSource, tookMs };
      }
      case 'failed':
        return { ingress: null, backend: null, observedSource: null, tookMs, ...toldFailure(outcome.failure) };
      case 'cancelled':
        return null;
      case 'own':
        if (tried === OWN_RETRIES) return { ingress: null, backend: null, observedSource: null, tookMs, ...toldFailure('notSent') };
        await new Promise((resolve) => setTimeout(resolve, OWN_RETRY_MS));
    }
  }
}
