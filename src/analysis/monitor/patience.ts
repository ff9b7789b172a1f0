// By which time lateness is judged: nobody could deliver while the service was away, so that time is not held against anybody.
import { MAX_LATENESS_MS } from './context.ts';

/** `lengthMs`: how long it was away, all absences together that are still made up for; `untilT`: when it was back. */
export type Absence = { lengthMs: number; untilT: number };

export class Patience {
  #away: Absence | null = null;

  /** The service judged last at `sinceT`, and goes on at `nowT`. */
  resumed(sinceT: number, nowT: number): void {
    const before = nowT - this.at(nowT);
    this.#away = { lengthMs: before + Math.max(0, nowT - sinceT), untilT: nowT };
  }

  /** `nowT`, less the absence; once everybody has had the time to deliver what is left of it, `nowT` itself. */
  at(nowT: number): number {
    if (this.#away === null || nowT >= this.#away.untilT + MAX_LATENESS_MS) return nowT;
    return nowT - this.#away.lengthMs;
  }

  snapshot(): Absence | null {
    return this.#away;
  }

  restore(away: Absence | null): void {
    this.#away = away;
  }
}
