// `holdfast discover`: an environment file written from a live cluster, for a person to complete.
import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { Command } from 'commander';
import type { Cluster } from '../core/environment.ts';
import { AppError, messageOf } from '../core/errors.ts';

type Flags = { kubeconfig?: string; context?: string; out?: string; force?: true; title?: string; keyFile: string; lbClass?: string };

const READING_MS = 30_000;

export function discoverCommand(): Command {
  return new Command('discover')
    .description(
      'Reads Services, endpoints, nodes and MetalLB’s objects once, and writes the environment file that they make: VIPs with their Services, ' +
        'which nodes should advertise each and why the others should not, nodes with their addresses. It changes nothing in the cluster.',
    )
    .option('--kubeconfig <file>', 'how to reach the cluster (default: $KUBECONFIG, ~/.kube/config, or the service account of this pod)')
    .option('--context <name>', 'a context of it (default: its current one)')
    .option('--out <file>', 'where to write (default: standard output)')
    .option('--force', 'write over a file that exists')
    .option('--title <text>', 'title of the environment')
    .option('--key-file <file>', 'the secret shared with the responders, as the file is to name it: relative to the file', 'holdfast.key')
    .option('--lb-class <class>', 'the --lb-class of MetalLB’s speakers, where they have one')
    .action(async (flags: Flags) => {
      const { openCluster } = await import('../cluster/open-cluster.ts');
      const { readClusterPicture } = await import('../cluster/read-objects.ts');
      const { discoverEnvironment } = await import('../cluster/discover.ts');
      refuseToOverwrite(flags);
      const cluster = clusterOf(flags);
      await using client = await openCluster(cluster);
      const picture = await readClusterPicture(client, AbortSignal.timeout(READING_MS));
      const { text, vips, nodes } = discoverEnvironment(picture, {
        title: flags.title ?? `The cluster ${cluster.context ?? 'of this kubeconfig'}`,
        kubeconfig: cluster.kubeconfig,
        context: cluster.context,
        key: `\${file:${flags.keyFile}}`,
        speakers: { loadBalancerClass: flags.lbClass ?? null, ignoreExcludeLabel: false },
      });
      if (flags.out === undefined) {
        process.stdout.write(text);
        return;
      }
      write(flags.out, text, flags.force ?? false);
      process.stdout.write(
        `${flags.out}: ${String(vips)} ${vips === 1 ? 'VIP' : 'VIPs'}, ${String(nodes)} ${nodes === 1 ? 'node' : 'nodes'}\n` +
          `To fill in: what is marked TO DO. Then: holdfast validate ${flags.out}\n`,
      );
    });
}

/** Asked before the cluster is: nobody waits for an answer that cannot be written. */
function refuseToOverwrite({ out, force }: Flags): void {
  if (out !== undefined && !force && existsSync(out)) throw exists(out);
}

function exists(file: string): AppError {
  return new AppError('CONFLICT', `${file} exists`, { remedy: 'give another --out, or --force to write over it' });
}

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw exists(file);
    throw new AppError('DISK', `${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** As kubectl chooses, but one file only: the environment file names it. */
function clusterOf({ kubeconfig, context }: Flags): Cluster {
  const own = join(homedir(), '.kube', 'config');
  const [first, ...others] = (process.env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (kubeconfig === undefined && others.length > 0) {
    throw new AppError('BAD_FLAG', 'KUBECONFIG names several files', { remedy: 'choose one with --kubeconfig' });
  }
  const chosen = kubeconfig ?? first ?? (existsSync(own) ? own : null);
  return {
    kubeconfig: chosen === null ? null : resolve(chosen),
    context: context ?? null,
    socket: null,
    metallbNamespace: 'metallb-system',
  };
}
