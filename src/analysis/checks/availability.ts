// availability = ok / (ok + late + lost) over all flows and the whole phase: what users felt.
import { availabilityOf } from '../availability.ts';
import { judgedIn, spansOfPhase } from '../bins.ts';
import { isSameScope } from '../scopes.ts';
import { countText, percentText } from '../wording.ts';
import { type Check, type ExpectationOf, NO_DATA, verdictOfMin } from './check.ts';

export const availability: Check<ExpectationOf<'availability'>> = {
  expected: ({ min }) => `min ${percentText(min)}`,
  judge({ min, during }, scope, { facts, windows, scopes }) {
    const { tally, value, low, high } = availabilityOf(facts, {
      tallies: facts.tallies.filter((each) => !each.fresh && isSameScope(each, scope)),
      flows: scopes.find((each) => isSameScope(each.scope, scope))?.flows ?? [],
      spans: spansOfPhase(windows, during ?? null),
      path: null,
      name: `availability ${scope.vantage} ${scope.vip} ${scope.protocol} ${during ?? ''}`,
    });
    const n = judgedIn(tally);
    if (n === 0) return { ...NO_DATA, why: 'no exchange was judged' };
    return {
      verdict: verdictOfMin({ low, high }, min),
      observed: percentText(value),
      share: { count: tally.ok, n, low, high },
      badness: 1 - value,
      why: `${countText(n - tally.ok)} of ${countText(n)} exchanges were late or lost; between ${percentText(low)} and ${percentText(high)} ok, with 95% confidence`,
    };
  },
};
