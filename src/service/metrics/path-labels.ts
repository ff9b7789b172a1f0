// Which paths are counted under their own labels: at most so many, and those unused for an hour leave.
import type { PATH_LABELS } from './definitions.ts';

export type Path = Record<(typeof PATH_LABELS)[number], string>;

/** A series costs memory here and in every Prometheus that scrapes; a hundred VIPs over 16 paths from a vantage fit. */
export const PATH_CAP = 2_000;
export const PATH_KEEP_MS = 3_600_000;
/** Stands for all paths that came when the cap was reached. */
export const OVERFLOW = 'other';

type Kept = { path: Path; usedMs: number };

/** Time is monotonic ms, given by the caller. */
export class PathLabels {
  readonly #kept = new Map<string, Kept>();
  readonly #cap: number;
  readonly #onNew: (path: Path) => void;

  constructor({ cap = PATH_CAP, onNew }: { cap?: number; onNew: (path: Path) => void }) {
    this.#cap = cap;
    this.#onNew = onNew;
  }

  /** The labels to count `path` under: its own, or when too many are kept already, those of all others of its monitor. */
  admit(path: Path, nowMs: number): Path {
    const known = this.#kept.get(keyOf(path));
    if (known) {
      known.usedMs = nowMs;
      return known.path;
    }
    // The overflow's own labels are admitted beyond the cap: environment and monitor are the operator's, so they are few.
    const isOverflow = path.path === OVERFLOW && path.vip === OVERFLOW;
    if (!isOverflow && this.#kept.size >= this.#cap) return this.admit(overflowOf(path), nowMs);
    this.#kept.set(keyOf(path), { path, usedMs: nowMs });
    this.#onNew(path);
    return path;
  }

  /** Forgets the paths that were unused for an hour and returns them. */
  expire(nowMs: number): Path[] {
    const gone = [...this.#kept].filter(([, { usedMs }]) => nowMs - usedMs > PATH_KEEP_MS);
    for (const [key] of gone) this.#kept.delete(key);
    return gone.map(([, { path }]) => path);
  }
}

export function isOverflow({ vip, path }: Path): boolean {
  return vip === OVERFLOW && path === OVERFLOW;
}

function overflowOf({ environment, monitor }: Path): Path {
  return { environment, monitor, vantage: OVERFLOW, vip: OVERFLOW, protocol: OVERFLOW, path: OVERFLOW };
}

function keyOf({ environment, monitor, vantage, vip, protocol, path }: Path): string {
  return JSON.stringify([environment, monitor, vantage, vip, protocol, path]);
}
