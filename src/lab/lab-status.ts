// What a lab that is up looks like now: every member, read from the kernel and from FRR.
import { z } from 'zod';
import type { Vip } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { isAlive } from '../io/process-identity.ts';
import type { LabMember } from './address-plan.ts';
import { readPrograms } from './cluster/program-records.ts';
import { kindOf } from './kind-of.ts';
import type { NodeState } from './lab-kind.ts';
import type { Lab } from './lab.ts';
import { readLinkState } from './link-state.ts';
import { vtysh } from './vtysh.ts';

export type MemberStatus = {
  name: string;
  role: 'router' | LabMember['role'];
  netns: string;
  addresses: string[];
  /** Interface towards the router; null for the router itself. */
  uplink: string | null;
  /** Whether the uplink is up. */
  state: 'up' | 'down';
  /** Router only. */
  sessions?: { node: string; state: string }[];
  /** Control plane only: what runs there, and how often each was started again. */
  programs?: { name: string; isRunning: boolean; restarts: number }[];
} & /** Nodes only. */ Partial<NodeState>;
export type LabStatus = { prefix: string; name: string; title: string; stateFolder: string; vips: Vip[]; members: MemberStatus[] };

/** Reads everything at once. */
export async function labStatus(lab: Lab, signal: AbortSignal): Promise<LabStatus> {
  const { plan, environment, stateFolder } = lab;
  const states = kindOf(plan).nodeStates(plan, signal);
  return {
    prefix: plan.prefix,
    name: environment.name,
    title: environment.title,
    stateFolder,
    vips: environment.vips,
    members: await Promise.all([
      routerStatus(lab, signal),
      ...(plan.controlPlane ? [controlPlaneStatus(lab, plan.controlPlane, signal)] : []),
      ...plan.nodes.map(async (node) => ({ ...(await memberStatus(node, signal)), ...(await states).get(node.name) })),
      ...plan.vantages.map((vantage) => memberStatus(vantage, signal)),
    ]),
  };
}

async function memberStatus(member: LabMember, signal: AbortSignal): Promise<MemberStatus> {
  const { name, role, netns, uplink, addresses } = member;
  const { isUp } = await readLinkState(member, signal);
  return { name, role, netns, addresses: addresses.map(({ address }) => address), uplink, state: isUp ? 'up' : 'down' };
}

async function controlPlaneStatus({ plan }: Lab, member: LabMember, signal: AbortSignal): Promise<MemberStatus> {
  const programs = readPrograms(plan.stateFolder).filter(({ node }) => node === null);
  return {
    ...(await memberStatus(member, signal)),
    programs: programs.map(({ name, identity, restarts }) => ({ name, isRunning: identity !== null && isAlive(identity), restarts })),
  };
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
