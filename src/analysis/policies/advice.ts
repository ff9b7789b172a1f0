// Advice that follows from the figures, rule by rule; where two intervals overlap, a rule says that it cannot tell.
import type { Share } from '../../core/report-format.ts';
import { countText, lengthText, listText } from '../wording.ts';
import { figuresOf } from './compare-policies.ts';
import {
  type Comparison,
  type RouteChange,
  type Standing,
  type Trial,
  TRIAL_TITLES,
  type TrialFigures,
  type VipFigures,
} from './figures.ts';

export type Advice = {
  /** What people say, or ask. */
  claim: string;
  answer: 'holds' | 'does-not-hold' | 'cannot-tell';
  /** What to do, or to believe. */
  text: string;
  /** The figures that it rests on. */
  restsOn: string[];
};

/** Faults in which a node leaves the set, and its flows with it. */
const NODE_TRIALS: readonly Trial[] = ['session-loss', 'link-cut', 'exclude', 'speaker-restart'];

/** Fewer choices than this, and which pods they fell on decides more than the policy does. */
const ENOUGH_CHOICES = 30;

/** Every rule that the figures of whole runs suffice for. */
export function adviceOf(all: Comparison): Advice[] {
  const isWhole = ({ trouble }: Standing) => trouble === null;
  const comparison = { ...all, vips: all.vips.filter(isWhole), trials: all.trials.filter(isWhole) };
  const local = comparison.vips.find(({ policy, hasAffinity }) => policy === 'local' && !hasAffinity);
  const cluster = comparison.vips.find(({ policy, hasAffinity }) => policy === 'cluster' && !hasAffinity);
  const affinity = comparison.vips.find(({ hasAffinity }) => hasAffinity);
  return [
    ...(cluster && affinity ? affinityRule(comparison, cluster, affinity) : []),
    ...(cluster ? alwaysAdvertiseRule(comparison, cluster) : []),
    ...comparison.vips.flatMap((vip) => drainOrderRule(comparison, vip)),
    ...(local && cluster
      ? [...nodeLossRule(comparison, local, cluster), ...rolloutRule(comparison, local, cluster), sourceRule(local, cluster)]
      : []),
    ...returnRule(comparison),
  ];
}

type Order = 'less' | 'more' | 'cannot-tell';

/** Only intervals that do not touch tell two shares apart. */
export function compareShares(a: Share, b: Share): Order {
  if (a.n === 0 || b.n === 0) return 'cannot-tell';
  if (a.high < b.low) return 'less';
  return a.low > b.high ? 'more' : 'cannot-tell';
}

function affinityRule(comparison: Comparison, cluster: VipFigures, affinity: VipFigures): Advice[] {
  const pairs = NODE_TRIALS.flatMap((trial) => {
    const [plain, sticky] = [cluster, affinity].map(({ vip }) => figuresOf(comparison, trial, vip));
    return plain?.loss && sticky?.loss ? [{ trial, order: compareShares(sticky.loss.broken, plain.loss.broken), plain, sticky }] : [];
  });
  if (pairs.length === 0) return [];
  const saves = pairs.filter(({ order }) => order === 'less');
  const costs = pairs.filter(({ order }) => order === 'more');
  const claim = 'sessionAffinity: ClientIP saves established flows when a node goes';
  const restsOn = pairs.flatMap(({ plain, sticky }) => [lossText(sticky), lossText(plain)]);
  const names = (of: typeof pairs) => listText(of.map(({ trial }) => TRIAL_TITLES[trial]));
  const why = 'Each node remembers its own clients, and asks no other.';
  // Flows that share a pod are one sample of where it stands: their interval is narrower than what is known.
  if (affinity.podChoices < ENOUGH_CHOICES) {
    const less = saves.length > 0 ? ` Fewer broke with it in ${names(saves)}.` : '';
    const more = costs.length > 0 ? ` More broke with it in ${names(costs)}.` : '';
    const text = `All flows of a client through a node share one pod, and only ${countText(affinity.podChoices)} such choices were made: chance decides which pods they are.${less}${more} ${why}`;
    return [{ claim, answer: 'cannot-tell', text, restsOn }];
  }
  if (saves.length === pairs.length) return [{ claim, answer: 'holds', text: `Fewer flows broke with it in ${names(saves)}.`, restsOn }];
  if (saves.length === 0 && costs.length > 0)
    return [{ claim, answer: 'does-not-hold', text: `More flows broke with it (${names(costs)}). ${why}`, restsOn }];
  if (saves.length > 0 && costs.length > 0)
    return [
      {
        claim,
        answer: 'does-not-hold',
        text: `It is no rule: fewer broke with it in ${names(saves)}, more in ${names(costs)}. A client’s flows share a pod, so few clients make few samples.`,
        restsOn,
      },
    ];
  if (saves.length > 0)
    return [
      {
        claim,
        answer: 'cannot-tell',
        text: `Fewer flows broke with it in ${names(saves)}; in the other trials the intervals overlap.`,
        restsOn,
      },
    ];
  return [
    {
      claim,
      answer: 'cannot-tell',
      text: `No saving was seen: with it and without it the intervals overlap in ${names(pairs)}. ${why}`,
      restsOn,
    },
  ];
}

function alwaysAdvertiseRule(comparison: Comparison, { vip }: VipFigures): Advice[] {
  const claim = 'Under Cluster all nodes always advertise';
  const trials = comparison.trials.filter((figures) => figures.vip === vip && figures.loss !== null && figures.node !== null);
  const of = (kind: RouteChange['kind']) => trials.filter(({ loss }) => loss?.route.kind === kind);
  const [gone, kept, unknown] = [of('changed'), of('kept'), of('unknown')];
  if (trials.length === 0) return [];
  const names = (these: typeof trials) => listText(these.map(({ trial }) => TRIAL_TITLES[trial]));
  const restsOn = [...gone, ...kept, ...unknown].map((figures) => `${vip}, ${TRIAL_TITLES[figures.trial]}: ${routeText(figures)}`);
  if (gone.length === 0 && unknown.length > 0) {
    const stayed = kept.length === 0 ? '' : ` It kept every node in ${names(kept)}.`;
    return [{ claim, answer: 'cannot-tell', text: `What became of the route in ${names(unknown)} is not known.${stayed}`, restsOn }];
  }
  if (gone.length === 0) return [{ claim, answer: 'holds', text: `${vip} kept every node in ${names(kept)}.`, restsOn }];
  const stay = kept.some(({ trial, answeredWithoutPods }) => trial === 'drain-evict-first' && answeredWithoutPods > 0)
    ? `; a node without a pod stayed, and answered with the pods of others`
    : '';
  return [
    {
      claim,
      answer: 'does-not-hold',
      text: `A node left the set of ${vip} in ${names(gone)}${stay}.`,
      restsOn,
    },
  ];
}

function drainOrderRule(comparison: Comparison, { vip, hasAffinity, podChoices }: VipFigures): Advice[] {
  if (hasAffinity && podChoices < ENOUGH_CHOICES) return [];
  const [evict, withdraw] = (['drain-evict-first', 'drain-withdraw-first'] as const).map((trial) => figuresOf(comparison, trial, vip));
  if (!evict?.loss || !withdraw?.loss) return [];
  const claim = `Withdrawing the routes before the pods saves flows of ${vip}`;
  const restsOn = [lossText(withdraw), lossText(evict)];
  switch (compareShares(withdraw.loss.broken, evict.loss.broken)) {
    case 'less':
      return [{ claim, answer: 'holds', text: 'Withdraw first: fewer flows broke.', restsOn }];
    case 'more':
      return [
        {
          claim,
          answer: 'does-not-hold',
          text: 'Evict first: withdrawing first broke flows that the pods’ end alone would not have.',
          restsOn,
        },
      ];
    case 'cannot-tell':
      return [
        {
          claim,
          answer: 'cannot-tell',
          text: 'As many broke either way, as far as these flows tell: what an established flow loses is the node or the pod itself. The order matters to new flows, while the route leads to a node that has no pod.',
          restsOn,
        },
      ];
  }
}

function nodeLossRule(comparison: Comparison, local: VipFigures, cluster: VipFigures): Advice[] {
  const [own, spread] = [local, cluster].map(({ vip }) => figuresOf(comparison, 'link-cut', vip));
  if (!own?.loss || !spread?.loss) return [];
  const claim = 'A lost node costs fewer flows under Local than under Cluster';
  const restsOn = [lossText(own), lossText(spread)];
  switch (compareShares(own.loss.broken, spread.loss.broken)) {
    case 'less':
      return [
        { claim, answer: 'holds', text: 'Under Cluster flows of other nodes go too: those that the lost node’s pods answered.', restsOn },
      ];
    case 'more':
      return [{ claim, answer: 'does-not-hold', text: 'More flows broke under Local.', restsOn }];
    case 'cannot-tell':
      return [{ claim, answer: 'cannot-tell', text: 'The intervals overlap: hold more flows.', restsOn }];
  }
}

function rolloutRule(comparison: Comparison, local: VipFigures, cluster: VipFigures): Advice[] {
  const [own, spread] = [local, cluster].map(({ vip }) => figuresOf(comparison, 'rollout', vip));
  if (!own?.loss || !spread?.loss) return [];
  const claim = 'Under Cluster a rollout is harmless, since no route changes';
  const restsOn = [lossText(own), lossText(spread)];
  if (spread.loss.broken.count === 0)
    return spread.loss.broken.n < 100
      ? [{ claim, answer: 'cannot-tell', text: 'None broke, of too few to say so.', restsOn }]
      : [{ claim, answer: 'holds', text: 'None of its flows broke.', restsOn }];
  return [
    {
      claim,
      answer: 'does-not-hold',
      text: 'Every established flow ends with its pod, under either policy: drain connections in the application, and have clients that dial again.',
      restsOn,
    },
  ];
}

function sourceRule(local: VipFigures, cluster: VipFigures): Advice {
  const sourceText = ({ vip, sourcePreserved: { count, n } }: VipFigures) =>
    `${vip}: the client’s address arrived in ${countText(count)} of ${countText(n)} flows`;
  const claim = 'Local keeps the client’s address, Cluster does not';
  const restsOn = [sourceText(local), sourceText(cluster)];
  const [own, other] = [local.sourcePreserved, cluster.sourcePreserved];
  if (own.n === 0 || other.n === 0) return { claim, answer: 'cannot-tell', text: 'There was no flow to tell by.', restsOn };
  const holds = own.count === own.n && other.count === 0;
  const hop = `Under Cluster ${percent(cluster.extraHop.count / Math.max(1, cluster.extraHop.n))} of the flows took a hop more.`;
  return {
    claim,
    answer: holds ? 'holds' : 'does-not-hold',
    text: holds ? `Where the address matters, take Local. ${hop}` : `Look at who rewrites it: \`source-ip\` in a run tells. ${hop}`,
    restsOn,
  };
}

function returnRule(comparison: Comparison): Advice[] {
  // Where its route never went, or is not known to have come back, nothing returned.
  const returns = comparison.trials.filter(
    ({ trial, back }) => NODE_TRIALS.includes(trial) && back?.route.kind === 'changed' && back.younger.n > 0,
  );
  if (returns.length === 0) return [];
  const claim = 'A node’s return is free';
  const restsOn = returns.map(
    ({ trial, vip, back }) =>
      `${vip}, ${TRIAL_TITLES[trial]}: its return broke ${shareText(back?.younger)} of those opened meanwhile, ${shareText(back?.older)} of the older`,
  );
  const sum = (of: (back: NonNullable<TrialFigures['back']>) => number) =>
    returns.reduce((total, { back }) => total + (back ? of(back) : 0), 0);
  const older = sum((back) => back.older.count);
  if (sum((back) => back.younger.count) > 0) {
    const stay = older === 0 ? '; whoever had survived its loss stayed' : `, and ${countText(older)} older ones`;
    const text = `A return breaks flows that were opened while the node was away${stay}: bring nodes back when few are.`;
    return [{ claim, answer: 'does-not-hold', text, restsOn }];
  }
  const n = sum((back) => back.younger.n);
  if (n < 100) return [{ claim, answer: 'cannot-tell', text: `None broke, of only ${countText(n)} that could have.`, restsOn }];
  return [{ claim, answer: 'holds', text: 'None of the flows opened meanwhile broke.', restsOn }];
}

function lossText({ trial, vip, loss }: TrialFigures): string {
  return `${vip}, ${TRIAL_TITLES[trial]}: ${shareText(loss?.broken)} broke`;
}

function shareText(share: Share | undefined): string {
  if (!share || share.n === 0) return 'unknown';
  return `${countText(share.count)} of ${countText(share.n)} (${percent(share.low)} to ${percent(share.high)})`;
}

function routeText({ loss }: TrialFigures): string {
  if (loss?.route.kind === 'changed') return `the route went after ${lengthText(loss.route.afterMs)}`;
  return loss?.route.kind === 'kept' ? 'the route stayed' : 'unknown';
}

/** 0.30117 -> `30.1%` */
function percent(share: number): string {
  return `${String(Math.round(share * 1_000) / 10)}%`;
}
