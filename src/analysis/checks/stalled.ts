// stalled = flows that broke silently / population.
import { type Check, countsOf, type ExpectationOf, judgeMax, maxText } from './check.ts';

export const stalled: Check<ExpectationOf<'stalled'>> = {
  expected: ({ max }) => maxText(max),
  judge({ max, during }, scope, evidence) {
    const sample = { count: 0, n: 0, inDoubt: 0 };
    for (const count of countsOf(evidence, scope, during)) {
      sample.count += (count.brokenByCause.stalled ?? 0) - count.stalledInDoubt;
      sample.n += count.population;
      sample.inDoubt += count.stalledInDoubt + count.silentInDoubt;
    }
    return judgeMax(sample, max, evidence.facts.scenario.minFlows ?? 100);
  },
};
