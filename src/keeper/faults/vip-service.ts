// The Kubernetes objects behind a VIP: what faults of VIPs are aimed at.
import { z } from 'zod';
import type { ClusterControl, ClusterObject, ClusterRef } from '../../core/cluster-control.ts';
import type { Vip } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';

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

/** Fields of a Service that `readService` did not read. */
export function serviceFieldsOf(object: ClusterObject): ServiceFields {
  return serviceFields.parse(object);
}
