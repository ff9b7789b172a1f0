// Which nodes should advertise a VIP, worked out from the objects as a MetalLB speaker does it, in its words and its order.
//
// Read in MetalLB 0.16.2: SetBalancer (speaker/main.go), ShouldAnnounce (speaker/bgp_controller.go), For (internal/config/config.go).
// 0.15.3 asks the same in the same order, with two exceptions. Its advertisements have no serviceSelectors: all match, and those that
// contradict each other make it refuse the configuration. And an address counts only if each of its endpoints can serve, where 0.16 asks for
// one; they differ while two slices of a Service disagree about one address.
// Not reasons: a node that is NotReady, cordoned or tainted, or has no speaker: who compares asks about that himself. Endpoints that terminate and still serve keep the route.
// What the objects do not tell: --lb-class and --ignore-exclude-lb of the speakers (settings here), and a configuration that a speaker
// refused, in which case its last valid one stays in force; ConfigurationState says so.
import { familyOf, isInRange, prefixAround } from '../../core/addresses.ts';
import type { AdvertiseReason } from '../../core/advertise-reasons.ts';
import type { ServiceRef } from '../../core/environment.ts';
import type { BgpAdvertisement, BgpPeer, IpAddressPool } from './metallb-objects.ts';
import type { ClusterNode, Endpoint, EndpointSlice, Service } from './objects.ts';
import { anySelects, selects } from './selectors.ts';

/** All that intent is worked out from. MetalLB's objects are those of its own namespace: it reads no others. */
export type ClusterObjects = {
  services: readonly Service[];
  endpointSlices: readonly EndpointSlice[];
  nodes: readonly ClusterNode[];
  advertisements: readonly BgpAdvertisement[];
  peers: readonly BgpPeer[];
  pools: readonly IpAddressPool[];
};

/** `peers`: the BGPPeers that it should tell; `prefixes`: what, /32 or /128 unless an advertisement aggregates. */
export type NodeIntent = { node: string } & (
  | { advertises: true; reason: null; peers: Pick<BgpPeer, 'name' | 'address'>[]; prefixes: string[] }
  | { advertises: false; reason: AdvertiseReason; peers: []; prefixes: [] }
);
/** `pool` is null for an address that none holds. */
export type VipIntent = { service: Service; address: string; pool: string | null; nodes: NodeIntent[] };
/** The flags of the speakers that bear on the answer; both as by default. */
export type SpeakerSettings = { loadBalancerClass: string | null; ignoreExcludeLabel: boolean };
export const DEFAULT_SPEAKERS: SpeakerSettings = { loadBalancerClass: null, ignoreExcludeLabel: false };

/** For each address of each Service that MetalLB answers for: which nodes should advertise it, and why the others should not. */
export function intentOf(objects: ClusterObjects, speakers: SpeakerSettings = DEFAULT_SPEAKERS): VipIntent[] {
  return objects.services
    .filter((service) => service.type === 'LoadBalancer' && service.loadBalancerClass === speakers.loadBalancerClass)
    .flatMap((service) =>
      service.addresses.map((address) => ({
        service,
        address,
        pool: poolOf(service, objects.pools)?.name ?? null,
        nodes: intentOfVip(objects, { service, address }, speakers),
      })),
    );
}

/** The same for one VIP, whose Service may be gone, be no load balancer any more or have another address by now. */
export function intentOfVip(
  objects: ClusterObjects,
  vip: { service: ServiceRef; address: string },
  speakers: SpeakerSettings = DEFAULT_SPEAKERS,
): NodeIntent[] {
  const service = objects.services.find(({ namespace, name }) => namespace === vip.service.namespace && name === vip.service.name);
  const slices = objects.endpointSlices.filter((slice) => slice.namespace === vip.service.namespace && slice.service === vip.service.name);
  const endpoints = slices.flatMap((slice) => slice.endpoints);
  // A Service of another class is another load balancer's: the speakers pass it over, as one that is none.
  const isOurs = service === undefined || service.loadBalancerClass === speakers.loadBalancerClass;
  const placed = isOurs ? placeOf(service, vip.address, objects.pools) : 'notLoadBalancer';
  return objects.nodes.map((node): NodeIntent => {
    if (typeof placed === 'string') return silent(node, placed);
    const { service: found, pool } = placed;
    const advertisements = advertisementsFor(objects.advertisements, pool, node);
    const matching = advertisements.filter((one) => anySelects(one.serviceSelectors, found.labels));
    const reason = whyNot({ service: found, pool, node, endpoints, advertisements, matching, speakers });
    if (reason !== null) return silent(node, reason);
    const peers = peersOf(objects.peers, node).filter(
      (peer) => carries(peer, vip.address) && matching.some((one) => one.peers.length === 0 || one.peers.includes(peer.name)),
    );
    if (peers.length === 0) return silent(node, 'noPeer');
    const prefixes = [...new Set(matching.map((one) => prefixOf(vip.address, one)))];
    return { node: node.name, advertises: true, reason: null, peers: peers.map(({ name, address }) => ({ name, address })), prefixes };
  });
}

/** The BGPPeers that a node should have sessions with. */
export function peersOf(peers: readonly BgpPeer[], node: ClusterNode): BgpPeer[] {
  return peers.filter((peer) => anySelects(peer.nodeSelectors, node.labels));
}

/** Whether MetalLB counts an endpoint: one whose slice says nothing of readiness is ready; one that terminates counts while it serves. */
export function canServe(endpoint: Pick<Endpoint, 'addresses' | 'ready' | 'serving'>): boolean {
  return endpoint.addresses.length > 0 && (endpoint.ready !== false || endpoint.serving === true);
}

type Placed = { service: Service; pool: IpAddressPool };

/** What a speaker asks of a Service before it looks at its own node. */
function placeOf(service: Service | undefined, address: string, pools: readonly IpAddressPool[]): Placed | AdvertiseReason {
  if (service === undefined) return 'serviceDeleted';
  if (service.type !== 'LoadBalancer') return 'notLoadBalancer';
  if (service.hasInvalidAddress) return 'invalidIP';
  if (service.addresses.length === 0) return 'noIPAllocated';
  const pool = poolOf(service, pools);
  if (pool === undefined) return 'ipNotAllowed';
  return service.addresses.includes(address) ? { service, pool } : 'loadBalancerIPChanged';
}

type Asked = Placed & {
  node: ClusterNode;
  endpoints: readonly Endpoint[];
  /** The pool's advertisements that select the node; of those, the ones that select the Service. */
  advertisements: readonly BgpAdvertisement[];
  matching: readonly BgpAdvertisement[];
  speakers: SpeakerSettings;
};

/** ShouldAnnounce, question by question. */
function whyNot({ service, pool, node, endpoints, advertisements, matching, speakers }: Asked): AdvertiseReason | null {
  if (advertisements.length === 0) return 'notOwner';
  if (matching.length === 0) return 'noMatchingAdvertisement';
  if (matching.some((one, index) => matching.slice(index + 1).some((other) => areInConflict(one, other, pool)))) {
    return 'conflictingAdvertisements';
  }
  if (node.networkUnavailable) return 'nodeNetworkUnavailable';
  if (!speakers.ignoreExcludeLabel && Object.hasOwn(node.labels, EXCLUDE_LABEL)) return 'nodeLabeledExcludeBalancers';
  if (service.policy === 'local' && !endpoints.some((one) => one.node === node.name && canServe(one))) return 'noLocalEndpoints';
  return endpoints.some(canServe) ? null : 'noEndpoints';
}

/** Any value of it counts, an empty one and "false" too. */
export const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** The pool that holds all addresses of a Service. Pools do not overlap: MetalLB refuses those that do. */
function poolOf(service: Service, pools: readonly IpAddressPool[]): IpAddressPool | undefined {
  return pools.find((pool) => service.addresses.every((address) => pool.addresses.some((range) => isInRange(address, range))));
}

/** The advertisements of a pool that select a node. One that names no pool, by list or by selector, is for all pools. */
function advertisementsFor(all: readonly BgpAdvertisement[], pool: IpAddressPool, node: ClusterNode): BgpAdvertisement[] {
  return all.filter(({ pools, poolSelectors, nodeSelectors }) => {
    const isForAll = pools.length === 0 && poolSelectors.length === 0;
    const isForPool = isForAll || pools.includes(pool.name) || poolSelectors.some((selector) => selects(selector, pool.labels));
    return isForPool && anySelects(nodeSelectors, node.labels);
  });
}

/**
 * Two advertisements of one node and Service that would say different things of one prefix to one peer.
 * Where neither has serviceSelectors, MetalLB refuses the whole configuration instead, and the last valid one stays.
 */
function areInConflict(one: BgpAdvertisement, other: BgpAdvertisement, pool: IpAddressPool): boolean {
  if (one.localPref === other.localPref && one.asPathPrepend === other.asPathPrepend) return false;
  const isShared = one.peers.length === 0 || other.peers.length === 0 || one.peers.some((peer) => other.peers.includes(peer));
  return isShared && !areLengthsApart(one, other, pool);
}

/** isAggrLengthDifferent of MetalLB: by the families that the pool has, not by the address's own. */
function areLengthsApart(one: BgpAdvertisement, other: BgpAdvertisement, pool: IpAddressPool): boolean {
  const families = new Set(pool.addresses.map((range) => (range.includes(':') ? 6 : 4)));
  const v4 = one.aggregationLength !== other.aggregationLength;
  const v6 = one.aggregationLengthV6 !== other.aggregationLengthV6;
  return (v4 && !families.has(6)) || (v6 && !families.has(4)) || (v4 && v6);
}

/** A session carries its own family's prefixes; both, where the peer says so or has no address to take one from. */
function carries(peer: BgpPeer, address: string): boolean {
  return peer.dualStack || peer.address === null || familyOf(peer.address) === familyOf(address);
}

function prefixOf(address: string, { aggregationLength, aggregationLengthV6 }: BgpAdvertisement): string {
  return prefixAround(address, familyOf(address) === 4 ? aggregationLength : aggregationLengthV6);
}

function silent(node: ClusterNode, reason: AdvertiseReason): NodeIntent {
  return { node: node.name, advertises: false, reason, peers: [], prefixes: [] };
}
