// restored: from the last revert's read-back until the baseline's next-hop set and a whole second of good fresh dials.
import { formatDurationMs } from '../../core/units.ts';
import { restorationOf } from '../restoration.ts';
import { lengthText } from '../wording.ts';
import { type Check, type ExpectationOf, NO_DATA } from './check.ts';

export const restored: Check<ExpectationOf<'restored'>> = {
  expected: ({ within }) => `within ${formatDurationMs(within)}`,
  judge({ within }, scope, { facts, windows, nextHops }) {
    const restoration = restorationOf(scope, facts, windows, nextHops);
    switch (restoration.kind) {
      case 'unknown':
        return { ...NO_DATA, why: restoration.why };
      case 'not-restored': {
        const { waitedMs, why } = restoration;
        const observed = `not within ${lengthText(waitedMs)}`;
        if (waitedMs > within) return { verdict: 'deviated', observed, badness: waitedMs, why };
        return { verdict: 'inconclusive', observed, badness: waitedMs, why: `${why}, and the run ended before the time was up` };
      }
      case 'restored': {
        const { tookMs } = restoration;
        const why = 'the next-hop set was the one of the baseline and fresh dials were answered';
        return { verdict: tookMs <= within ? 'held' : 'deviated', observed: lengthText(tookMs), badness: tookMs, why };
      }
    }
  },
};
