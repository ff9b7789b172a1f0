// The fault speaker-delete: the pod of MetalLB's speaker on the node is deleted, and its DaemonSet makes another one.
import { z } from 'zod';
import type { ClusterControl, ClusterObject } from '../../core/cluster-control.ts';
import type { Environment, Node } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import { missingAccess } from '../../core/fault-access.ts';
import { type Fault, need } from './fault.ts';

const preState = z.object({ namespace: z.string(), name: z.string(), uid: z.string() });
type PreState = z.infer<typeof preState>;

/** The labels of MetalLB's manifests, and of its Helm chart. */
const LABELS: readonly (readonly [string, string])[] = [
  ['component', 'speaker'],
  ['app.kubernetes.io/component', 'speaker'],
];
const conditions = z.looseObject({
  status: z.looseObject({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).nullish() }).nullish(),
});

export const speakerDelete: Fault<Node> = {
  kind: 'speaker-delete',
  summary: 'MetalLB’s speaker on the node is restarted: its pod is deleted, and its DaemonSet makes another one.',
  aimedAt: 'node',
  params: {},
  needs: ['cluster'],
  breaksBy: ['routes'],
  passes: 'its successor is ready',

  touches({ target, environment }) {
    return [
      `${target.name}: deletes the pod of its speaker in ${namespaceOf(environment)}; nothing can be put back: its DaemonSet makes another one, and that must become ready`,
    ];
  },

  headline({ target }) {
    return `the speaker of ${target.name} was deleted`;
  },

  async forecast({ target, environment, devices }, signal) {
    const cluster = need(devices, 'cluster');
    const namespace = namespaceOf(environment);
    const missing = await missingAccess(
      cluster,
      [
        { verb: 'list', kind: 'pods', namespace },
        { verb: 'delete', kind: 'pods', namespace },
      ],
      signal,
    );
    if (missing.length === 0) await readySpeaker(cluster, { target, environment }, signal);
    return { refusals: missing };
  },

  async preState(aim, signal): Promise<PreState> {
    const { metadata } = await readySpeaker(need(aim.devices, 'cluster'), aim, signal);
    return { namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid ?? '' };
  },

  async inject({ devices }, before, signal) {
    const { uid, ...ref } = preState.parse(before);
    await need(devices, 'cluster').remove({ kind: 'pods', ...ref }, { uid }, signal);
  },

  /** The DaemonSet does it. */
  async revert() {
    await Promise.resolve();
  },

  async read({ target, environment, devices }, before, signal) {
    const { uid } = preState.parse(before);
    const speakers = await speakersOf(need(devices, 'cluster'), { target, environment }, signal);
    const isThere = speakers.some(({ metadata }) => metadata.uid === uid && metadata.deletionTimestamp === undefined);
    return { isInForce: !isThere, isRestored: speakers.some(isReady), foreign: [] };
  },
};

type Where = { target: Node; environment: Environment };

async function readySpeaker(cluster: ClusterControl, where: Where, signal: AbortSignal): Promise<ClusterObject> {
  const speaker = (await speakersOf(cluster, where, signal)).find(isReady);
  if (speaker === undefined) throw new AppError('KEEPER_REFUSED', `no speaker on ${where.target.name} is ready: there is none to restart`);
  if (speaker.metadata.ownerReferences?.some(({ kind, controller }) => kind === 'DaemonSet' && controller === true)) return speaker;
  throw new AppError('KEEPER_REFUSED', `the speaker on ${where.target.name} belongs to no DaemonSet: deleted, it would not come back`);
}

async function speakersOf(cluster: ClusterControl, { target, environment }: Where, signal: AbortSignal): Promise<ClusterObject[]> {
  const pods = await cluster.list('pods', { namespace: namespaceOf(environment), fieldSelector: `spec.nodeName=${target.name}` }, signal);
  return pods.filter(({ metadata }) => LABELS.some(([key, value]) => metadata.labels?.[key] === value));
}

function isReady(pod: ClusterObject): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  return conditions.parse(pod).status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function namespaceOf({ cluster }: Environment): string {
  return cluster?.metallbNamespace ?? 'metallb-system';
}
