// broken-elsewhere = (moved-broken + broken-in-place) / flows that were not on the dead hop.
import { type Check, countsOf, type ExpectationOf, judgeMax, maxText } from './check.ts';

export const brokenElsewhere: Check<ExpectationOf<'broken-elsewhere'>> = {
  expected: ({ max }) => maxText(max),
  judge({ max, during }, scope, evidence) {
    const sample = { count: 0, n: 0, inDoubt: 0 };
    for (const { outcomes, population, brokenUnknown } of countsOf(evidence, scope, during)) {
      sample.count += outcomes['moved-broken'] + outcomes['broken-in-place'];
      sample.n += population - outcomes['on-dead-hop'];
      sample.inDoubt += brokenUnknown;
    }
    return judgeMax(sample, max, evidence.facts.scenario.minFlows ?? 100);
  },
};
