// What a lab that is up looks like now: every member, read from the kernel and from FRR.
import { z } from 'zod';
import type { Vip } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import type { LabMember } from './address-plan.ts';
import { readAnnouncing } from './frr-config.ts';
import type { Lab } from './lab.ts';
import { readLinkState } from './link-state.ts';
import { vtysh } from './vtysh.ts';

export type MemberStatus = {
  name: string;
  role: 'router' | 'node' | 'vantage';
  netns: string;
  addresses: string[];
  /** Interface towards the router; null for the router itself. */
  uplink: string | null;
  /** Whether the uplink is up. */
  state: 'up' | 'down';
  /** Nodes only: VIPs that FRR announces. */
  vips?: string[];
  /** Nodes only: whether its responder listens. */
  isServing?: boolean;
  /** Router only. */
  sessions?: { node: string; state: string }[];
};
export type LabStatus = { prefix: string; name: string; title: string; stateFolder: string; vips: Vip[]; members: MemberStatus[] };

/** Reads everything at once. */
export async function labStatus(lab: Lab, signal: AbortSignal): Promise<LabStatus> {
  const { plan, environment, stateFolder } = lab;
  return {
    prefix: plan.prefix,
    name: environment.name,
    title: environment.title,
    stateFolder,
    vips: environment.vips,
    members: await Promise.all([
      routerStatus(lab, signal),
      ...plan.nodes.map((node) => nodeStatus(lab, node, signal)),
      ...plan.vantages.map((vantage) => memberStatus(vantage, signal)),
    ]),
  };
}

async function memberStatus(member: LabMember, signal: AbortSignal): Promise<MemberStatus> {
  const { name, role, netns, uplink, addresses } = member;
  const { isUp } = await readLinkState(member, signal);
  return { name, role, netns, addresses: addresses.map(({ address }) => address), uplink, state: isUp ? 'up' : 'down' };
}

async function nodeStatus(lab: Lab, node: LabMember, signal: AbortSignal): Promise<MemberStatus> {
  const [status, config, isServing] = await Promise.all([
    memberStatus(node, signal),
    vtysh({ stateFolder: lab.stateFolder, name: node.name }, ['show running-config'], signal),
    lab.nodes.isServing(node.name, signal),
  ]);
  const networks = new Set([...config.matchAll(/^ +network (\S+)\/\d+$/gm)].map((match) => match[1]));
  const vips = readAnnouncing(config) ? lab.environment.vips.filter(({ address }) => networks.has(address)).map(({ name }) => name) : [];
  return { ...status, vips, isServing };
}

// `show bgp neighbors json` of FRR 8: one object a peer address.
const neighbours = z.record(z.string(), z.looseObject({ bgpState: z.string() }));

async function routerStatus(lab: Lab, signal: AbortSignal): Promise<MemberStatus> {
  const { plan } = lab;
  const { name, netns } = plan.router;
  const output = await vtysh({ stateFolder: lab.stateFolder, name }, ['show bgp neighbors json'], signal);
  const parsed = neighbours.safeParse(JSON.parse(output));
  if (!parsed.success) throw new AppError('DEVICE_OUTPUT', `the answer of FRR is not understood: ${output.slice(0, 200)}`);
  const sessions = plan.nodes.flatMap((node) => {
    const peer = node.addresses.find(({ address }) => address in parsed.data)?.address ?? '';
    return { node: node.name, state: parsed.data[peer]?.bgpState ?? 'none' };
  });
  const gateways = [...plan.nodes.slice(0, 1), ...plan.vantages].flatMap(({ addresses }) => addresses.map(({ gateway }) => gateway));
  return { name, role: 'router', netns, addresses: gateways, uplink: null, state: 'up', sessions };
}
