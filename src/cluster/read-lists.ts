// Which objects of a cluster decide about the flows of VIPs, and where they are.
import type { Vip } from '../core/environment.ts';
import type { Lists } from './followed-lists.ts';
import { RESOURCES } from './kube-client.ts';

export type ListName =
  | 'services'
  | 'endpointSlices'
  | 'deployments'
  | 'nodes'
  | 'metallbPods'
  | 'peers'
  | 'advertisements'
  | 'pools'
  | 'serviceStatuses'
  | 'configurationStates'
  | 'sessionStates';
/** Of the namespaces that the VIPs' Services are in, and of MetalLB's: what else a cluster does is not listened to. */
export function listsToRead(vips: readonly Pick<Vip, 'service'>[], metallbNamespace: string): Lists<ListName> {
  const ofMetallb = [{ namespace: metallbNamespace }];
  const namespaces = [...new Set(vips.flatMap(({ service }) => service?.namespace ?? []))];
  const ofVips = namespaces.map((namespace) => ({ namespace }));
  return {
    services: { resource: RESOURCES.services, selections: ofVips },
    endpointSlices: { resource: RESOURCES.endpointSlices, selections: ofVips },
    deployments: { resource: RESOURCES.deployments, selections: ofVips },
    nodes: { resource: RESOURCES.nodes, selections: [{}] },
    metallbPods: { resource: RESOURCES.pods, selections: ofMetallb },
    peers: { resource: RESOURCES.bgpPeers, selections: ofMetallb },
    advertisements: { resource: RESOURCES.bgpAdvertisements, selections: ofMetallb },
    pools: { resource: RESOURCES.ipAddressPools, selections: ofMetallb },
    serviceStatuses: { resource: RESOURCES.serviceBgpStatuses, selections: [{}] },
    configurationStates: { resource: RESOURCES.configurationStates, selections: ofMetallb },
    sessionStates: { resource: RESOURCES.bgpSessionStates, selections: [{}] },
  };
}
