// Which routers a node is to tell a VIP: the BGPPeers of its intent, matched with the addresses of the environment's routers.
import type { Router } from '../core/environment.ts';
import type { EventOf } from '../core/journal.ts';

/** `peers`: absent in older journals, and for what is no node of the cluster. */
export type Intended = Pick<EventOf<'cluster.intent'>['nodes'][number], 'advertises' | 'reason' | 'peers'>;
type Peer = NonNullable<Intended['peers']>[number];
type Routers = readonly Pick<Router, 'name' | 'addresses'>[];

/**
 * Whether a router should have the path of a node. Its addresses are all that it has: a peer at none of them is another router.
 * @returns null where it is not known: no peers or addresses are told, a peer is on an interface, an address is several routers'
 */
export function shouldHave(intended: Intended | null, router: string, routers: Routers): boolean | null {
  if (intended === null) return null;
  if (!intended.advertises) return false;
  const { peers } = intended;
  if (peers === undefined || !routers.some(({ name, addresses = [] }) => name === router && addresses.length > 0)) return null;
  const found = peers.map((peer) => routersAt(peer, routers));
  if (found.some((names) => names.length === 1 && names[0] === router)) return true;
  const isOpen = peers.some(({ address }) => address === null) || found.some((names) => names.includes(router));
  return isOpen ? null : false;
}

/**
 * Names of the BGPPeers that a node is to tell and that are none of the routers, or may be none.
 * @param shared of `sharedPeers`
 */
export function peersElsewhere(intended: Intended | null, routers: Routers, shared: ReadonlySet<string>): string[] {
  const strange = (intended?.peers ?? []).filter((peer) => routersAt(peer, routers).length === 0 && !shared.has(placeOf(peer)));
  return strange.map(({ name }) => name);
}

/**
 * Where the routers have no addresses: the peers that all nodes which advertise are to tell, and that a router which is read must be. That
 * is so where there are no others, or where it has a path by a node that tells no others; else it may be another rack's.
 * @param isIn whether a router has a path by the node
 */
export function sharedPeers(
  intents: readonly (Intended & { node: string })[],
  routers: Routers,
  isIn: (node: string) => boolean,
): ReadonlySet<string> {
  if (routers.some(({ addresses = [] }) => addresses.length > 0)) return new Set();
  const told = intents.flatMap(({ node, advertises, peers }) => (advertises && peers ? [{ node, places: peers.map(placeOf) }] : []));
  const shared = new Set(told[0]?.places.filter((place) => told.every(({ places }) => places.includes(place))));
  const plain = told.filter(({ places }) => places.every((place) => shared.has(place)));
  return plain.length === told.length || plain.some(({ node }) => isIn(node)) ? shared : new Set();
}

/**
 * Whether all nodes that advertise are to tell the same routers.
 * @returns null where it is not known: peers of one name or address may be a router in each rack
 */
export function isToldAlike(intents: readonly Intended[], routers: Routers): boolean | null {
  const peers = intents.filter(({ advertises }) => advertises).map((intended) => intended.peers);
  if (peers.some((one) => one === undefined)) return null;
  const told = peers.map((one = []) => one.map((peer) => routerOf(peer, routers) ?? placeOf(peer)));
  if (new Set(told.map((names) => [...new Set(names)].sort().join(' '))).size > 1) return false;
  return peers.flat().every((peer) => peer !== undefined && routerOf(peer, routers) !== null) ? true : null;
}

function placeOf({ name, address }: Peer): string {
  return address ?? name;
}

function routerOf(peer: Peer, routers: Routers): string | null {
  const [name = null, ...others] = routersAt(peer, routers);
  return others.length === 0 ? name : null;
}

function routersAt({ address }: Peer, routers: Routers): string[] {
  return address === null ? [] : routers.filter(({ addresses = [] }) => addresses.includes(address)).map(({ name }) => name);
}
