// A gate that lets so many acts through a second, and has so many under way at a time: a thousand dials become a stream, not a burst.

export class Gate {
  readonly #perMs: number;
  readonly #maxUnderWay: number;
  readonly #easeInMs: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  /** Acts that may begin now; never saved up for longer than two ticks. */
  #allowance = 1;
  #lastT: number | null = null;
  #openedT: number | null = null;

  /** @param limits `easeInMs`: the time in which the rate rises from a twentieth to the whole (default: at once) */
  constructor(limits: { perSecond: number; maxUnderWay: number; easeInMs?: number }) {
    this.#perMs = limits.perSecond / 1_000;
    this.#maxUnderWay = limits.maxUnderWay;
    this.#easeInMs = limits.easeInMs ?? 0;
  }

  /** To be called at every tick. */
  tick(nowT: number): void {
    const elapsedMs = Math.min(20, nowT - (this.#lastT ?? nowT));
    this.#lastT = nowT;
    this.#openedT ??= nowT;
    const share = this.#easeInMs === 0 ? 1 : Math.min(1, Math.max(0.05, (nowT - this.#openedT) / this.#easeInMs));
    this.#allowance = Math.min(Math.max(1, this.#perMs * 20), this.#allowance + share * this.#perMs * elapsedMs);
    this.#open();
  }

  /** Runs `act` when its turn has come. */
  async pass<Result>(act: () => Promise<Result>): Promise<Result> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#open();
    });
    try {
      return await act();
    } finally {
      this.#underWay -= 1;
    }
  }

  #open(): void {
    while (this.#allowance >= 1 && this.#underWay < this.#maxUnderWay) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#allowance -= 1;
      this.#underWay += 1;
      next();
    }
  }
}
