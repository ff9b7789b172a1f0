// broken-elsewhere = (moved-broken + broken-in-place) / flows that were not on the dead hop.
import { elsewhereOf } from '../ledgers.ts';
import { type Check, countsOf, type ExpectationOf, judgeMax, maxText } from './check.ts';

export const brokenElsewhere: Check<ExpectationOf<'broken-elsewhere'>> = {
  expected: ({ max }) => maxText(max),
  judge({ max, during }, scope, evidence) {
    const sample = { count: 0, n: 0, inDoubt: 0 };
    for (const count of countsOf(evidence, scope, during)) {
      sample.count += elsewhereOf(count);
      sample.n += count.population - count.outcomes['on-dead-hop'];
      sample.inDoubt += count.brokenUnknown;
    }
    return judgeMax(sample, max, evidence.facts.scenario.minFlows ?? 100);
  },
};
