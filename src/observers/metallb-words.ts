// How a configuration object of MetalLB changed, in a person's words: what it now says, and what it said before.
import { anySelects } from '../cluster/intent/selectors.ts';
import type { BgpAdvertisement, BgpPeer, IpAddressPool } from '../cluster/intent/metallb-objects.ts';
import type { ClusterNode } from '../cluster/intent/objects.ts';

/** What an object says, fact by fact: `peers` -> `all`. */
export type Facts = Readonly<Record<string, string>>;

export function advertisementFacts(one: BgpAdvertisement, nodes: readonly ClusterNode[]): Facts {
  return {
    nodes: nodesText(one.nodeSelectors, nodes),
    pools: one.poolSelectors.length > 0 ? JSON.stringify(one.poolSelectors) : listText(one.pools),
    services: one.serviceSelectors.length > 0 ? JSON.stringify(one.serviceSelectors) : 'all',
    peers: listText(one.peers),
    aggregation: `/${String(one.aggregationLength)} and /${String(one.aggregationLengthV6)}`,
    localPref: String(one.localPref),
    asPathPrepend: String(one.asPathPrepend),
  };
}

export function peerFacts(peer: BgpPeer, nodes: readonly ClusterNode[]): Facts {
  return {
    peer: `${peer.address ?? peer.interface ?? 'no address'} port ${String(peer.port)}`,
    ASNs: `${String(peer.myAsn)} to ${String(peer.peerAsn ?? peer.dynamicAsn ?? 'unknown')}`,
    nodes: nodesText(peer.nodeSelectors, nodes),
    holdTime: secondsText(peer.holdTimeMs),
    keepaliveTime: secondsText(peer.keepaliveTimeMs),
    bfdProfile: peer.bfdProfile ?? 'none',
    gracefulRestart: peer.gracefulRestart ? 'yes' : 'no',
  };
}

export function poolFacts({ addresses }: IpAddressPool): Facts {
  return { addresses: addresses.join(' ') };
}

/** All facts of an object that is seen: `nodes n1 n2, peers all`. */
export function saidText(facts: Facts): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** The facts that changed: `nodes n1 n3 (were n1 n2 n3)`; null when none of them did. */
export function changedText(before: Facts, now: Facts): string | null {
  const changed = Object.entries(now).filter(([name, value]) => before[name] !== value);
  if (changed.length === 0) return null;
  return changed.map(([name, value]) => `${name} ${value} (before: ${before[name] ?? 'none'})`).join(', ');
}

function nodesText(selectors: Parameters<typeof anySelects>[0], nodes: readonly ClusterNode[]): string {
  if (selectors.length === 0) return 'all';
  const selected = nodes.filter((node) => anySelects(selectors, node.labels)).map(({ name }) => name);
  return selected.toSorted().join(' ') || 'none';
}

function listText(names: readonly string[]): string {
  return names.length === 0 ? 'all' : names.join(' ');
}

function secondsText(ms: number | null): string {
  return ms === null ? 'as by default' : `${String(ms / 1_000)} s`;
}
