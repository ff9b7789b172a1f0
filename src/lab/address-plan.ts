// From a lab's file to every name, address and path in it: pure, so that a dry run can tell them without a lab.
import { canonicalAddress, type Family, networkGroups } from '../core/addresses.ts';
import type { Environment, LabEnvironmentFile, Vip } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';

/** Private AS numbers (RFC 6996): one for the router, one that all nodes share, as MetalLB speakers do. */
export const ROUTER_ASN = 64_512;
export const NODES_ASN = 64_500;
/** The router's interface that all nodes hang on: a bridge keeps its carrier when one node's link is cut. */
export const NODES_BRIDGE = 'br0';
export const UPLINK = 'eth0';
export const PREFIX_LENGTH: Record<Family, number> = { 4: 24, 6: 64 };

/** One address of a member, and who routes for it on that link. */
export type MemberAddress = { family: Family; address: string; length: number; gateway: string };

/** A node, a vantage or the cluster's control plane: one namespace with one uplink to the router. */
export type LabMember = {
  name: string;
  role: 'node' | 'vantage' | 'control-plane';
  netns: string;
  uplink: string;
  /** Name of the link's other end, in the router's namespace. */
  routerPort: string;
  addresses: MemberAddress[];
};

/** What a lab with a cluster has besides: the member that runs the control plane, on the nodes' bridge. */
export type ControlPlane = LabMember & { role: 'control-plane'; address: string; serviceCidr: string };

/** All that a lab consists of. `stateFolder` holds its files; Unix sockets in it stay below the kernel's 108 bytes. */
export type LabPlan = {
  prefix: string;
  stateFolder: string;
  file: LabEnvironmentFile;
  environment: Environment;
  router: { name: string; netns: string; id: string };
  /** Null in a lab whose nodes run FRR and rules of ours. */
  controlPlane: ControlPlane | null;
  nodes: LabMember[];
  vantages: LabMember[];
};

/** Third number of an IPv4 address. Nodes' pods and vantages are counted from 1. */
const SUBNET = { nodes: 1, vips: 10, pods: 20, services: 64, vantages: 100 } as const;
/** Last number of the control plane's address; n1 is 11. */
const CONTROL_PLANE_HOST = 10;
const PREFIX = /^[a-z][a-z0-9]{0,9}$/;

/** Where the lab `prefix` of user `uid` keeps its files. */
export function labStateFolder(prefix: string, uid: number): string {
  if (!PREFIX.test(prefix)) {
    throw new AppError('BAD_FLAG', `"${prefix}" cannot be the prefix of a lab`, {
      remedy: 'take a letter and at most nine more letters or digits, all lower-case, such as hf2',
    });
  }
  return `/tmp/holdfast-${String(uid)}/labs/${prefix}`;
}

/**
 * The plan of a lab. IPv4 and IPv6 addresses are written with the same digits: n1 is 10.77.1.11 and fd77:0:0:1::11.
 * @param options.name name of the environment (its file's name)
 * @param options.uid the user the lab belongs to
 * @throws AppError BAD_INPUT when an address block is too small, BAD_FLAG for a prefix that is none
 */
export function planLab(file: LabEnvironmentFile, options: { name: string; prefix: string; uid: number }): LabPlan {
  const { name, prefix, uid } = options;
  const stateFolder = labStateFolder(prefix, uid);
  const blocks = addressBlocks(file.lab);
  const member = (memberName: string, subnet: number, host: number) => ({
    name: memberName,
    netns: `${prefix}-${memberName}`,
    uplink: UPLINK,
    routerPort: memberName,
    addresses: ([4, 6] as const).map((family) => ({
      family,
      address: blocks[family](subnet, host),
      length: PREFIX_LENGTH[family],
      gateway: blocks[family](subnet, 1),
    })),
  });
  const nodes = numbers(file.lab.nodes).map((index): LabMember => {
    return { role: 'node', ...member(`n${String(index)}`, SUBNET.nodes, CONTROL_PLANE_HOST + index) };
  });
  const vantages = numbers(file.lab.vantages).map((index): LabMember => {
    return { role: 'vantage', ...member(`v${String(index)}`, SUBNET.vantages + index, 2) };
  });
  const controlPlane: ControlPlane | null = file.lab.cluster
    ? {
        role: 'control-plane',
        ...member('cp', SUBNET.nodes, CONTROL_PLANE_HOST),
        address: blocks[4](SUBNET.nodes, CONTROL_PLANE_HOST),
        serviceCidr: `${blocks[4](SUBNET.services, 0)}/24`,
      }
    : null;
  const vips = file.vips.map(({ name: vip, policy, family, port }, index): Vip => ({
    name: vip,
    address: blocks[family](SUBNET.vips, index + 1),
    family,
    port,
    policy,
    service: controlPlane ? { namespace: 'default', name: vip } : null,
  }));
  const router = { name: 'tor', netns: `${prefix}-tor`, id: blocks[4](SUBNET.nodes, 1) };
  const addressesOf = (of: LabMember) => of.addresses.map(({ address }) => address);
  return {
    prefix,
    stateFolder,
    file,
    router,
    controlPlane,
    nodes,
    vantages,
    environment: {
      name,
      title: file.title,
      lab: { prefix, topology: file.lab },
      vantages: vantages.map((vantage) => ({ name: vantage.name, netns: vantage.netns, addresses: addressesOf(vantage) })),
      vips,
      nodes: nodes.map((node, index) => ({
        name: node.name,
        netns: node.netns,
        addresses: addressesOf(node),
        podCidrs: controlPlane ? [`${blocks[4](SUBNET.pods + index + 1, 0)}/24`] : [],
        uplink: node.uplink,
      })),
      routers: [
        {
          name: router.name,
          netns: router.netns,
          driver: 'frr',
          vtysh: vtyshArguments(frrFolder(stateFolder, router.name)),
          addresses: [blocks[4](SUBNET.nodes, 1), blocks[6](SUBNET.nodes, 1)],
        },
      ],
      cluster: controlPlane
        ? { kubeconfig: `${stateFolder}/kubeconfig`, context: null, socket: `${stateFolder}/kube.sock`, metallbNamespace: 'metallb-system' }
        : null,
      keeperSocket: `${stateFolder}/keeper.sock`,
      observers: file.observers,
    },
  };
}

/** Every member with an uplink. */
export function membersOf({ controlPlane, nodes, vantages }: Pick<LabPlan, 'controlPlane' | 'nodes' | 'vantages'>): LabMember[] {
  return [...(controlPlane ? [controlPlane] : []), ...nodes, ...vantages];
}

/** Folder of a member's FRR: its configuration, sockets, pid files and logs. */
export function frrFolder(stateFolder: string, member: string): string {
  return `${stateFolder}/frr/${member}`;
}

/** Arguments that lead vtysh to the daemons of one member, whatever the machine's own FRR is. */
export function vtyshArguments(folder: string): string[] {
  return ['--vty_socket', folder, '--config_dir', folder];
}

type Block = (subnet: number, host: number) => string;

function addressBlocks(lab: LabEnvironmentFile['lab']): Record<Family, Block> {
  const [first, second] = networkGroups(lab.ipv4);
  const head = networkGroups(lab.ipv6).slice(0, 3);
  return {
    4: (subnet, host) => [first, second, subnet, host].map(String).join('.'),
    6: (subnet, host) => canonicalOf(`${head.map((part) => part.toString(16)).join(':')}:${String(subnet)}::${String(host)}`),
  };
}

function canonicalOf(address: string): string {
  const canonical = canonicalAddress(address);
  if (canonical === null) throw new Error(`planned an address that is none: ${address}`);
  return canonical;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
