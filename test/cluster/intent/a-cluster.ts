// A small cluster as its API tells it: three nodes, one Service with a pod on each, one pool, one advertisement, one peer.
import { readBgpAdvertisement, readBgpPeer, readIpAddressPool } from '../../../src/cluster/intent/metallb-objects.ts';
import type { ClusterObjects } from '../../../src/cluster/intent/intent.ts';
import { readEndpointSlice, readNode, readService } from '../../../src/cluster/intent/objects.ts';
import type { KubeObject } from '../../../src/cluster/kube-client.ts';

export type RawCluster = {
  services: KubeObject[];
  endpointSlices: KubeObject[];
  nodes: KubeObject[];
  advertisements: KubeObject[];
  peers: KubeObject[];
  pools: KubeObject[];
};

export const VIP = '10.200.0.1';
export const WEB = { namespace: 'default', name: 'web' };

export function aService(spec: object = {}, status: object = { loadBalancer: { ingress: [{ ip: VIP }] } }): KubeObject {
  return {
    metadata: { ...WEB, labels: { app: 'web' } },
    spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 7000, protocol: 'TCP' }], ...spec },
    status,
  };
}

export function anEndpoint(node: string | null, conditions: object = { ready: true, serving: true, terminating: false }): object {
  return {
    addresses: ['10.244.1.2'],
    ...(node === null ? {} : { nodeName: node }),
    conditions,
    targetRef: { kind: 'Pod', namespace: 'default', name: `web-${node ?? 'x'}` },
  };
}

export function aSlice(endpoints: readonly object[] | null, service = 'web'): KubeObject {
  return { metadata: { name: `${service}-abc`, namespace: 'default', labels: { 'kubernetes.io/service-name': service } }, endpoints };
}

export function aNode(
  name: string,
  { labels = {}, conditions = [], ...spec }: { labels?: object; conditions?: object[]; [field: string]: unknown } = {},
): KubeObject {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'], ...spec },
    status: { addresses: [{ type: 'InternalIP', address: '10.100.0.11' }], conditions: [{ type: 'Ready', status: 'True' }, ...conditions] },
  };
}

export function anAdvertisement(spec: object = {}, name = 'all'): KubeObject {
  return { metadata: { name, namespace: 'metallb-system' }, spec };
}

export function aPeer(spec: object = {}, name = 'tor'): KubeObject {
  return { metadata: { name, namespace: 'metallb-system' }, spec: { myASN: 64_500, peerASN: 64_501, peerAddress: '10.100.0.1', ...spec } };
}

export function aPool(addresses: readonly string[] = ['10.200.0.0/24'], name = 'pool', labels: Record<string, string> = {}): KubeObject {
  return { metadata: { name, namespace: 'metallb-system', labels }, spec: { addresses } };
}

export function aCluster(change: Partial<RawCluster> = {}): RawCluster {
  return {
    services: [aService()],
    endpointSlices: [aSlice([anEndpoint('n1'), anEndpoint('n2'), anEndpoint('n3')])],
    nodes: [aNode('n1'), aNode('n2'), aNode('n3')],
    advertisements: [anAdvertisement()],
    peers: [aPeer()],
    pools: [aPool()],
    ...change,
  };
}

export function reduced(raw: RawCluster): ClusterObjects {
  return {
    services: raw.services.map(readService),
    endpointSlices: raw.endpointSlices.map(readEndpointSlice),
    nodes: raw.nodes.map(readNode),
    advertisements: raw.advertisements.map(readBgpAdvertisement),
    peers: raw.peers.map(readBgpPeer),
    pools: raw.pools.map(readIpAddressPool),
  };
}
