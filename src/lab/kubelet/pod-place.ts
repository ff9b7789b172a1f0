// Names, addresses and links of a pod's network namespace, as input for `ip -batch`: pure.
//
//   PREFIX-p-n1-4: eth0 10.77.21.4/32, everything via 169.254.1.1 --veth-- p4 (no IPv4 address) :PREFIX-n1
import { canonicalAddress, type Family, familyOf, hostPrefix, networkGroups } from '../../core/addresses.ts';
import type { LabPlan } from '../address-plan.ts';
import { namespaceMark } from '../topology.ts';

/** A pod's place on its node. `slot` is the last part of its addresses. */
export type PodPlace = { slot: number; netns: string; /** Name of the link's end on the node. */ port: string; addresses: string[] };

const FIRST_SLOT = 2;
const LAST_SLOT = 250;
/** Nobody has them: they only give the pod a next hop to ask for (RFC 3927, RFC 4291 section 2.5.6). */
const GATEWAY: Record<Family, string> = { 4: '169.254.1.1', 6: 'fe80::1' };
/** Of every port, so that pods know it without asking: a node answers for others (proxy_arp) only while it has a route to them. */
const PORT_MAC = 'ee:ee:ee:ee:ee:ee';

/** Whether `netns` can only be a pod's of the node. */
export function isPodNamespace(netns: string, prefix: string, node: string): boolean {
  return netns.startsWith(`${prefix}-p-${node}-`) && /-\d+$/.test(netns);
}

export function podPlace(plan: Pick<LabPlan, 'prefix'>, node: { name: string; podCidrs: readonly string[] }, slot: number): PodPlace {
  const addresses = node.podCidrs.map((cidr) => addressIn(cidr, slot));
  return { slot, netns: `${plan.prefix}-p-${node.name}-${String(slot)}`, port: `p${String(slot)}`, addresses };
}

/** The next free slot after `last`: an address comes back as late as possible, since conntrack entries outlive pods. Null: all are taken. */
export function nextSlot(last: number, taken: ReadonlySet<number>): number | null {
  const count = LAST_SLOT - FIRST_SLOT + 1;
  for (let step = 1; step <= count; step += 1) {
    const slot = FIRST_SLOT + ((Math.max(last, FIRST_SLOT - 1) - FIRST_SLOT + step) % count);
    if (!taken.has(slot)) return slot;
  }
  return null;
}

/** In the pod's namespace, first of all: from here on `lab down` knows it as ours. */
export function markBatch(prefix: string): string {
  return batch([`link set lo alias ${namespaceMark(prefix)}`, 'link set lo up']);
}

/** In the node's namespace. */
export function podLinkBatch({ netns, port }: PodPlace): string {
  return batch([`link add ${port} address ${PORT_MAC} type veth peer name eth0 netns ${netns}`]);
}

/** In the pod's namespace, once the link is there. */
export function podBatch({ addresses }: PodPlace): string {
  return batch([
    ...addresses.map((address) => `addr add ${hostPrefix(address)} dev eth0${familyOf(address) === 6 ? ' nodad' : ''}`),
    'link set eth0 up',
    ...addresses.flatMap((address) => {
      const family = familyOf(address);
      return [
        ...(family === 4 ? [`route add ${GATEWAY[4]} dev eth0 scope link`] : []),
        `neigh replace ${GATEWAY[family]} lladdr ${PORT_MAC} dev eth0 nud permanent`,
        `route add default via ${GATEWAY[family]} dev eth0`,
      ];
    }),
  ]);
}

/** In the node's namespace. No IPv4 address: a masquerade must find the uplink's. */
export function podRouteBatch({ port, addresses }: PodPlace): string {
  const hasIpv6 = addresses.some((address) => familyOf(address) === 6);
  return batch([
    `link set ${port} up`,
    ...(hasIpv6 ? [`addr add ${GATEWAY[6]}/64 dev ${port} nodad`] : []),
    ...addresses.map((address) => `route replace ${hostPrefix(address)} dev ${port}`),
  ]);
}

function addressIn(cidr: string, slot: number): string {
  const groups = networkGroups(cidr);
  if (groups.length === 4) return [...groups.slice(0, 3), slot].map(String).join('.');
  const text = [...groups.slice(0, 7), slot].map((group) => group.toString(16)).join(':');
  return canonicalAddress(text) ?? text;
}

function batch(lines: string[]): string {
  return `${lines.join('\n')}\n`;
}
