// The exchanges of one flow that are not answered yet, and for how long the flow has been silent.

export type Exchange = { readonly sequence: number; /** When it was scheduled to be sent. */ readonly dueT: number };

export class Exchanges {
  /** Oldest first; a handful at most. */
  readonly #unanswered: Exchange[] = [];
  #silentSinceT: number | null = null;
  #lastAnswerT: number;
  #lastSequence = 0;

  /** @param openedT the arrival of the first answer, to the hello */
  constructor(openedT: number) {
    this.#lastAnswerT = openedT;
  }

  /** Arrival of the last answer. */
  get lastAnswerT(): number {
    return this.#lastAnswerT;
  }

  /** Scheduled time of the first exchange since the last answer that is unanswered; null when there is none. */
  get silentSinceT(): number | null {
    return this.#silentSinceT;
  }

  get count(): number {
    return this.#unanswered.length;
  }

  sent(exchange: Exchange): void {
    this.#unanswered.push(exchange);
    this.#silentSinceT ??= exchange.dueT;
  }

  /** The exchange that is answered by this; null for one that is unknown, answered already or given up. */
  answered(sequence: number, nowT: number): Exchange | null {
    const index = this.#unanswered.findIndex((exchange) => exchange.sequence === sequence);
    const exchange = this.#unanswered[index];
    this.#lastAnswerT = nowT;
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    this.#silentSinceT = this.#firstAfterLastAnswer();
    if (!exchange) return null;
    this.#unanswered.splice(index, 1);
    return exchange;
  }

  /** The exchange that did not leave after all, and has never begun the silence; null for one that is unknown. */
  unsent(sequence: number): Exchange | null {
    const index = this.#unanswered.findIndex((exchange) => exchange.sequence === sequence);
    const [exchange] = index === -1 ? [] : this.#unanswered.splice(index, 1);
    if (exchange?.dueT === this.#silentSinceT) this.#silentSinceT = this.#firstAfterLastAnswer();
    return exchange ?? null;
  }

  /** Gives up and returns those due up to `dueT`. The silence goes on. */
  giveUp(dueT: number): Exchange[] {
    const kept = this.#unanswered.findIndex((exchange) => exchange.dueT > dueT);
    return this.#unanswered.splice(0, kept === -1 ? this.#unanswered.length : kept);
  }

  /**
   * Since when the flow has been silent for as long as it may: the scheduled time of the first unanswered exchange;
   * null while it has not.
   * @param stoodStillMs how long the prober itself stood still since a time: not held against the path
   */
  stalledSince(nowT: number, stallAfterMs: number, stoodStillMs: (fromT: number) => number): number | null {
    if (this.#silentSinceT === null) return null;
    const fromT = Math.max(this.#silentSinceT, this.#lastAnswerT);
    if (nowT - fromT < stallAfterMs) return null;
    return nowT - fromT - stoodStillMs(fromT) >= stallAfterMs ? this.#silentSinceT : null;
  }

  #firstAfterLastAnswer(): number | null {
    return this.#unanswered.find(({ sequence }) => sequence > this.#lastSequence)?.dueT ?? null;
  }
}
