// One look at everything in a cluster that decides about routes, as discovery needs it.
import type { KubeClient, KubeObject, Resource } from './kube-client.ts';
import { RESOURCES } from './kube-client.ts';
import type { ClusterObjects } from './intent/intent.ts';
import { readBgpAdvertisement, readBgpPeer, readIpAddressPool } from './intent/metallb-objects.ts';
import { type ConfigurationState, readConfigurationState } from './intent/metallb-status.ts';
import { readEndpointSlice, readNode, readService } from './intent/objects.ts';

/** `metallbNamespace`: where MetalLB's objects are; null when there are none, or MetalLB is not installed. */
export type ClusterPicture = ClusterObjects & { configurationStates: ConfigurationState[]; metallbNamespace: string | null };

/**
 * Lists once. MetalLB's namespace is the one that its pools are in.
 * @throws AppError CLUSTER_UNREACHABLE, CLUSTER_REFUSED; DEVICE_OUTPUT for an object that cannot be read
 */
export async function readClusterPicture(client: KubeClient, signal: AbortSignal): Promise<ClusterPicture> {
  const all = async (resource: Resource, namespace?: string): Promise<KubeObject[]> =>
    (await client.list(resource, namespace === undefined ? {} : { namespace }, signal)) ?? [];
  const pools = await all(RESOURCES.ipAddressPools);
  const metallbNamespace = pools[0]?.metadata.namespace ?? null;
  const ofMetallb = (resource: Resource) => (metallbNamespace === null ? Promise.resolve([]) : all(resource, metallbNamespace));
  const [services, endpointSlices, nodes, advertisements, peers, states] = await Promise.all([
    all(RESOURCES.services),
    all(RESOURCES.endpointSlices),
    all(RESOURCES.nodes),
    ofMetallb(RESOURCES.bgpAdvertisements),
    ofMetallb(RESOURCES.bgpPeers),
    ofMetallb(RESOURCES.configurationStates),
  ]);
  return {
    services: services.map(readService),
    endpointSlices: endpointSlices.map(readEndpointSlice),
    nodes: nodes.map(readNode),
    pools: pools.filter((pool) => pool.metadata.namespace === metallbNamespace).map(readIpAddressPool),
    advertisements: advertisements.map(readBgpAdvertisement),
    peers: peers.map(readBgpPeer),
    configurationStates: states.map(readConfigurationState),
    metallbNamespace,
  };
}
