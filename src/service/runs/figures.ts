// The figures of a run that can be laid beside those of another: shares of flows, with what they are shares of.
import { z } from 'zod';
import type { Report } from '../../core/report-format.ts';

const figure = z.object({
  /** As a sentence begins: `breaks of tcp flows`. */
  name: z.string(),
  count: z.int().nonnegative(),
  n: z.int().nonnegative(),
});
export type Figure = z.infer<typeof figure>;
const figures = z.array(figure);

/** By protocol, over all windows but the baseline's: all that broke, and what broke although its hop stayed. More is worse, for each. */
export function figuresOf(report: Pick<Report, 'events'>): Figure[] {
  const byName = new Map<string, Figure>();
  const add = (name: string, count: number, n: number) => {
    const sum = byName.get(name) ?? { name, count: 0, n: 0 };
    byName.set(name, { name, count: sum.count + count, n: sum.n + n });
  };
  for (const window of report.events) {
    const when = window.eventCause === 'baseline' ? 'background breaks' : 'breaks';
    for (const { protocol, population, outcomes, brokenByCause } of window.ledgers) {
      const broken = Object.values(brokenByCause).reduce((sum, count) => sum + count, 0);
      add(`${when} of ${protocol} flows`, broken, population);
      if (when === 'breaks') {
        const elsewhere = outcomes['moved-broken'].count + outcomes['broken-in-place'].count;
        add(`${when} of ${protocol} flows away from the dead hop`, elsewhere, population - outcomes['on-dead-hop'].count);
      }
    }
  }
  return [...byName.values()].filter(({ n }) => n > 0);
}

/** What a row of the store keeps; null for none, or for one of a version that kept something else. */
export function parseFigures(json: string | null): Figure[] | null {
  if (json === null) return null;
  try {
    return figures.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null; // nothing to compare with
  }
}
