// broken-elsewhere = (moved-broken + broken-in-place) / flows that were not on the dead hop.
import { elsewhereOf } from '../ledgers.ts';
import { countText } from '../wording.ts';
import { type Check, countsOf, type ExpectationOf, judgeMax, maxText } from './check.ts';

export const brokenElsewhere: Check<ExpectationOf<'broken-elsewhere'>> = {
  expected: ({ max }) => maxText(max),
  judge({ max, during }, scope, evidence) {
    const sample = { count: 0, n: 0, inDoubt: 0 };
    let podEnded = 0;
    for (const count of countsOf(evidence, scope, during)) {
      sample.count += elsewhereOf(count);
      sample.n += count.population - count.outcomes['on-dead-hop'];
      sample.inDoubt += count.brokenUnknown + count.silentInDoubt;
      podEnded += count.podEnded.elsewhere;
    }
    const result = judgeMax(sample, max, evidence.facts.scenario.minFlows ?? 100);
    // They count: users felt them. But no router, and no other hash, would have spared them.
    return podEnded === 0 ? result : { ...result, why: `${result.why}; ${countText(podEnded)} of them because their pod ended` };
  },
};
