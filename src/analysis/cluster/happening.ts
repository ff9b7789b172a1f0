// What happened in the cluster: each change of its objects that can end flows, or move a node in or out of a next-hop set.

/** A rollout of the Deployment behind a VIP; `step` counts the pods that it ended. */
export type RolloutStep = { deployment: string; step: number };

type About = {
  /** When the observer saw it. */
  t: number;
  /** The earliest that it can have been: before `t` where the observer was blind. */
  sinceT: number;
  node: string | null;
  /** Null: of no VIP alone. */
  vip: string | null;
};

export type PodHappening = About & {
  kind: 'pod-ended' | 'pod-unready' | 'pod-ready';
  vip: string;
  /** Without its namespace, as responders call themselves. */
  pod: string;
  /** When it served no more, and when it was gone; Infinity while nobody saw that. A pod that ends is first terminating. */
  servedUntilT: number;
  goneT: number;
  /** Of an end, the last serving one; of a pod that became ready, the first. */
  isOnlyOfNode: boolean;
  isOnlyOfVip: boolean;
  rollout: RolloutStep | null;
  /** Its node was cordoned then; `isDrain`: and was being drained, as far as that can be told. */
  isCordoned: boolean;
  isDrain: boolean;
};
export type NodeChange =
  | 'cordoned'
  | 'uncordoned'
  | 'excluded'
  | 'included'
  | 'not-ready'
  | 'ready'
  | 'network-unavailable'
  | 'network-available'
  | 'gone'
  | 'joined';
export type NodeHappening = About & { kind: 'node'; node: string; change: NodeChange };
export type ServiceHappening = About & {
  kind: 'service';
  vip: string;
  change: 'policy' | 'affinity' | 'gone' | 'appeared';
  /** From what to what; empty where that says nothing. */
  from: string;
  to: string;
};
export type SpeakerHappening = About & { kind: 'speaker'; node: string; pod: string; change: 'ending' | 'gone' | 'not-ready' | 'ready' };
export type MetallbHappening = About & { kind: 'metallb'; objectKind: string; object: string; isGone: boolean; what: string };

export type Happening = PodHappening | NodeHappening | ServiceHappening | SpeakerHappening | MetallbHappening;

/** `default/web-1` -> `web-1`. */
export function podName(pod: string): string {
  return pod.slice(pod.lastIndexOf('/') + 1);
}

export function isPodHappening(happening: Happening): happening is PodHappening {
  return happening.kind === 'pod-ended' || happening.kind === 'pod-unready' || happening.kind === 'pod-ready';
}

/** In the words of a person who reads the table of causes. */
export function happeningText(happening: Happening): string {
  switch (happening.kind) {
    case 'pod-ended':
    case 'pod-unready':
    case 'pod-ready':
      return podText(happening);
    case 'node':
      return `${happening.node} ${NODE_WORDS[happening.change]}`;
    case 'service':
      return serviceText(happening);
    case 'speaker':
      return `the speaker on ${happening.node} ${SPEAKER_WORDS[happening.change]} (${happening.pod})`;
    case 'metallb':
      return `${happening.objectKind} ${happening.object}${happening.isGone ? ' is gone' : ''}${happening.what === '' ? '' : `: ${happening.what}`}`;
  }
}

const NODE_WORDS: Record<NodeChange, string> = {
  cordoned: 'was cordoned',
  uncordoned: 'was uncordoned',
  excluded: 'was excluded from load balancers',
  included: 'is no longer excluded from load balancers',
  'not-ready': 'became NotReady',
  ready: 'is Ready again',
  'network-unavailable': 'has its network marked unavailable',
  'network-available': 'has its network marked available again',
  gone: 'left the cluster',
  joined: 'joined the cluster',
};
const SPEAKER_WORDS: Record<SpeakerHappening['change'], string> = {
  ending: 'was told to end',
  gone: 'is gone',
  'not-ready': 'stopped being ready',
  ready: 'is ready',
};

function podText({ kind, pod, node, vip, isOnlyOfNode, isOnlyOfVip, rollout, isCordoned, isDrain }: PodHappening): string {
  const isNoted = isCordoned && !isDrain && rollout === null;
  const where = node === null ? '' : ` on ${node}${isNoted ? ', which is cordoned' : ''}`;
  const why = rollout
    ? `rollout of ${rollout.deployment}, step ${String(rollout.step)}: `
    : isDrain && node !== null
      ? `drain of ${node}: `
      : '';
  switch (kind) {
    case 'pod-ended':
    case 'pod-unready':
      if (isOnlyOfVip) return `${why}${vip} lost its last ready endpoint (${pod}${where})`;
      if (isOnlyOfNode && node !== null)
        return `${why}${node}${isNoted ? ', which is cordoned,' : ''} lost its last ready endpoint (${pod})`;
      return `${why}the pod ${pod}${where}${isNoted && node !== null ? ',' : ''} ${kind === 'pod-ended' ? 'ended' : 'stopped being ready'}`;
    case 'pod-ready':
      if (isOnlyOfVip) return `${vip} has a ready endpoint again (${pod}${where})`;
      return isOnlyOfNode && node !== null ? `${node} has a ready endpoint again (${pod})` : `the pod ${pod}${where} became ready`;
  }
}

function serviceText({ vip, change, from, to }: ServiceHappening): string {
  switch (change) {
    case 'policy':
      return `the traffic policy of ${vip} went from ${from} to ${to}`;
    case 'affinity':
      return `the session affinity of ${vip} went from ${from} to ${to}`;
    case 'gone':
      return `the Service of ${vip} is gone`;
    case 'appeared':
      return `the Service of ${vip} appeared`;
  }
}
