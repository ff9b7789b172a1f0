// The prober watches itself: what happened while it stood still is its own fault and nobody else's.
import { BIN_MS } from './tally-book.ts';

/** A gap between two ticks longer than this is a stall. */
const STALL_MS = 100;
/** No exchange looks back further than this. */
const REMEMBERED_MS = 10 * 60_000;

const NONE: readonly Illness[] = [];

/** `why` is one of few, so that reports can count them. */
export type Illness = { fromT: number; untilT: number; why: string };

/** Readings that tell of illness no gap shows; the numbers count up for ever. */
export type HealthReadings = {
  /** Datagrams the kernel dropped because a socket of ours was full. */
  kernelDrops: () => number;
  /** How long this machine was suspended since its boot (ms). */
  suspendedMs: () => number;
  /** Whether this machine has every address that is dialled from. */
  hasAddresses: () => boolean;
};

export class SelfHealth {
  readonly #readings: HealthReadings;
  readonly #onIll: (illness: Illness) => void;
  readonly #illnesses: Illness[] = [];
  readonly #illBins = new Set<number>();
  #lastTickT: number;
  #lastReadingT: number;
  #lastAddressesT: number;
  #drops: number;
  #suspendedMs: number;

  constructor(nowT: number, readings: HealthReadings, onIll: (illness: Illness) => void) {
    this.#readings = readings;
    this.#onIll = onIll;
    this.#lastTickT = nowT;
    this.#lastReadingT = nowT;
    this.#lastAddressesT = nowT;
    this.#drops = readings.kernelDrops();
    this.#suspendedMs = readings.suspendedMs();
  }

  /** To be called at every tick (at least each 20 ms), before anything else is done in it. */
  tick(nowT: number): void {
    const fromT = this.#lastTickT;
    this.#lastTickT = nowT;
    if (nowT - fromT > STALL_MS) this.#ill({ fromT, untilT: nowT, why: 'stood still' });
  }

  /** To be called about once a second. */
  read(nowT: number): void {
    const fromT = this.#lastReadingT;
    this.#lastReadingT = nowT;
    const drops = this.#readings.kernelDrops();
    if (drops > this.#drops) this.#ill({ fromT, untilT: nowT, why: 'the kernel dropped received datagrams' });
    this.#drops = drops;
    const suspendedMs = this.#readings.suspendedMs();
    if (suspendedMs - this.#suspendedMs > STALL_MS) this.#ill({ fromT, untilT: nowT, why: 'the machine was suspended' });
    this.#suspendedMs = suspendedMs;
    this.readAddresses(nowT);
  }

  /** To be called before a silence is told as well: what explains it must be told first. */
  readAddresses(nowT: number): void {
    const fromT = this.#lastAddressesT;
    if (nowT === fromT) return; // thousands fall silent in one tick
    this.#lastAddressesT = nowT;
    // No excuse for a silence, unlike the others: the flow is over, and its seat is best dialled for until the address is back.
    if (!this.#readings.hasAddresses()) this.#tellIll({ fromT, untilT: nowT, why: 'this machine did not have its source address' });
  }

  isIllBin(bin: number): boolean {
    return this.#illBins.has(bin);
  }

  /** Whether the prober was ill at any time from `fromT` to `untilT`. */
  wasIll(fromT: number, untilT: number): boolean {
    return this.#illnessesSince(fromT, untilT).some((illness) => illness.untilT > fromT && illness.fromT < untilT);
  }

  /** For how long of that time the prober was ill. */
  illMs(fromT: number, untilT: number): number {
    const overlapMs = (illness: Illness) => Math.max(0, Math.min(untilT, illness.untilT) - Math.max(fromT, illness.fromT));
    return this.#illnessesSince(fromT, untilT).reduce((sum, illness) => sum + overlapMs(illness), 0);
  }

  /**
   * Those that were not over at `fromT`: asked for every exchange, so the old ones, which may be many, are not looked at.
   * After a stall sockets may be read before the next tick: a stall that no tick has told of yet counts too.
   */
  #illnessesSince(fromT: number, nowT: number): readonly Illness[] {
    const known = (this.#illnesses.at(-1)?.untilT ?? -Infinity) > fromT ? this.#illnesses.filter(({ untilT }) => untilT > fromT) : NONE;
    if (nowT - this.#lastTickT <= STALL_MS) return known;
    return [...known, { fromT: this.#lastTickT, untilT: nowT, why: 'stood still' }];
  }

  #ill(illness: Illness): void {
    this.#illnesses.push(illness);
    const oldestT = illness.untilT - REMEMBERED_MS;
    while (this.#illnesses[0] && this.#illnesses[0].untilT < oldestT) this.#illnesses.shift();
    this.#tellIll(illness);
  }

  /** What was seen in those seconds is in doubt. */
  #tellIll(illness: Illness): void {
    const oldestT = illness.untilT - REMEMBERED_MS;
    for (const bin of this.#illBins) if (bin * BIN_MS < oldestT) this.#illBins.delete(bin);
    for (let bin = Math.floor(illness.fromT / BIN_MS); bin * BIN_MS <= illness.untilT; bin++) this.#illBins.add(bin);
    this.#onIll(illness);
  }
}
