// Why a node does not advertise a VIP: MetalLB's words, and what they mean.

/**
 * MetalLB's words as its speakers log them with `serviceWithdrawn`, in the order in which they ask (0.16.2), each in plain words.
 * `noPeer` is ours: the speaker would announce, and has nobody to announce to.
 */
export const ADVERTISE_REASONS = {
  serviceDeleted: 'its Service is gone',
  notLoadBalancer: 'its Service is no load balancer, or one of another class',
  noIPAllocated: 'its Service has no address',
  invalidIP: 'an address in the status of its Service is none',
  ipNotAllowed: 'no pool holds all addresses of its Service',
  loadBalancerIPChanged: 'its Service has another address',
  notOwner: 'no BGPAdvertisement of its pool selects the node',
  noMatchingAdvertisement: 'no BGPAdvertisement that selects the node selects its Service',
  conflictingAdvertisements: 'BGPAdvertisements contradict each other',
  nodeNetworkUnavailable: 'the node has the condition NetworkUnavailable',
  nodeLabeledExcludeBalancers: 'the node has the label exclude-from-external-load-balancers',
  noLocalEndpoints: 'no endpoint serves on the node, and the policy is Local',
  noEndpoints: 'no endpoint serves anywhere',
  noPeer: 'no BGPPeer is for the node and the advertisement',
} as const;
export type AdvertiseReason = keyof typeof ADVERTISE_REASONS;

/** `noLocalEndpoints` in plain words; the word itself for one that is not known here. */
export function plainReason(reason: string): string {
  return Object.hasOwn(ADVERTISE_REASONS, reason) ? ADVERTISE_REASONS[reason as AdvertiseReason] : reason;
}
