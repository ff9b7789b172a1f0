// What a comparison of traffic policies is made of: figures of one VIP, and of one VIP through one fault.
import type { Share } from '../../core/report-format.ts';

/** The faults that every policy is taken through, in the order in which they are told. */
export const TRIALS = [
  'session-loss',
  'link-cut',
  'exclude',
  'drain-evict-first',
  'drain-withdraw-first',
  'speaker-restart',
  'rollout',
  'control',
] as const;
export type Trial = (typeof TRIALS)[number];

export const TRIAL_TITLES: Record<Trial, string> = {
  'session-loss': 'BGP session lost',
  'link-cut': 'node lost (links cut)',
  exclude: 'node excluded by label',
  'drain-evict-first': 'drain, pods first',
  'drain-withdraw-first': 'drain, routes first',
  'speaker-restart': 'speaker restarted',
  rollout: 'rollout of the pods',
  control: 'unrelated Service (control)',
};

/** A VIP as its flows were in the baseline of all runs together. */
export type VipFigures = {
  vip: string;
  policy: 'local' | 'cluster';
  hasAffinity: boolean;
  flows: number;
  byNode: { name: string; flows: number }[];
  byPod: { name: string; flows: number }[];
  /** Pods that answered one client through one node: the fewest and the most; null without a flow. */
  podsOfAClient: { fewest: number; most: number } | null;
  /** Pairs of a client and a node: with affinity each of them chose one pod for all of its flows, and is one sample. */
  podChoices: number;
  /** Flows whose client address the pod saw; `rewrittenByIngress`: it saw one of the ingress node's instead. */
  sourcePreserved: Share;
  rewrittenByIngress: number;
  /** Flows answered on another node than they came in by. */
  extraHop: Share;
};

/**
 * What became of a route at an edge of a fault; `afterMs` from the keeper's intent, or from its first word of reverting. Kept: the router
 * had it when the edge came, was read all the time, and had it throughout.
 */
export type RouteChange = { kind: 'changed'; afterMs: number } | { kind: 'kept' } | { kind: 'unknown' };

/** Flows of one VIP at one edge of a fault. */
export type EdgeFigures = {
  broken: Share;
  byCause: Record<string, number>;
  /** Broken or not, nobody can tell: their prober was ill. */
  inDoubt: number;
  route: RouteChange;
};

/** One VIP through one fault. */
export type TrialFigures = {
  trial: Trial;
  vip: string;
  node: string | null;
  /** Null: the run did not come to that edge. */
  loss: EdgeFigures | null;
  back: (EdgeFigures & { /** Flows older than the outage, and those opened in it. */ older: Share; younger: Share }) | null;
  /** Fresh dials that the node answered in the whole seconds after its pods were gone. */
  answeredWithoutPods: number;
};

/** One run: what it showed, and why it may not count. */
export type PolicyRun = {
  trial: Trial;
  vips: VipFigures[];
  figures: TrialFigures[];
  /** VIPs whose pods the rollout replaced. */
  rolledOut: string[];
  /** Null: it came to its end. */
  trouble: string | null;
};

/** Why the run that figures are from may not count; null where it came to its end. */
export type Standing = { trouble: string | null };

/** Several runs put together. */
export type Comparison = {
  vips: (VipFigures & Standing)[];
  trials: (TrialFigures & Standing)[];
  troubles: { trial: Trial; trouble: string }[];
};
