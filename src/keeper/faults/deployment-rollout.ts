// The fault deployment-rollout: the pods behind a VIP are replaced one by one, as `kubectl rollout restart` does.
//
// Nothing is put back: the pods that were are gone, and the annotation that says when stays, as kubectl's does. What the revert waits
// for, and what makes it verified, is that the rollout is whole.
import { z } from 'zod';
import type { ClusterControl, ClusterObject, ClusterRef } from '../../core/cluster-control.ts';
import type { Vip } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import { missingAccess } from '../../core/fault-access.ts';
import { applyChange, type MarkedChange, readChange, readForChange, releaseChange, sameJson, valueAt } from '../../core/marked-change.ts';
import { type Aim, type Fault, need } from './fault.ts';
import { podsLeftOf, policyOf, readService, serviceRef } from './vip-service.ts';

/** kubectl's own. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
const PATH = ['spec', 'template', 'metadata', 'annotations', RESTARTED_AT];
const ANNOTATION = 'holdfast.io/restarted-by';

const preState = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  before: z.object({ is: z.unknown() }).nullable(),
  restartedAt: z.string(),
});
type PreState = z.infer<typeof preState>;

/** Kubernetes' default is 25 %, for both. */
const numberOrPercent = z.union([z.int(), z.string().regex(/^\d+%$/)]).default('25%');
const deploymentFields = z.looseObject({
  spec: z.looseObject({
    replicas: z.int().default(1),
    paused: z.boolean().default(false),
    strategy: z
      .looseObject({
        type: z.string().default('RollingUpdate'),
        rollingUpdate: z.looseObject({ maxUnavailable: numberOrPercent, maxSurge: numberOrPercent }).prefault({}),
      })
      .prefault({}),
    template: z.looseObject({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()).nullish() }).nullish() }),
  }),
  status: z
    .looseObject({
      observedGeneration: z.int().default(0),
      replicas: z.int().default(0),
      updatedReplicas: z.int().default(0),
      availableReplicas: z.int().default(0),
    })
    .prefault({}),
});

export const deploymentRollout: Fault<Vip> = {
  kind: 'deployment-rollout',
  summary:
    'The pods behind the VIP are replaced by a rolling restart of their Deployment; nothing is put back, the rollout must become whole.',
  aimedAt: 'vip',
  params: {},
  needs: ['cluster'],
  breaksBy: ['pods'],
  passes: 'the rollout is whole',

  touches({ target }) {
    const { namespace, name } = serviceRef(target);
    return [
      `${target.name}: restarts the pods of the Deployment behind ${namespace}/${name}, as kubectl rollout restart does; nothing can be put back: the rollout must become whole`,
    ];
  },

  headline({ target }) {
    return `the Deployment behind ${target.name} was rolled out anew`;
  },

  async forecast({ target, environment, devices }, signal) {
    const cluster = need(devices, 'cluster');
    const { namespace } = serviceRef(target);
    const questions = (['get', 'list', 'patch'] as const).map((verb) => ({ verb, kind: 'deployments' as const, namespace }));
    const missing = await missingAccess(cluster, [...questions, { verb: 'list', kind: 'endpointSlices', namespace }], signal);
    if (missing.length > 0) return { refusals: missing };
    const deployment = await wholeDeployment(cluster, target, signal);
    const { spec } = await readService(cluster, target, signal);
    if (policyOf(spec) === 'Cluster') return { refusals: [] };
    // Under Local a node whose pods are away is no next hop meanwhile. Where the new ones go, nobody knows before.
    return { refusals: [], podsLeft: await podsLeftOf(cluster, { target, environment, awayAtOnce: awayAtOnce(deployment) }, signal) };
  },

  async preState({ target, devices }, signal): Promise<PreState> {
    const { metadata, ...rest } = await wholeDeployment(need(devices, 'cluster'), target, signal);
    // The time as kubectl writes it: whole seconds.
    const restartedAt = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const before = valueAt({ metadata, ...rest }, PATH);
    return { namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid, before, restartedAt };
  },

  async inject(aim, before, signal) {
    const cluster = need(aim.devices, 'cluster');
    const change = changeOf(aim, before);
    // An earlier restart in the very same second would make this one none.
    if (sameJson(change.before, change.ours)) throw new AppError('KEEPER_REFUSED', `${change.ref.name} was restarted this very second`);
    await applyChange(cluster, change, signal);
  },

  async revert(aim, before, signal) {
    await releaseChange(need(aim.devices, 'cluster'), changeOf(aim, before), signal);
  },

  async read(aim, before, signal) {
    const cluster = need(aim.devices, 'cluster');
    const change = changeOf(aim, before);
    const object = await cluster.get(change.ref, signal);
    const { isInForce, isRestored: isUnmarked } = await readChange(cluster, change, signal);
    const hasPassed = object !== null && isWhole(object);
    return { isInForce, isRestored: isUnmarked && hasPassed, hasPassed, foreign: [] };
  },
};

function changeOf({ mark }: Aim<Vip>, state: unknown): MarkedChange {
  const { namespace, name, uid, before, restartedAt } = preState.parse(state);
  return {
    ref: { kind: 'deployments', namespace, name },
    uid,
    annotation: ANNOTATION,
    mark,
    path: PATH,
    before,
    ours: { is: restartedAt },
  };
}

/** The one Deployment whose pods the VIP's Service selects. @throws AppError KEEPER_REFUSED when it is not one, or not whole */
async function wholeDeployment(
  cluster: ClusterControl,
  vip: Vip,
  signal: AbortSignal,
): Promise<ClusterObject & { metadata: { uid: string } }> {
  const { spec } = await readService(cluster, vip, signal);
  const { namespace, name: service } = serviceRef(vip);
  const selector = Object.entries(spec.selector ?? {});
  const all = await cluster.list('deployments', { namespace }, signal);
  const found = all.filter((object) => {
    const labels = deploymentFields.parse(object).spec.template.metadata?.labels ?? {};
    return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
  });
  const [first, ...more] = found;
  if (first === undefined || more.length > 0) {
    const what = first === undefined ? 'no Deployment' : `several Deployments (${found.map(({ metadata }) => metadata.name).join(', ')})`;
    throw new AppError('KEEPER_REFUSED', `behind the Service ${namespace}/${service} there is ${what}, and one can be rolled out`);
  }
  const ref: ClusterRef = { kind: 'deployments', namespace, name: first.metadata.name };
  const object = await readForChange(cluster, { ref, annotation: ANNOTATION }, signal);
  const { replicas, paused, strategy } = deploymentFields.parse(object).spec;
  const obstacle = paused
    ? 'is paused'
    : replicas === 0
      ? 'has no replicas'
      : strategy.type === 'Recreate'
        ? 'is of strategy Recreate, which takes all its pods away at once'
        : isWhole(object)
          ? null
          : 'is not whole, or in the middle of a rollout';
  if (obstacle === null) return object;
  throw new AppError('KEEPER_REFUSED', `the Deployment ${namespace}/${first.metadata.name} ${obstacle}`);
}

/** As Kubernetes resolves it: pods away are rounded down, pods in excess up, and without either one pod may be away. */
function awayAtOnce(deployment: ClusterObject): number {
  const { replicas, strategy } = deploymentFields.parse(deployment).spec;
  const { maxUnavailable, maxSurge } = strategy.rollingUpdate;
  const away = Math.floor(shareOf(maxUnavailable, replicas));
  return away === 0 && shareOf(maxSurge, replicas) === 0 ? 1 : Math.min(away, replicas);
}

function shareOf(is: number | string, replicas: number): number {
  return typeof is === 'number' ? is : (Number.parseInt(is, 10) * replicas) / 100;
}

/** As `kubectl rollout status` finds it: all replicas are of the newest template, and available. */
function isWhole(object: ClusterObject): boolean {
  const { spec, status } = deploymentFields.parse(object);
  return (
    status.observedGeneration >= (object.metadata.generation ?? 0) &&
    status.updatedReplicas === spec.replicas &&
    status.replicas === spec.replicas &&
    status.availableReplicas === spec.replicas
  );
}
