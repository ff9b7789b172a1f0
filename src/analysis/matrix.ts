// Who was where before a window and where it is after: counts, unknown shown as unknown.
import type { Report } from '../core/report-format.ts';
import type { LedgerCount } from './ledgers.ts';
import type { ScopedFlows } from './scopes.ts';

/** The path of what nobody can place, as in tallies. */
export const UNKNOWN = 'unknown';

export function matrixOf(counts: readonly LedgerCount[]): Report['matrix'] {
  return counts.flatMap(({ window, scope, moves }) =>
    [...moves].flatMap(([from, targets]) =>
      [...targets].map(([to, flows]) => ({ event: window.index, ...scope, from: from ?? UNKNOWN, to: to ?? UNKNOWN, flows })),
    ),
  );
}

/** Survivors re-dialled after the last window: from where they lived to where their 5-tuple goes. */
export function finalMapOf(scopes: readonly ScopedFlows[]): Report['finalMap'] {
  const rows = new Map<string, Report['finalMap'][number]>();
  for (const { scope, flows } of scopes) {
    for (const flow of flows) {
      if (!flow.final) continue;
      const from = (flow.changes.at(-1) ?? flow.opened).ingress ?? UNKNOWN;
      const to = flow.final.ingress ?? UNKNOWN;
      const key = `${scope.vantage} ${scope.vip} ${from} ${to}`;
      const row = rows.get(key);
      if (row) row.flows += 1;
      else rows.set(key, { vantage: scope.vantage, vip: scope.vip, from, to, flows: 1 });
    }
  }
  return [...rows.values()].sort((a, b) => compareTexts([a.vip, a.vantage, a.from, a.to], [b.vip, b.vantage, b.from, b.to]));
}

/** Orders rows by their words, the same on every machine (no locale). */
export function compareTexts(one: readonly string[], other: readonly string[]): number {
  for (const [index, word] of one.entries()) {
    const against = other[index] ?? '';
    if (word !== against) return word < against ? -1 : 1;
  }
  return 0;
}
