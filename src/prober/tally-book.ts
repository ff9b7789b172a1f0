// Counts every exchange by second, path and verdict, and tells each count once, when it can no longer change.
import { type Histogram, recordLatency } from '../core/histogram.ts';
import type { Tally } from '../core/journal.ts';

export const BIN_MS = 1_000;

/** `invalid` is decided by the book where a whole bin is, else by who counts. */
export type Verdict = Exclude<keyof Tally, 'scheduled'>;
/** What is counted apart from the path: the held flows, or the fresh dials, of one protocol through one VIP. */
export type Account = { readonly vip: string; readonly protocol: string; readonly fresh: boolean };
export type TallyLine = Account & { path: string; bin: number; tally: Tally; rtt: Histogram };

type Cell = { account: Account; path: string; tally: Tally; rtt: Histogram };
type Bin = { /** Exchanges scheduled and not yet judged. */ owed: number; cells: Map<Account, Map<string, Cell>> };

export type TallyBookOptions = {
  /** A bin may be told this long after its end, once nothing is owed. */
  finalAfterMs: number;
  /** Whether the prober was ill in a second of the run: all its exchanges are then invalid, whatever came back. */
  isIll: (bin: number) => boolean;
  tell: (line: TallyLine) => void;
};

export class TallyBook {
  readonly #options: TallyBookOptions;
  /** In the order of time, but for the few that a late start may add. */
  readonly #bins = new Map<number, Bin>();
  #pulse = emptyTally();

  constructor(options: TallyBookOptions) {
    this.#options = options;
  }

  /** An exchange was due: its bin waits for a verdict. */
  schedule(dueT: number): void {
    this.#bin(dueT).owed += 1;
  }

  /** The verdict on an exchange that was scheduled; once each. */
  judge(account: Account, exchange: { dueT: number; path: string; verdict: Verdict; latencyMs?: number }): void {
    const { dueT, path, verdict, latencyMs } = exchange;
    const bin = this.#bin(dueT);
    bin.owed -= 1;
    const cell = cellOf(bin, account, path);
    cell.tally.scheduled += 1;
    cell.tally[verdict] += 1;
    if (latencyMs !== undefined && verdict === 'ok') recordLatency(cell.rtt, latencyMs);
    if (account.fresh) return;
    this.#pulse.scheduled += 1;
    this.#pulse[verdict] += 1;
  }

  /** Tells every bin that can no longer change. */
  flush(nowT: number): void {
    for (const [bin, counts] of this.#bins) {
      if (counts.owed > 0 || (bin + 1) * BIN_MS + this.#options.finalAfterMs > nowT) continue;
      this.#tell(bin, counts);
    }
  }

  /** Tells all that is left. Every exchange must have been judged. */
  close(): void {
    for (const [bin, counts] of this.#bins) {
      if (counts.owed !== 0) throw new Error(`bin ${String(bin)} owes ${String(counts.owed)} verdicts`);
      this.#tell(bin, counts);
    }
  }

  /** Exchanges of held flows judged since the last call, for the live view. */
  takePulse(): Tally {
    const pulse = this.#pulse;
    this.#pulse = emptyTally();
    return pulse;
  }

  #tell(bin: number, counts: Bin): void {
    this.#bins.delete(bin);
    const isIll = this.#options.isIll(bin);
    for (const paths of counts.cells.values()) {
      for (const { account, path, tally, rtt } of paths.values()) {
        const told = isIll ? { ...emptyTally(), scheduled: tally.scheduled, invalid: tally.scheduled } : tally;
        this.#options.tell({ ...account, path, bin, tally: told, rtt: isIll ? {} : rtt });
      }
    }
  }

  #bin(dueT: number): Bin {
    const bin = Math.floor(dueT / BIN_MS);
    let counts = this.#bins.get(bin);
    if (!counts) {
      counts = { owed: 0, cells: new Map() };
      this.#bins.set(bin, counts);
    }
    return counts;
  }
}

function emptyTally(): Tally {
  return { scheduled: 0, ok: 0, late: 0, lost: 0, notSent: 0, invalid: 0 };
}

function cellOf(bin: Bin, account: Account, path: string): Cell {
  let paths = bin.cells.get(account);
  if (!paths) {
    paths = new Map();
    bin.cells.set(account, paths);
  }
  let cell = paths.get(path);
  if (!cell) {
    cell = { account, path, tally: emptyTally(), rtt: {} };
    paths.set(path, cell);
  }
  return cell;
}
