// `holdfast lab-kubelet` (hidden): the stand-in for one node's kubelet. Started and ended by the supervisor of a lab.
import { statSync } from 'node:fs';
import { release } from 'node:os';
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { selfArgv } from './self.ts';
import { programVersion } from './version.ts';

export function labKubeletCommand(): Command {
  return new Command('lab-kubelet')
    .requiredOption('--state <folder>', 'state folder of the lab')
    .requiredOption('--node <name>', 'name of the node')
    .action(async ({ state, node }: { state: string; node: string }) => {
      const { planOfFolder } = await import('../lab/lab.ts');
      const netns = planOfFolder(state)?.environment.nodes.find(({ name }) => name === node)?.netns ?? null;
      if (netns === null) throw new AppError('LAB_MISSING', `${state} holds no lab with a node ${node}`);
      await enterNamespace(netns, selfArgv('lab-kubelet', '--state', state, '--node', node));
      await run(state, node);
      process.exit();
    });
}

/**
 * This process once more, in the node's network namespace, if it is not there yet. Started by `ip netns exec` it would be in a mount
 * namespace of its own as well, and namespaces that it made for pods would be seen by nobody else.
 */
async function enterNamespace(netns: string, argv: readonly string[]): Promise<void> {
  const path = `/run/netns/${netns}`;
  if (statSync(path).ino === statSync('/proc/self/ns/net').ino) return;
  const { becomeCommand } = await import('../lab/host.ts');
  becomeCommand(['nsenter', `--net=${path}`, '--', ...argv], process.env);
}

async function run(state: string, node: string): Promise<void> {
  const { planOfFolder } = await import('../lab/lab.ts');
  const { openCluster } = await import('../cluster/open-cluster.ts');
  const { runKubelet } = await import('../lab/kubelet/run-kubelet.ts');
  const plan = planOfFolder(state);
  if (plan === null) throw new AppError('LAB_MISSING', `${state} holds no lab`);
  const ending = new AbortController();
  process.on('SIGTERM', () => {
    ending.abort();
  });
  // Straight to the control plane, whose network this node is in; as system:masters, as no kubelet should be.
  const access = { kubeconfig: `${state}/system.kubeconfig`, context: null, socket: null, metallbNamespace: 'metallb-system' };
  await using client = await openCluster(access);
  await runKubelet({
    plan,
    node,
    client,
    machine: {
      env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/' },
      kernel: release(),
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      version: programVersion(),
    },
    log: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
    signal: ending.signal,
  });
}
