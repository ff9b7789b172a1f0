// What broke how many flows, for a sentence: the steps of one rollout or drain are one cause there.
import type { Flow } from '../flow-life.ts';
import type { Attribution } from './attribution.ts';
import { sourceText } from './cause-rows.ts';
import { isPodHappening } from './happening.ts';
import type { Source } from './set-changes.ts';

/** More than so many causes, and a sentence is no sentence any more. */
const NAMED = 3;

/**
 * The largest causes first, the rest summed, what is unexplained last; empty when nothing broke or nobody watched.
 * Only flows that their window judges count, as in the figures beside it.
 * @param isCounted flows that the sentence speaks of, where those are not all; `isInDoubt`: their prober was ill
 */
export function causeShares(
  attributions: readonly Attribution[],
  isCounted: (flow: Flow, isInDoubt: boolean) => boolean = () => true,
): { what: string; flows: number }[] {
  const count = (breaks: readonly { flow: Flow; isJudged: boolean; isInDoubt: boolean }[]) =>
    breaks.filter(({ flow, isJudged, isInDoubt }) => isJudged && isCounted(flow, isInDoubt)).length;
  const sums = new Map<string, number>();
  for (const { source, breaks } of attributions.flatMap(({ causes }) => causes)) {
    const flows = count(breaks);
    const what = familyOf(source);
    if (flows > 0) sums.set(what, (sums.get(what) ?? 0) + flows);
  }
  const sorted = [...sums].map(([what, flows]) => ({ what, flows })).sort((a, b) => b.flows - a.flows);
  const others = sorted.slice(NAMED).reduce((sum, { flows }) => sum + flows, 0);
  const unexplained = count(attributions.flatMap((attribution) => attribution.unexplained));
  return [
    ...sorted.slice(0, NAMED),
    ...(others > 0 ? [{ what: 'other causes', flows: others }] : []),
    ...(unexplained > 0 ? [{ what: 'unexplained', flows: unexplained }] : []),
  ];
}

function familyOf(source: Source): string {
  if (source.kind !== 'happening' || !isPodHappening(source.happening)) return sourceText(source);
  const { rollout, isDrain, node } = source.happening;
  if (rollout) return `rollout of ${rollout.deployment}`;
  return isDrain && node !== null ? `drain of ${node}` : sourceText(source);
}
