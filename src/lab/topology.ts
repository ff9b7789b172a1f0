// The lab's namespaces, links, addresses and kernel settings, as input for `ip -batch` and for /proc/sys: pure.
import { type LabMember, type LabPlan, membersOf, NODES_BRIDGE } from './address-plan.ts';

/** Every namespace of a lab, the router's first. */
export function namespacesOf(plan: LabPlan): string[] {
  return [plan.router.netns, ...membersOf(plan).map(({ netns }) => netns)];
}

/** What tells our namespaces from others of the same name: the alias of their loopback interface. */
export function namespaceMark(prefix: string): string {
  return `holdfast-lab-${prefix}`;
}

/** First batch, run on the machine. */
export function namespacesBatch(plan: LabPlan): string {
  return batch(namespacesOf(plan).map((netns) => `netns add ${netns}`));
}

/** Second batch, run on the machine, once settings are made: the links. Nothing appears in the machine's own namespace. */
export function linksBatch(plan: LabPlan): string {
  const tor = plan.router.netns;
  return batch(
    membersOf(plan).map(
      ({ netns, uplink, routerPort }) => `link add ${uplink} netns ${netns} type veth peer name ${routerPort} netns ${tor}`,
    ),
  );
}

/** Third batch, in the router's namespace. */
export function routerBatch(plan: LabPlan): string {
  const [firstNode] = plan.nodes;
  const onBridge = membersOf(plan).filter(({ role }) => role !== 'vantage');
  return batch([
    ...loopback(plan),
    `link add ${NODES_BRIDGE} type bridge`,
    ...onBridge.map(({ routerPort }) => `link set ${routerPort} master ${NODES_BRIDGE} up`),
    `link set ${NODES_BRIDGE} up`,
    ...gatewayAddresses(firstNode, NODES_BRIDGE),
    ...plan.vantages.flatMap((vantage) => [...gatewayAddresses(vantage, vantage.routerPort), `link set ${vantage.routerPort} up`]),
  ]);
}

/**
 * Table that resilient groups' routes lie in, looked up before the main one.
 * In the main table zebra would take them for routes that beat its own, and remove its own.
 */
export const MIRROR_TABLE = 100;

/** Third batch, in a member's namespace. */
export function memberBatch(plan: LabPlan, member: LabMember): string {
  return batch([
    ...loopback(plan),
    `link set ${member.uplink} up`,
    ...member.addresses.map(({ address, length }) => `addr add ${address}/${String(length)} dev ${member.uplink}`),
    ...member.addresses.map(({ gateway }) => `route add default via ${gateway} dev ${member.uplink}`),
    ...routesToPods(plan, member),
  ]);
}

/** Of nodes and control plane: the pods of every other node lie behind it. Vantages and router know VIPs alone. */
function routesToPods(plan: LabPlan, member: LabMember): string[] {
  if (member.role === 'vantage') return [];
  return plan.environment.nodes
    .filter(({ name }) => name !== member.name)
    .flatMap(({ podCidrs, addresses }) => podCidrs.map((cidr) => `route add ${cidr} via ${addresses[0] ?? ''} dev ${member.uplink}`));
}

/** Kernel settings of a namespace, a line each (path below /proc/sys, value); made before there are links to inherit them. */
export function kernelSettings(plan: LabPlan, netns: string): string {
  const everyone = {
    'net/ipv4/ip_forward': 1,
    'net/ipv6/conf/all/forwarding': 1,
    ...forInterfaces('ipv4', { rp_filter: 0, send_redirects: 0, accept_redirects: 0 }),
    // Duplicate detection would keep an address unusable for a second; nobody else can have it here.
    ...forInterfaces('ipv6', { accept_dad: 0, dad_transmits: 0, accept_ra: 0, accept_redirects: 0 }),
  };
  // Policy 1 would hash what the sending socket put on the packet, which within one machine reaches the router: a random number
  // for each socket. Policy 3 hashes the fields themselves (kernel: Documentation/networking/ip-sysctl.rst).
  const fields = FIELDS[plan.file.lab.hash];
  const router = Object.fromEntries(
    ['ipv4', 'ipv6'].flatMap((family) => [
      [`net/${family}/fib_multipath_hash_policy`, 3],
      [`net/${family}/fib_multipath_hash_fields`, fields],
    ]),
  );
  const all = { ...everyone, ...(netns === plan.router.netns ? router : {}) };
  return batch(Object.entries(all).map(([path, value]) => `${path} ${String(value)}`));
}

/** Bits of fib_multipath_hash_fields: addresses 0x3, protocol 0x4, ports 0x30. */
const FIELDS = { l3: 0x03, l4: 0x37 } as const;

function forInterfaces(family: string, values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => ['all', 'default'].map((which) => [`net/${family}/conf/${which}/${key}`, value])),
  );
}

function loopback(plan: LabPlan): string[] {
  return [`link set lo alias ${namespaceMark(plan.prefix)}`, 'link set lo up'];
}

function gatewayAddresses(member: LabMember | undefined, device: string): string[] {
  return (member?.addresses ?? []).map(({ gateway, length }) => `addr add ${gateway}/${String(length)} dev ${device}`);
}

function batch(lines: string[]): string {
  return `${lines.join('\n')}\n`;
}
