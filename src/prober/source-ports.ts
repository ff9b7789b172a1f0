// Source ports: chosen by us, one after another, so that a port comes back as late as possible.
//
// A 5-tuple that was used before may meet a stale conntrack entry or a half-open socket on a node it once lived on.

export type PortRange = { first: number; last: number };

/** Below lie the services, above what is left is too little to matter. */
const LOWEST = 10_000;
const HIGHEST = 65_000;
/** Fewer ports than this outside the kernel's own range, and its range is used too. */
const ENOUGH = 20_000;

/** The ports to choose from, given the kernel's range for sockets that do not choose (ip_local_port_range). */
export function portRange(ephemeral: PortRange): PortRange {
  const below = { first: LOWEST, last: Math.min(HIGHEST, ephemeral.first - 1) };
  return below.last - below.first + 1 >= ENOUGH ? below : { first: LOWEST, last: HIGHEST };
}

/** Hands out the ports of one range for one protocol. */
export class SourcePorts {
  readonly #range: PortRange;
  readonly #taken = new Set<number>();
  #next: number;

  /** @param random in [0, 1): where to begin, so that a second run does not meet the sockets of the first */
  constructor(range: PortRange, random: number) {
    this.#range = range;
    this.#next = range.first + Math.floor(random * (range.last - range.first + 1));
  }

  /** A port nobody here uses; null when there is none left. */
  take(): number | null {
    const size = this.#range.last - this.#range.first + 1;
    if (this.#taken.size === size) return null; // asked thousands of times a second when there is none
    for (let tried = 0; tried < size; tried++) {
      const port = this.#next;
      this.#next = port === this.#range.last ? this.#range.first : port + 1;
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      return port;
    }
    return null;
  }

  /** Gives a port back; it is the last one to be taken again. */
  release(port: number): void {
    this.#taken.delete(port);
  }

  isTaken(port: number): boolean {
    return this.#taken.has(port);
  }
}
