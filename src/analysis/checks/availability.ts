// availability = ok / (ok + late + lost) over all flows and the whole phase: what users felt.
import { availabilityOf } from '../availability.ts';
import { judgedIn, spansOfPhase } from '../bins.ts';
import { isSameScope } from '../scopes.ts';
import { percentText } from '../wording.ts';
import { type Check, type ExpectationOf, judgeMin, NO_DATA } from './check.ts';

export const availability: Check<ExpectationOf<'availability'>> = {
  expected: ({ min }) => `min ${percentText(min)}`,
  judge({ min, during }, scope, { facts, windows, scopes }) {
    const found = availabilityOf(facts, {
      tallies: facts.tallies.filter((each) => !each.fresh && isSameScope(each, scope)),
      flows: scopes.find((each) => isSameScope(each.scope, scope))?.flows ?? [],
      spans: spansOfPhase(windows, during ?? null),
      path: null,
      name: `availability ${scope.vantage} ${scope.vip} ${scope.protocol} ${during ?? ''}`,
    });
    if (judgedIn(found.tally) === 0) return { ...NO_DATA, why: 'no exchange was judged' };
    return { ...judgeMin(found, min), observed: percentText(found.value) };
  },
};
