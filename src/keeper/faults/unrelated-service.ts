// The fault unrelated-service: a second Service of type LoadBalancer appears before the same pods and goes again. A control: for
// everybody else nothing may come of it.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ClusterControl, ClusterObject, ClusterRef } from '../../core/cluster-control.ts';
import type { Vip } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import { missingAccess } from '../../core/fault-access.ts';
import { type Fault, need } from './fault.ts';
import { readService, serviceFieldsOf, serviceRef } from './vip-service.ts';

const ANNOTATION = 'holdfast.io/created-by';
/** MetalLB's own annotation: the new Service takes its address from where the VIP has it. */
const POOL = 'metallb.io/address-pool';
/** How long MetalLB may take to give it an address. */
const ADDRESS_MS = 5_000;
const POLL_MS = 100;

const preState = z.object({ namespace: z.string(), name: z.string(), mark: z.string() });
type PreState = z.infer<typeof preState>;

export const unrelatedService: Fault<Vip> = {
  kind: 'unrelated-service',
  summary: 'A control: a second LoadBalancer Service before the same pods is created and deleted, and nothing may change for the VIP.',
  aimedAt: 'vip',
  params: {},
  needs: ['cluster'],
  breaksBy: [],
  isControl: true,

  touches({ target }) {
    const { namespace } = serviceRef(target);
    return [
      `${target.name}: creates a LoadBalancer Service holdfast-… in ${namespace} before the same pods, with an address of its own, and deletes it`,
    ];
  },

  headline({ target }) {
    return `an unrelated Service stood beside ${target.name}`;
  },

  async forecast({ target, devices }, signal) {
    const cluster = need(devices, 'cluster');
    const { namespace } = serviceRef(target);
    const questions = (['get', 'create', 'delete'] as const).map((verb) => ({ verb, kind: 'services' as const, namespace }));
    const missing = await missingAccess(cluster, questions, signal);
    if (missing.length === 0) await readService(cluster, target, signal);
    return { refusals: missing };
  },

  async preState({ target, mark, devices }, signal): Promise<PreState> {
    const cluster = need(devices, 'cluster');
    const { namespace } = serviceRef(target);
    await readService(cluster, target, signal);
    // Known before it is made, so that a janitor finds it; of nobody else, since no run has its name twice.
    const before = { namespace, name: `holdfast-${createHash('sha256').update(mark).digest('hex').slice(0, 12)}`, mark };
    if ((await cluster.get(refOf(before), signal)) === null) return before;
    throw new AppError('KEEPER_REFUSED', `there is a Service ${namespace}/${before.name} already, which this run did not make`);
  },

  async inject({ target, devices }, before, signal) {
    const cluster = need(devices, 'cluster');
    const state = preState.parse(before);
    if ((await own(cluster, state, signal)) === null) {
      await cluster.create('services', await twinOf(cluster, target, { ...state, signal }), signal);
    }
    const until = performance.now() + ADDRESS_MS;
    while (!(await hasAddress(cluster, state, signal))) {
      if (performance.now() > until) {
        throw new AppError('TIMEOUT', `MetalLB gave the Service ${state.namespace}/${state.name} no address: its pool may be exhausted`);
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  },

  async revert({ devices }, before, signal) {
    const cluster = need(devices, 'cluster');
    const state = preState.parse(before);
    const found = await own(cluster, state, signal);
    if (found?.metadata.uid !== undefined) await cluster.remove(refOf(state), { uid: found.metadata.uid }, signal);
  },

  async read({ devices }, before, signal) {
    const found = await own(need(devices, 'cluster'), preState.parse(before), signal);
    return { isInForce: found !== null, isRestored: found === null, foreign: [] };
  },
};

/** The Service that this fault made; null when there is none, or another one of that name. */
async function own(cluster: ClusterControl, state: PreState, signal: AbortSignal): Promise<ClusterObject | null> {
  const found = await cluster.get(refOf(state), signal);
  return found?.metadata.annotations?.[ANNOTATION] === state.mark ? found : null;
}

async function hasAddress(cluster: ClusterControl, state: PreState, signal: AbortSignal): Promise<boolean> {
  const found = await own(cluster, state, signal);
  if (found === null) return false;
  return (serviceFieldsOf(found).status?.loadBalancer?.ingress?.length ?? 0) > 0;
}

/** A Service as the VIP's own, but for its name and address. */
async function twinOf(
  cluster: ClusterControl,
  vip: Vip,
  { namespace, name, mark, signal }: PreState & { signal: AbortSignal },
): Promise<ClusterObject> {
  const { spec, metadata } = await readService(cluster, vip, signal);
  const pool = metadata.annotations?.[POOL];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, annotations: { [ANNOTATION]: mark, ...(pool === undefined ? {} : { [POOL]: pool }) } },
    spec: {
      type: 'LoadBalancer',
      externalTrafficPolicy: spec.externalTrafficPolicy,
      ...(spec.loadBalancerClass === undefined ? {} : { loadBalancerClass: spec.loadBalancerClass }),
      ipFamilies: spec.ipFamilies,
      ipFamilyPolicy: spec.ipFamilyPolicy,
      selector: spec.selector,
      ports: (spec.ports ?? []).map(({ name: port, protocol, port: number, targetPort }) => ({
        ...(port === undefined ? {} : { name: port }),
        protocol,
        port: number,
        targetPort,
      })),
    },
  };
}

function refOf({ namespace, name }: Pick<PreState, 'namespace' | 'name'>): ClusterRef {
  return { kind: 'services', namespace, name };
}
