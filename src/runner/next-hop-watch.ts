// The next-hop sets as the observers last told them: who is in, in which order, and since when nothing changed.
import { hostPrefix } from '../core/addresses.ts';
import type { Environment } from '../core/environment.ts';
import type { EventOf } from '../core/journal.ts';

/** How long a set must stay as it is to count as settled. */
export const SETTLE_MS = 2_000;

export class NextHopWatch {
  readonly #latest = new Map<string, EventOf<'next-hops'>>();
  #lastChangeT = 0;

  take(event: EventOf<'next-hops'>): void {
    const key = `${event.router} ${event.prefix}`;
    const before = this.#latest.get(key);
    this.#latest.set(key, event);
    if (before && textOf(before) !== textOf(event)) this.#lastChangeT = event.t;
  }

  /** Nodes behind `vip` in the router's own order, names only; empty when nobody told. */
  orderOf(environment: Environment, vip: string): string[] {
    const address = environment.vips.find((candidate) => candidate.name === vip)?.address;
    if (address === undefined) return [];
    const prefix = hostPrefix(address);
    const told = [...this.#latest.values()].find((event) => event.prefix === prefix);
    return told?.nextHops.map((hop) => hop.node ?? hop.address) ?? [];
  }

  /** Run-clock ms of the last change of any set; 0 when none changed. */
  get lastChangeT(): number {
    return this.#lastChangeT;
  }

  isSettled(t: number): boolean {
    return t - this.#lastChangeT >= SETTLE_MS;
  }
}

function textOf(event: EventOf<'next-hops'>): string {
  return event.nextHops.map((hop) => hop.address).join(' ');
}
