// A lab whose nodes belong to a real cluster: kube-proxy and MetalLB's speaker instead of rules and FRR of ours.
import type { KubeClient } from '../../cluster/kube-client.ts';
import { openCluster } from '../../cluster/open-cluster.ts';
import { RESOURCES } from '../../cluster/kube-client.ts';
import { AppError } from '../../core/errors.ts';
import { type Argv, tryCommand } from '../../io/command.ts';
import { isAlive } from '../../io/process-identity.ts';
import type { LabPlan } from '../address-plan.ts';
import { routerConfig } from '../frr-config.ts';
import type { ConvergenceWatch, LabKind, NodeState } from '../lab-kind.ts';
import { missingRoute, vipsByNode } from '../vip-routes.ts';
import { kubeconfigPath } from './cluster-files.ts';
import { clusterOptions, controlPlaneOf } from './cluster-options.ts';
import { type NodeReading, readNode } from './cluster-state.ts';
import { METALLB_NAMESPACE } from './metallb-objects.ts';
import { readClusterRecord, readPrograms } from './program-records.ts';
import { isProxied, LISTING } from './proxy-rules.ts';

export const CLUSTER_LAB: LabKind = {
  commands: (plan) => [
    ['nsenter', '--version'],
    ['setpriv', '--version'],
    ['nft', '--version'],
    ...(clusterOptions(plan).backend === 'frr' ? [['python3', '--version'] as const, ['bash', '--version'] as const] : []),
    ...(clusterOptions(plan).proxyMode === 'iptables' ? [['iptables-save', '--version'] as const] : []),
  ],
  steps: { starting: 'starting FRR, Kubernetes and MetalLB', waiting: 'waiting for nodes, pods and BGP' },
  patienceMs: 180_000,
  routingConfigs: (plan) => [{ member: plan.router, config: routerConfig(plan) }],
  controllerArgv: (plan, argv): Argv => ['nsenter', `--net=/run/netns/${controlPlaneOf(plan).netns}`, ...argv],
  openConvergence: (plan) => new ClusterWatch(plan),
  nodeStates,
};

/** Looks at what is furnished, then at nodes and pods, then at what they lead to: rules on every node, routes on the router. */
class ClusterWatch implements ConvergenceWatch {
  readonly #plan: LabPlan;
  #client: KubeClient | null = null;

  constructor(plan: LabPlan) {
    this.#plan = plan;
  }

  async whatIsMissing(signal: AbortSignal): Promise<string | null> {
    try {
      return await this.#firstMissing(signal);
    } catch (error) {
      // On a busy machine a request may fail, or a listing be late, without anything being wrong: whoever waits asks again.
      const isPassing = error instanceof AppError && ['CLUSTER_UNREACHABLE', 'TIMEOUT'].includes(error.code);
      if (!isPassing || signal.aborted) throw error;
      return error.message;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
  }

  async #firstMissing(signal: AbortSignal): Promise<string | null> {
    const plan = this.#plan;
    if (!readClusterRecord(plan.stateFolder)?.isFurnished) return 'the cluster has not all its objects yet';
    this.#client ??= await openSystemClient(plan);
    const readings = await readNodes(plan, this.#client, signal);
    for (const [name, { condition, isServing, isSpeakerReady }] of readings) {
      if (condition !== 'Ready') return `${name} is ${condition}`;
      if (!isSpeakerReady) return `the speaker of ${name} is not ready`;
      if (!isServing) return `no responder is ready on ${name}`;
    }
    const nodes = plan.nodes.map(({ name }) => name);
    return (await missingRules(plan, signal)) ?? (await missingRoute(plan, nodes, signal));
  }
}

async function missingRules(plan: LabPlan, signal: AbortSignal): Promise<string | null> {
  const { proxyMode } = clusterOptions(plan);
  for (const node of plan.nodes) {
    const { stdout } = await tryCommand(LISTING[proxyMode], { place: node, signal });
    const vip = plan.environment.vips.find(({ address }) => !isProxied(proxyMode, stdout, address));
    if (vip) return `the kube-proxy of ${node.name} does not know ${vip.name} yet`;
  }
  return null;
}

async function nodeStates(plan: LabPlan, signal: AbortSignal): Promise<ReadonlyMap<string, NodeState>> {
  const [routed, readings] = await Promise.all([vipsByNode(plan, signal), tryReadNodes(plan, signal)]);
  return new Map(
    plan.nodes.map(({ name }) => {
      const { isServing = false, ...cluster } = readings.get(name) ?? {};
      return [name, { vips: routed.get(name) ?? [], isServing, ...(readings.has(name) && { cluster: cluster as NodeReading }) }];
    }),
  );
}

/** A cluster whose API server is away is one of the things that people look at a lab for. */
async function tryReadNodes(plan: LabPlan, signal: AbortSignal): Promise<Map<string, NodeReading>> {
  try {
    await using client = await openSystemClient(plan);
    return await readNodes(plan, client, signal);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'CLUSTER_UNREACHABLE') throw error;
    const condition = 'unknown (the API server does not answer)';
    return new Map(
      plan.nodes.map(({ name }) => [
        name,
        { condition, pods: [], isSpeakerReady: false, isServing: false, isProxyRunning: isProxyRunning(plan, name) },
      ]),
    );
  }
}

async function readNodes(plan: LabPlan, client: KubeClient, signal: AbortSignal): Promise<Map<string, NodeReading>> {
  const [nodes, pods] = await Promise.all([client.list(RESOURCES.nodes, {}, signal), client.list(RESOURCES.pods, {}, signal)]);
  const objects = { nodes: nodes ?? [], pods: pods ?? [] };
  return new Map(plan.nodes.map(({ name }) => [name, readNode(name, objects, isProxyRunning(plan, name))]));
}

function isProxyRunning({ stateFolder }: LabPlan, node: string): boolean {
  const identity = readPrograms(stateFolder).find(({ name }) => name === `kube-proxy-${node}`)?.identity ?? null;
  return identity !== null && isAlive(identity);
}

async function openSystemClient({ stateFolder, environment }: LabPlan): Promise<KubeClient> {
  const socket = environment.cluster?.socket ?? null;
  return await openCluster({
    kubeconfig: kubeconfigPath(stateFolder, 'system'),
    context: null,
    socket,
    metallbNamespace: METALLB_NAMESPACE,
  });
}
