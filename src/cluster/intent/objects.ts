// Kubernetes' own objects, reduced to what decides about the routes of a VIP.
import { z } from 'zod';
import { canonicalAddress } from '../../core/addresses.ts';
import { flag, list, metadata, reader } from './reader.ts';
import type { Labels } from './selectors.ts';

/** `address`es are canonical. A status address that is none (a host name) makes MetalLB drop the whole Service: `hasInvalidAddress`. */
export type Service = {
  namespace: string;
  name: string;
  labels: Labels;
  type: string;
  /** Null: left to the default load balancer. */
  loadBalancerClass: string | null;
  policy: 'local' | 'cluster';
  affinity: 'none' | 'client-ip';
  addresses: string[];
  hasInvalidAddress: boolean;
  ports: { name: string | null; protocol: string; port: number }[];
};
/** Null where the slice does not say, which MetalLB reads as ready. */
export type Endpoint = {
  addresses: string[];
  node: string | null;
  pod: string | null;
  ready: boolean | null;
  serving: boolean | null;
  terminating: boolean;
};
/** `service` is null for a slice that belongs to none. */
export type EndpointSlice = { namespace: string; name: string; service: string | null; endpoints: Endpoint[] };
export type ClusterNode = {
  name: string;
  labels: Labels;
  /** InternalIPs. */
  addresses: string[];
  podCidrs: string[];
  /** Condition Ready: True, False or Unknown. */
  ready: string;
  unschedulable: boolean;
  networkUnavailable: boolean;
};
export const readService = reader(
  'Service',
  z.object({
    metadata,
    spec: z.object({
      type: z.string().default('ClusterIP'),
      loadBalancerClass: z.string().nullish(),
      externalTrafficPolicy: z.enum(['Local', 'Cluster', '']).nullish(),
      sessionAffinity: z.enum(['None', 'ClientIP', '']).nullish(),
      ports: list(z.object({ name: z.string().optional(), protocol: z.string().default('TCP'), port: z.int() })),
    }),
    status: z.object({ loadBalancer: z.object({ ingress: list(z.object({ ip: z.string().optional() })) }).nullish() }).nullish(),
  }),
  ({ metadata: { name, namespace, labels }, spec, status }): Service => {
    const told = (status?.loadBalancer?.ingress ?? []).map(({ ip }) => canonicalAddress(ip ?? ''));
    const addresses = told.filter((address) => address !== null);
    return {
      namespace: namespace ?? '',
      name,
      labels: labels ?? {},
      type: spec.type,
      loadBalancerClass: spec.loadBalancerClass ?? null,
      policy: spec.externalTrafficPolicy === 'Local' ? 'local' : 'cluster',
      affinity: spec.sessionAffinity === 'ClientIP' ? 'client-ip' : 'none',
      addresses,
      hasInvalidAddress: addresses.length < told.length,
      ports: spec.ports.map((port) => ({ ...port, name: port.name ?? null })),
    };
  },
);

export const readEndpointSlice = reader(
  'EndpointSlice',
  z.object({
    metadata,
    endpoints: list(
      z.object({
        addresses: list(z.string()),
        nodeName: z.string().nullish(),
        conditions: z
          .object({ ready: z.boolean().nullish(), serving: z.boolean().nullish(), terminating: z.boolean().nullish() })
          .nullish(),
        targetRef: z.object({ kind: z.string().optional(), namespace: z.string().optional(), name: z.string().optional() }).nullish(),
      }),
    ),
  }),
  ({ metadata: { name, namespace, labels }, endpoints }): EndpointSlice => ({
    namespace: namespace ?? '',
    name,
    service: serviceOf(labels ?? {}),
    endpoints: endpoints.map(({ addresses, nodeName, conditions, targetRef }) => ({
      addresses,
      node: nodeName ?? null,
      pod: targetRef?.kind === 'Pod' && targetRef.name !== undefined ? `${targetRef.namespace ?? namespace ?? ''}/${targetRef.name}` : null,
      ready: conditions?.ready ?? null,
      serving: conditions?.serving ?? null,
      terminating: conditions?.terminating ?? false,
    })),
  }),
);

export const readNode = reader(
  'Node',
  z.object({
    metadata,
    spec: z.object({ podCIDR: z.string().optional(), podCIDRs: list(z.string()), unschedulable: flag }).nullish(),
    status: z
      .object({
        addresses: list(z.object({ type: z.string(), address: z.string() })),
        conditions: list(z.object({ type: z.string(), status: z.string() })),
      })
      .nullish(),
  }),
  ({ metadata: { name, labels }, spec, status }): ClusterNode => {
    const conditionOf = (type: string) => status?.conditions.find((one) => one.type === type)?.status ?? 'Unknown';
    const podCidrs = spec?.podCIDRs ?? [];
    return {
      name,
      labels: labels ?? {},
      addresses: (status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? (canonicalAddress(address) ?? []) : [])),
      podCidrs: podCidrs.length === 0 && spec?.podCIDR !== undefined ? [spec.podCIDR] : podCidrs,
      ready: conditionOf('Ready'),
      unschedulable: spec?.unschedulable ?? false,
      networkUnavailable: conditionOf('NetworkUnavailable') === 'True',
    };
  },
);

/** MetalLB takes an empty label for none. */
function serviceOf(labels: Labels): string | null {
  const name = labels['kubernetes.io/service-name'] ?? '';
  return name === '' ? null : name;
}
