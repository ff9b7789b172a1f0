// Acts that must not interleave, done one after the other in the order they were asked for.

export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();

  /** Does `act` once all that was asked for before is done. @throws what `act` throws, which holds up nobody else */
  do<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(act, act);
    this.#last = result.catch(() => undefined); // told to who asked
    return result;
  }

  /** Waits for what was asked for so far. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
