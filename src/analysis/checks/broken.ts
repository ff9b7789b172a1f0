// broken = all broken flows / population.
import { brokenForSure, inDoubtOf } from '../ledgers.ts';
import { type Check, countsOf, type ExpectationOf, judgeMax, maxText } from './check.ts';

export const broken: Check<ExpectationOf<'broken'>> = {
  expected: ({ max }) => maxText(max),
  judge({ max, during }, scope, evidence) {
    const sample = { count: 0, n: 0, inDoubt: 0 };
    for (const count of countsOf(evidence, scope, during)) {
      // A flow that broke and could not be placed is broken all the same; only an ill prober leaves the break itself in doubt.
      sample.count += brokenForSure(count);
      sample.n += count.population;
      sample.inDoubt += inDoubtOf(count);
    }
    return judgeMax(sample, max, evidence.facts.scenario.minFlows ?? 100);
  },
};
