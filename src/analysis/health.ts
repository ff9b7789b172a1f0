// How well each prober could see: seconds that do not count, and why.
import type { Report } from '../core/report-format.ts';
import type { RunFacts } from './run-facts.ts';

export function healthOf(facts: RunFacts): Report['health'] {
  const vantages = new Map<string, { bins: Set<number>; invalid: Set<number>; reasons: Record<string, number> }>();
  const of = (vantage: string) => {
    let health = vantages.get(vantage);
    if (!health) {
      health = { bins: new Set(), invalid: new Set(), reasons: {} };
      vantages.set(vantage, health);
    }
    return health;
  };
  for (const { name } of facts.environment.vantages ?? []) of(name);
  for (const tally of facts.tallies) {
    const { bins, invalid } = of(tally.vantage);
    bins.add(tally.bin);
    if (tally.invalid > 0) invalid.add(tally.bin);
  }
  for (const { vantage, why } of facts.illnesses) {
    const { reasons } = of(vantage);
    // `stood still for 114 ms` and `… 230 ms` are one reason.
    const reason = why.replace(/\d[\d.,]*/g, 'N');
    reasons[reason] = (reasons[reason] ?? 0) + 1;
  }
  return [...vantages].map(([vantage, { bins, invalid, reasons }]) => ({
    vantage,
    invalidBins: invalid.size,
    bins: bins.size,
    reasons,
    clockErrMs: facts.clockErrMs.get(vantage) ?? 0,
  }));
}
