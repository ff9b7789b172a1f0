// The Kubernetes objects behind a VIP: what faults of VIPs are aimed at.
import { z } from 'zod';
import type { ClusterControl, ClusterObject, ClusterRef } from '../../core/cluster-control.ts';
import type { Environment, Vip } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import type { PodsLeft } from './fault.ts';

const serviceFields = z.looseObject({
  spec: z.looseObject({
    type: z.string().optional(),
    externalTrafficPolicy: z.string().optional(),
    loadBalancerClass: z.string().optional(),
    selector: z.record(z.string(), z.string()).nullish(),
    ports: z.array(z.looseObject({ port: z.int() })).nullish(),
  }),
  status: z.looseObject({ loadBalancer: z.looseObject({ ingress: z.array(z.unknown()).nullish() }).nullish() }).nullish(),
});
const slice = z.looseObject({
  addressType: z.string(),
  endpoints: z
    .array(z.looseObject({ nodeName: z.string().nullish(), conditions: z.looseObject({ ready: z.boolean().nullish() }).nullish() }))
    .nullish(),
});
export type ServiceFields = z.output<typeof serviceFields>;

/** @throws AppError CAPABILITY_MISSING when the environment names none */
export function serviceRef({ name, service }: Vip): ClusterRef & { namespace: string } {
  if (service !== null) return { kind: 'services', ...service };
  throw new AppError('CAPABILITY_MISSING', `the environment does not say which Service is behind ${name}`, {
    remedy: `give it service: namespace/name beside ${name}`,
  });
}

/** The VIP's Service, which must be of type LoadBalancer. @throws AppError TARGET_GONE, KEEPER_REFUSED */
export async function readService(cluster: ClusterControl, vip: Vip, signal: AbortSignal): Promise<ClusterObject & ServiceFields> {
  const ref = serviceRef(vip);
  const object = await cluster.get(ref, signal);
  if (object === null) throw new AppError('TARGET_GONE', `there is no Service ${ref.namespace}/${ref.name}`);
  const service = { ...object, ...serviceFields.parse(object) };
  if (service.spec.type === 'LoadBalancer') return service;
  throw new AppError(
    'KEEPER_REFUSED',
    `the Service ${ref.namespace}/${ref.name} is of type ${service.spec.type ?? 'ClusterIP'}, and no LoadBalancer`,
  );
}

/** Kubernetes' default is Cluster. */
export function policyOf({ externalTrafficPolicy }: ServiceFields['spec']): 'Local' | 'Cluster' {
  return externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster';
}

/** Fields of a Service that `readService` did not read. */
export function serviceFieldsOf(object: ClusterObject): ServiceFields {
  return serviceFields.parse(object);
}

/** Of every VIP of the target's Service, which is behind two when it has two families. */
export async function podsLeftOf(
  cluster: ClusterControl,
  { target, environment, awayAtOnce }: { target: Vip; environment: Environment; awayAtOnce: number },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PodsLeft>> {
  const { namespace, name } = serviceRef(target);
  const found = await cluster.list('endpointSlices', { namespace, labelSelector: `kubernetes.io/service-name=${name}` }, signal);
  const slices = found.map((object) => slice.parse(object));
  const vips = environment.vips.filter(({ service }) => service?.namespace === namespace && service.name === name);
  return new Map(vips.map((vip) => [vip.name, { byNode: readyPods(slices, vip), awayAtOnce }]));
}

function readyPods(slices: readonly z.output<typeof slice>[], { family }: Vip): Map<string, number> {
  const byNode = new Map<string, number>();
  for (const { addressType, endpoints } of slices) {
    if (addressType !== (family === 4 ? 'IPv4' : 'IPv6')) continue;
    for (const { nodeName, conditions } of endpoints ?? [])
      if (nodeName != null && conditions?.ready !== false) byNode.set(nodeName, (byNode.get(nodeName) ?? 0) + 1);
  }
  return byNode;
}
