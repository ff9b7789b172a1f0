// The fault policy-flip: the externalTrafficPolicy of the Service behind a VIP becomes the other one, Cluster or Local.
import { z } from 'zod';
import { nameOf } from '../../core/cluster-control.ts';
import type { Vip } from '../../core/environment.ts';
import { missingAccess } from '../../core/fault-access.ts';
import { applyChange, type MarkedChange, readChange, readForChange, revertChange, valueAt } from '../../core/marked-change.ts';
import { type Aim, type Fault, need } from './fault.ts';
import { podsLeftOf, policyOf, readService, serviceRef } from './vip-service.ts';

const ANNOTATION = 'holdfast.io/policy-flipped-by';
const POLICY = ['spec', 'externalTrafficPolicy'];
/** Local has one, Cluster has none: the server gives and takes it with the policy. */
const HEALTH_PORT = ['spec', 'healthCheckNodePort'];

const fieldValue = z.object({ is: z.unknown() }).nullable();
const preState = z.object({ uid: z.string(), policy: fieldValue, healthPort: fieldValue });
type PreState = z.infer<typeof preState>;

export const policyFlip: Fault<Vip> = {
  kind: 'policy-flip',
  summary: 'The externalTrafficPolicy of the Service behind the VIP becomes the other one: Local for Cluster, Cluster for Local.',
  aimedAt: 'vip',
  params: {},
  needs: ['cluster'],
  breaksBy: ['policy', 'routes'],

  touches({ target }) {
    const { namespace, name } = serviceRef(target);
    return [`${target.name}: sets the externalTrafficPolicy of the Service ${namespace}/${name} to ${other(target.policy)}`];
  },

  headline({ target }) {
    return `the externalTrafficPolicy of ${target.name} was set to ${other(target.policy)}`;
  },

  async forecast({ target, environment, devices }, signal) {
    const cluster = need(devices, 'cluster');
    const { namespace } = serviceRef(target);
    const missing = await missingAccess(
      cluster,
      [
        { verb: 'patch', kind: 'services', namespace },
        { verb: 'list', kind: 'endpointSlices', namespace },
      ],
      signal,
    );
    if (missing.length > 0) return { refusals: missing };
    const { spec } = await readService(cluster, target, signal);
    await readForChange(cluster, { ref: serviceRef(target), annotation: ANNOTATION }, signal);
    const now = policyOf(spec);
    const stated = target.policy === 'local' ? 'Local' : 'Cluster';
    // What the run says of the fault, and what it expects of it, would be the wrong way round.
    if (now !== stated)
      return {
        refusals: [`the Service ${nameOf(serviceRef(target))} has externalTrafficPolicy ${now}, and the environment says ${stated}`],
      };
    if (now === 'Local') return { refusals: [] };
    // Under Local only nodes with a pod of their own go on advertising.
    return { refusals: [], podsLeft: await podsLeftOf(cluster, { target, environment, awayAtOnce: 0 }, signal) };
  },

  async preState({ target, devices }, signal): Promise<PreState> {
    const cluster = need(devices, 'cluster');
    await readService(cluster, target, signal);
    const object = await readForChange(cluster, { ref: serviceRef(target), annotation: ANNOTATION }, signal);
    return { uid: object.metadata.uid, policy: valueAt(object, POLICY), healthPort: valueAt(object, HEALTH_PORT) };
  },

  async inject(aim, before, signal) {
    await applyChange(need(aim.devices, 'cluster'), changeOf(aim, before), signal);
  },

  async revert(aim, before, signal) {
    await revertChange(need(aim.devices, 'cluster'), changeOf(aim, before), signal);
  },

  async read(aim, before, signal) {
    return await readChange(need(aim.devices, 'cluster'), changeOf(aim, before), signal);
  },
};

function changeOf({ target, mark }: Aim<Vip>, before: unknown): MarkedChange {
  const { uid, policy, healthPort } = preState.parse(before);
  return {
    ref: serviceRef(target),
    uid,
    annotation: ANNOTATION,
    mark,
    path: POLICY,
    before: policy,
    ours: { is: flipped(policy?.is) },
    along: [{ path: HEALTH_PORT, before: healthPort }],
  };
}

/** Kubernetes' default is Cluster. */
function flipped(policy: unknown): 'Local' | 'Cluster' {
  return policy === 'Local' ? 'Cluster' : 'Local';
}

function other(policy: Vip['policy']): 'Local' | 'Cluster' {
  return policy === 'local' ? 'Cluster' : 'Local';
}
