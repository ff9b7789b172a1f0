// What the service's monotonic clock reads, seen from here: the best of the last exchanges, and how far off it may be.
import type { ClockEstimate } from '../core/agent-messages.ts';
import { boundedOffset, type ClockExchange } from '../io/clock-exchange.ts';

/** At one every two seconds these reach back two minutes, after which the drift makes even the shortest round trip worthless. */
const KEPT = 64;
/** Boots of the service's machine that are remembered: sessions of the one before the last boot are over. */
const BOOTS = 2;

/**
 * The agent's estimate of the service's clock: service = agent + offsetMs, off by at most errMs.
 */
export class ServiceClock {
  readonly #machineBoot: string;
  /** By boot id of the service's machine, oldest first: another boot is another clock. */
  readonly #exchanges = new Map<string, ClockExchange[]>();

  /** @param machineBoot boot id of the agent's machine: a service with the same one reads the same clock */
  constructor(machineBoot: string) {
    this.#machineBoot = machineBoot;
  }

  /** Boot id of the service's machine as it last answered; null before the first answer. */
  get serviceBoot(): string | null {
    return [...this.#exchanges.keys()].at(-1) ?? null;
  }

  learn(serviceBoot: string, exchange: ClockExchange): void {
    const known = this.#exchanges.get(serviceBoot) ?? [];
    this.#exchanges.delete(serviceBoot);
    this.#exchanges.set(serviceBoot, [...known, exchange].slice(-KEPT));
    for (const boot of [...this.#exchanges.keys()].slice(0, -BOOTS)) this.#exchanges.delete(boot);
  }

  /** At `nowMs` of the agent's clock, of the service's machine as booted `serviceBoot`; null while nothing is known of that boot. */
  estimate(serviceBoot: string, nowMs: number): ClockEstimate | null {
    if (serviceBoot === this.#machineBoot) return { offsetMs: 0, errMs: 0 };
    const bounded = (this.#exchanges.get(serviceBoot) ?? []).map((exchange) => boundedOffset(exchange, nowMs));
    return bounded.reduce<ClockEstimate | null>((best, each) => (best === null || each.errMs < best.errMs ? each : best), null);
  }
}
