// FRR's configuration for each member of a lab, as text: pure.
import { familyOf, hostPrefix } from '../core/addresses.ts';
import { type LabMember, type LabPlan, NODES_ASN, ROUTER_ASN } from './address-plan.ts';

/** Every node's announcements pass it: `permit` lets them out, `deny` withholds them all (see `announceCommands`). */
export const ANNOUNCED = 'ANNOUNCED';
const PREFER_GLOBAL = 'PREFER-GLOBAL';
const FAMILIES = ['ipv4', 'ipv6'] as const;

/** bgpd.conf of the router: one session a node, which carries both families, as a MetalLB speaker's may. */
export function routerConfig(plan: LabPlan): string {
  const peers = plan.nodes.map(peerAddress);
  return lines(
    ...start(plan.router.name),
    `router bgp ${String(ROUTER_ASN)}`,
    ...session(plan.router.id, plan.file.lab.holdTime),
    ...peers.flatMap((peer) => [
      ...neighbor(peer, NODES_ASN),
      // A speaker of MetalLB dials and does not listen.
      ...(plan.controlPlane ? [` neighbor ${peer} passive`] : []),
    ]),
    ...FAMILIES.flatMap((family) => [
      ` address-family ${family} unicast`,
      '  maximum-paths 16',
      ...peers.flatMap((peer) => [
        `  neighbor ${peer} activate`,
        // Otherwise the next hop is the node's link-local address, which names nobody (RFC 2545 section 3).
        ...(family === 'ipv6' ? [`  neighbor ${peer} route-map ${PREFER_GLOBAL} in`] : []),
      ]),
      ' exit-address-family',
    ]),
    'exit',
    `route-map ${PREFER_GLOBAL} permit 10`,
    ' set ipv6 next-hop prefer-global',
    'exit',
  );
}

/** bgpd.conf of a node: it announces nothing until the lab's controller adds networks. */
export function nodeConfig(plan: LabPlan, node: LabMember): string {
  const peer = plan.router.id;
  return lines(
    ...start(node.name),
    `router bgp ${String(NODES_ASN)}`,
    ...session(peerAddress(node), plan.file.lab.holdTime),
    // A VIP is a NAT rule on the node, not a route: there is nothing in its table to check against.
    ' no bgp network import-check',
    ...neighbor(peer, ROUTER_ASN),
    ...FAMILIES.flatMap((family) => [
      ` address-family ${family} unicast`,
      `  neighbor ${peer} activate`,
      `  neighbor ${peer} route-map ${ANNOUNCED} out`,
      ' exit-address-family',
    ]),
    'exit',
    `route-map ${ANNOUNCED} permit 10`,
    'exit',
  );
}

/** vtysh commands that make a node originate `announce` and no longer `withdraw` (addresses of VIPs), one an element. */
export function networkCommands(change: { announce: readonly string[]; withdraw: readonly string[] }): string[] {
  const network = (negation: string) => (address: string) => [
    `address-family ipv${String(familyOf(address))} unicast`,
    `${negation}network ${hostPrefix(address)}`,
    'exit-address-family',
  ];
  return [
    'configure terminal',
    `router bgp ${String(NODES_ASN)}`,
    ...change.withdraw.flatMap(network('no ')),
    ...change.announce.flatMap(network('')),
  ];
}

/** vtysh commands that let a node's announcements out, or withhold them all, whatever its endpoints do. */
export function announceCommands(isAnnouncing: boolean): string[] {
  return [
    'configure terminal',
    `route-map ${ANNOUNCED} ${isAnnouncing ? 'permit' : 'deny'} 10`,
    'end',
    // Now, instead of when bgpd next looks at its route-maps.
    ...FAMILIES.map((family) => `clear bgp ${family} unicast * soft out`),
  ];
}

/** zebra.conf of every member. */
export function zebraConfig(hostname: string): string {
  // The kernel hashes over next hops in the order of zebra's ids. A hop that comes back within this time (s) gets its place back;
  // by default it is forgotten after 180 s, and put last.
  return lines(`hostname ${hostname}`, 'zebra nexthop-group keep 3600');
}

/** Whether announcements are let out, from a running configuration; null when it has no such route-map. */
export function readAnnouncing(runningConfig: string): boolean | null {
  const action = new RegExp(`^route-map ${ANNOUNCED} (permit|deny) 10$`, 'm').exec(runningConfig)?.[1];
  return action === undefined ? null : action === 'permit';
}

/** The peer of a node's one session: its IPv4 address. */
function peerAddress(node: LabMember): string {
  const first = node.addresses.find(({ family }) => family === 4);
  if (first === undefined) throw new Error(`${node.name} was planned without an IPv4 address`);
  return first.address;
}

function start(hostname: string): string[] {
  return [
    `hostname ${hostname}`,
    // The least there is: 0 means never.
    'bgp route-map delay-timer 1',
  ];
}

function session(routerId: string, holdTimeMs: number): string[] {
  const holdSec = Math.round(holdTimeMs / 1000);
  return [
    ` bgp router-id ${routerId}`,
    ' bgp log-neighbor-changes',
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    // FRR gathers updates for a second by default: the lab's control plane would look slower than its fault.
    ' coalesce-time 0',
    ` timers bgp ${String(Math.max(1, Math.floor(holdSec / 3)))} ${String(holdSec)}`,
  ];
}

function neighbor(peer: string, asn: number): string[] {
  return [` neighbor ${peer} remote-as ${String(asn)}`, ` neighbor ${peer} timers connect 1`, ` neighbor ${peer} advertisement-interval 0`];
}

function lines(...text: string[]): string {
  return `${text.join('\n')}\n`;
}
