// Runs of several faults put together, VIP beside VIP, in the order from Local to Cluster to Cluster with affinity.
import { shareOf, shareOfSamples } from '../intervals.ts';
import { type Comparison, type PolicyRun, type Standing, type Trial, TRIALS, type TrialFigures, type VipFigures } from './figures.ts';

export function comparePolicies(runs: readonly PolicyRun[]): Comparison {
  const vips = [
    ...Map.groupBy(
      runs.flatMap((run) => run.vips.map((vip) => ({ ...vip, trouble: run.trouble }))),
      ({ vip }) => vip,
    ).values(),
  ]
    .map(pooled)
    .sort((a, b) => rank(a) - rank(b));
  const trials = TRIALS.flatMap((trial) => vips.flatMap(({ vip }) => best(runs, trial, vip) ?? []));
  const troubles = runs.flatMap(({ trial, trouble }) => (trouble === null ? [] : [{ trial, trouble }]));
  return { vips, trials, troubles };
}

export function figuresOf({ trials }: Comparison, trial: Trial, vip: string): Comparison['trials'][number] | undefined {
  return trials.find((figures) => figures.trial === trial && figures.vip === vip);
}

/** A run that came to its end is believed before one that did not. */
function best(runs: readonly PolicyRun[], trial: Trial, vip: string): (TrialFigures & Standing) | undefined {
  const own = runs.filter((run) => run.trial === trial && run.figures.some((figures) => figures.vip === vip));
  const run = own.findLast(({ trouble }) => trouble === null) ?? own.at(-1);
  const figures = run?.figures.find((one) => one.vip === vip);
  return run && figures && { ...figures, trouble: run.trouble };
}

function rank({ policy, hasAffinity }: VipFigures): number {
  return policy === 'local' ? 0 : hasAffinity ? 2 : 1;
}

/** The baselines of all whole runs are samples of the same thing, before any fault; others count only where there is no whole one. */
function pooled(runs: readonly (VipFigures & Standing)[]): VipFigures & Standing {
  const whole = runs.filter(({ trouble }) => trouble === null);
  const all = whole.length > 0 ? whole : runs;
  const [first] = all;
  if (!first) throw new Error('a VIP without a run');
  const sum = (of: (figures: VipFigures) => number) => all.reduce((total, figures) => total + of(figures), 0);
  const merge = (of: (figures: VipFigures) => VipFigures['byNode']) => {
    const names = new Map<string, number>();
    for (const { name, flows } of all.flatMap(of)) names.set(name, (names.get(name) ?? 0) + flows);
    return [...names].map(([name, flows]) => ({ name, flows })).sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  const pods = all.flatMap(({ podsOfAClient }) => podsOfAClient ?? []);
  return {
    ...first,
    flows: sum(({ flows }) => flows),
    byNode: merge(({ byNode }) => byNode),
    // Of one run alone: rollouts and drains give every pod a new name.
    byPod: first.byPod,
    podsOfAClient:
      pods.length === 0 ? null : { fewest: Math.min(...pods.map(({ fewest }) => fewest)), most: Math.max(...pods.map(({ most }) => most)) },
    sourcePreserved: shareOf(
      sum(({ sourcePreserved }) => sourcePreserved.count),
      sum(({ sourcePreserved }) => sourcePreserved.n),
    ),
    rewrittenByIngress: sum(({ rewrittenByIngress }) => rewrittenByIngress),
    // Of one run alone too: a choice of a pod stands longer than a run.
    extraHop: shareOfSamples(
      sum(({ extraHop }) => extraHop.count),
      sum(({ extraHop }) => extraHop.n),
      first.hasAffinity ? first.podChoices : Infinity,
    ),
  };
}
