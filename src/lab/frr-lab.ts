// A lab whose nodes run FRR and NAT rules, and whose controller plays the cluster.
import type { LabMember, LabPlan } from './address-plan.ts';
import { readStatus } from './controller/run-controller.ts';
import { nodeConfig, readAnnouncing, routerConfig } from './frr-config.ts';
import type { LabKind, NodeState } from './lab-kind.ts';
import { LabNodes } from './node-driver.ts';
import { missingRoute } from './vip-routes.ts';
import { vtysh } from './vtysh.ts';

export const FRR_LAB: LabKind = {
  commands: () => [
    ['nft', '--version'],
    ['conntrack', '--version'],
  ],
  steps: { starting: 'starting FRR and the responders', waiting: 'waiting for BGP' },
  patienceMs: 30_000,
  routingConfigs: (plan) => [
    { member: plan.router, config: routerConfig(plan) },
    ...plan.nodes.map((node) => ({ member: node, config: nodeConfig(plan, node) })),
  ],
  controllerArgv: (_plan, argv) => argv,
  openConvergence: (plan) => ({
    whatIsMissing: async (signal) => whatIsMissing(plan, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }),
  nodeStates: async (plan, signal) =>
    new Map(await Promise.all(plan.nodes.map(async (node) => [node.name, await nodeState(plan, node, signal)] as const))),
};

async function whatIsMissing(plan: LabPlan, signal: AbortSignal): Promise<string | null> {
  const status = readStatus(plan.stateFolder);
  if (status?.complaint != null) return status.complaint;
  const silent = plan.nodes.filter(({ name }) => !status?.endpoints.includes(name));
  if (silent.length > 0) return `no responder yet on ${silent.map(({ name }) => name).join(', ')}`;
  return await missingRoute(
    plan,
    plan.nodes.map(({ name }) => name),
    signal,
  );
}

async function nodeState(plan: LabPlan, node: LabMember, signal: AbortSignal): Promise<NodeState> {
  const [config, isServing] = await Promise.all([
    vtysh({ stateFolder: plan.stateFolder, name: node.name }, ['show running-config'], signal),
    new LabNodes(plan).isServing(node.name, signal),
  ]);
  const networks = new Set([...config.matchAll(/^ +network (\S+)\/\d+$/gm)].map((match) => match[1]));
  const vips = readAnnouncing(config) ? plan.environment.vips.filter(({ address }) => networks.has(address)).map(({ name }) => name) : [];
  return { vips, isServing };
}
