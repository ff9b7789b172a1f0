// How one next-hop set changed over time, and what it was, settled, at an instant.

/** A set that did not change for this long has settled. */
export const SETTLE_MS = 2_000;

/** From `t` on the set was `nodes`; null while it cannot be known. */
export type SetEntry = {
  t: number;
  nodes: readonly string[] | null;
  /** From here on it counts as settled. */
  settledT: number;
};

/** Entries in order of time, neighbours different. */
export type SetHistory = readonly SetEntry[];

export type SetReading = { kind: 'settled'; nodes: readonly string[] } | { kind: 'unsettled' } | { kind: 'unknown' };

/** Grows a history; an entry equal to the last one only confirms it. */
export function appendEntry(history: SetEntry[], t: number, nodes: readonly string[] | null, settledT = t + SETTLE_MS): void {
  const last = history.at(-1);
  if (last && isSameSet(last.nodes, nodes)) last.settledT = Math.min(last.settledT, settledT);
  else history.push({ t, nodes, settledT });
}

/** The settled set at `t`. A change in the 2 s before leaves it unsettled: neither the old set nor the new one can be vouched for. */
export function settledAt(history: SetHistory, t: number): SetReading {
  const entry = entryAt(history, t);
  if (entry?.nodes == null) return { kind: 'unknown' };
  return t >= entry.settledT ? { kind: 'settled', nodes: entry.nodes } : { kind: 'unsettled' };
}

export function entryAt(history: SetHistory, t: number): SetEntry | undefined {
  return history.findLast((entry) => entry.t <= t);
}

export type SetChange = { t: number; before: readonly string[]; after: readonly string[] };

/** Changes from one known set to another; what passed while it could not be known shows as one change at the end of that time. */
export function changesOf(history: SetHistory): SetChange[] {
  const changes: SetChange[] = [];
  let before: readonly string[] | null = null;
  for (const { t, nodes } of history) {
    if (nodes === null) continue;
    if (before !== null && !isSameSet(before, nodes)) changes.push({ t, before, after: nodes });
    before = nodes;
  }
  return changes;
}

export function isSameSet(one: readonly string[] | null, other: readonly string[] | null): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((node) => other.includes(node));
}
