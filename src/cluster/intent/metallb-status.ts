// MetalLB's status objects: what speakers and FRR say about themselves, which is not yet what is on the wire.
import { z } from 'zod';
import { list, metadata, optionalText, reader } from './reader.ts';

/** A speaker's own word: to which BGPPeers it announces a Service. It does not wait for their sessions. */
export type ServiceBgpStatus = { name: string; node: string; service: { namespace: string; name: string }; peers: string[] };
/** Whether a speaker, or the controller, took its configuration; an invalid one leaves the last valid one in use. */
export type ConfigurationState = {
  name: string;
  component: string;
  node: string | null;
  result: 'Valid' | 'Invalid' | 'Unknown';
  error: string | null;
};
/** A session as frr-k8s sees it. `bgp`, `bfd`: FRR's words, or `N/A`. */
export type BgpSessionState = { name: string; node: string; peer: string; vrf: string | null; bgp: string; bfd: string | null };

export const readServiceBgpStatus = reader(
  'ServiceBGPStatus',
  z.object({
    metadata,
    status: z.object({ node: z.string(), serviceName: z.string(), serviceNamespace: z.string(), peers: list(z.string()) }).nullish(),
  }),
  /** Null while it is new: its speaker writes the status a moment after the object. */
  ({ metadata: { name }, status }): ServiceBgpStatus | null =>
    status
      ? { name, node: status.node, service: { namespace: status.serviceNamespace, name: status.serviceName }, peers: status.peers }
      : null,
);

export const readConfigurationState = reader(
  'ConfigurationState',
  z.object({
    metadata,
    status: z.object({ result: z.string().optional(), errorSummary: optionalText }).nullish(),
  }),
  ({ metadata: { name, labels }, status }): ConfigurationState => ({
    name,
    component: labels?.['metallb.io/component-type'] ?? name,
    node: labels?.['metallb.io/node-name'] ?? null,
    result: status?.result === 'Valid' || status?.result === 'Invalid' ? status.result : 'Unknown',
    error: status?.errorSummary ?? null,
  }),
);

export const readBgpSessionState = reader(
  'BGPSessionState',
  z.object({
    metadata,
    status: z
      .object({
        node: z.string().optional(),
        peer: z.string().optional(),
        vrf: optionalText,
        bgpStatus: z.string().optional(),
        bfdStatus: optionalText,
      })
      .nullish(),
  }),
  ({ metadata: { name, labels }, status }): BgpSessionState => ({
    name,
    node: status?.node ?? labels?.['frrk8s.metallb.io/node'] ?? '',
    peer: status?.peer ?? labels?.['frrk8s.metallb.io/peer'] ?? '',
    vrf: status?.vrf ?? null,
    bgp: status?.bgpStatus ?? 'N/A',
    bfd: status?.bfdStatus ?? null,
  }),
);
