// The fixed schedule: when each seat's exchanges are due, evenly spread, whatever happened to the ones before.
//
//   seats     0    1    2    3    0    1    2 …
//   due     |----|----|----|----|----|----|--->   origin + round * interval + (seat * interval / seats, cut to the ticker's grid)
//             <---- one interval ---->
//
// A turn is one exchange of one seat; turns count up from 0 for ever. Times are ms on the run's clock.

import { TICK_MS } from './ticker.ts';

export type Schedule = { readonly originT: number; readonly intervalMs: number; readonly seats: number };
export type Turn = {
  readonly seat: number;
  /** Number of the exchange on its seat, from 1. */
  readonly sequence: number;
  readonly dueT: number;
};

/** The turn number `turn`, 0 being the first. */
export function turnAt(schedule: Schedule, turn: number): Turn {
  const seat = turn % schedule.seats;
  const round = (turn - seat) / schedule.seats;
  const phaseMs = Math.floor((seat * schedule.intervalMs) / schedule.seats / TICK_MS) * TICK_MS;
  return { seat, sequence: round + 1, dueT: schedule.originT + round * schedule.intervalMs + phaseMs };
}

/** Walks the turns in order, each exactly once, as their time (plus a fixed delay) comes. */
export class TurnCursor {
  readonly #schedule: Schedule;
  readonly #delayMs: number;
  #turn = 0;

  constructor(schedule: Schedule, delayMs = 0) {
    this.#schedule = schedule;
    this.#delayMs = delayMs;
  }

  /** Calls back for every turn that became due up to `nowT`. */
  advance(nowT: number, onTurn: (turn: Turn) => void): void {
    for (;;) {
      const turn = turnAt(this.#schedule, this.#turn);
      if (turn.dueT + this.#delayMs > nowT) return;
      this.#turn += 1;
      onTurn(turn);
    }
  }
}
