// interruption: the p99 of the time from the last ok exchange to the next ok one, over interrupted flows.
import { formatDurationMs } from '../../core/units.ts';
import { quantileOf } from '../interruptions.ts';
import { isSameScope } from '../scopes.ts';
import { countText, lengthText } from '../wording.ts';
import { type Check, countsOf, type ExpectationOf, NO_DATA } from './check.ts';

export const interruption: Check<ExpectationOf<'interruption'>> = {
  expected: ({ max }) => `max ${formatDurationMs(max)} (p99)`,
  judge({ max, during }, scope, evidence) {
    const counts = countsOf(evidence, scope, during);
    if (counts.every((count) => count.population === 0)) return { ...NO_DATA, why: 'there was no flow to judge' };
    const windows = new Set(counts.map((count) => count.window.index));
    const all = evidence.interruptions.filter((each) => isSameScope(each.scope, scope) && windows.has(each.window));
    if (all.length === 0) return { verdict: 'held', observed: 'none', badness: 0, why: 'no flow was interrupted' };
    const p99 = (lengths: number[]) =>
      quantileOf(
        lengths.sort((a, b) => a - b),
        0.99,
      ) ?? 0;
    const atLeast = p99(all.map((each) => each.lengthMs));
    // An interruption that was not over when the run ended may have lasted for any time.
    const atMost = p99(all.map((each) => (each.isOver ? each.lengthMs : Infinity)));
    const unended = all.filter((each) => !each.isOver).length;
    return {
      verdict: atLeast > max ? 'deviated' : atMost > max ? 'inconclusive' : 'held',
      observed: `${atMost > atLeast ? 'at least ' : ''}${lengthText(atLeast)}`,
      badness: atLeast,
      why: `p99 of ${countText(all.length)} interruptions${unended > 0 ? `, of which ${countText(unended)} were not over at the end` : ''}`,
    };
  },
};
