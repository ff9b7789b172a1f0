// paths-covered: every next hop of the settled set carried at least one flow.
import { listText } from '../wording.ts';
import { type Check, countsOf, type ExpectationOf, NO_DATA } from './check.ts';

export const pathsCovered: Check<ExpectationOf<'paths-covered'>> = {
  expected: () => 'every path',
  judge({ during }, scope, evidence) {
    const bare = new Set<string>();
    const paths = new Set<string>();
    const counts = countsOf(evidence, scope, during);
    for (const { before, byIngress } of counts) {
      for (const node of before.nodes ?? []) {
        paths.add(node);
        if (!byIngress.has(node)) bare.add(node);
      }
    }
    if (bare.size > 0) {
      const observed = `none on ${listText([...bare].sort())}`;
      return { verdict: 'deviated', observed, badness: bare.size, why: 'nothing is known of a path without a flow' };
    }
    const unknown = counts.filter((count) => count.before.nodes === null).length;
    if (paths.size === 0 || unknown > 0) return { ...NO_DATA, why: 'the settled next-hop set is not known' };
    const observed = `all ${String(paths.size)} paths`;
    return { verdict: 'held', observed, badness: 0, why: 'every next hop of the settled set carried flows' };
  },
};
