// The programs of a cluster lab (Kubernetes, MetalLB, etcd): where they are, and building them where they are not.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AppError } from '../core/errors.ts';
import { runCommand } from '../io/command.ts';

/** Every program that `deploy/lab/programs/build.sh` builds, by the name of its file. */
export const PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'metallb-controller',
  'metallb-speaker',
] as const;
type ProgramName = (typeof PROGRAMS)[number];

/** Which programs are meant: those of the folder `sources` (deploy/lab/programs), and MetalLB of the version `metallb`. */
export type ProgramSources = { sources: string; metallb: string };

/** The folders that the programs of a lab lie in. */
export type ProgramFolders = { etcd: string; kubernetes: string; metallb: string };

export type Programs = {
  /** Path of each program. */
  paths: Readonly<Record<ProgramName, string>>;
  /** Folder with MetalLB's CustomResourceDefinitions, one YAML file each, of the very version that was built. */
  crds: string;
  /** MetalLB's own script that has FRR reload, for its backend `frr`: started with bash, it looks at SHARED_VOLUME. */
  frrReloader: string;
};

/** Name of the folder and the file beside the programs. */
const CRDS = 'metallb-crds';
const FRR_RELOADER = 'frr-reloader.sh';
/** What a build is given to end in after SIGTERM. */
const PATIENCE_MS = 10_000;

/**
 * The folders that programs are built into, whether they are there or not. They are a cache: HOLDFAST_CACHE, XDG_CACHE_HOME or ~/.cache say
 * where, and hashes of what the programs are made of tell versions apart.
 * @throws AppError COMMAND_FAILED where no variable tells a folder
 */
export async function programFolders({ sources, metallb }: ProgramSources, signal?: AbortSignal): Promise<ProgramFolders> {
  const told = await runCommand(['sh', join(sources, 'build.sh'), 'folders', metallb], signal ? { signal } : {});
  const [etcd = '', kubernetes = '', ofMetallb = ''] = told.split('\n');
  return { etcd, kubernetes, metallb: ofMetallb };
}

/** All that lies in `folders`. @throws AppError COMMAND_MISSING when something is not built */
export function findPrograms(folders: ProgramFolders): Programs {
  const pathOf = (name: string) => join(folders[moduleOf(name)], name);
  const paths = Object.fromEntries(PROGRAMS.map((name) => [name, pathOf(name)])) as Record<ProgramName, string>;
  const programs = { paths, crds: pathOf(CRDS), frrReloader: pathOf(FRR_RELOADER) };
  const lacking = [...PROGRAMS, CRDS, FRR_RELOADER].filter((name) => !existsSync(pathOf(name)));
  if (lacking.length === 0) return programs;
  throw new AppError('COMMAND_MISSING', `programs of the cluster lab are not built: ${lacking.join(', ')}`, {
    remedy: 'sh deploy/lab/programs/build.sh builds them, about twelve minutes the first time on two cores',
  });
}

/** The module that a program, or a file beside it, comes from. */
function moduleOf(name: string): keyof ProgramFolders {
  if (name === 'etcd') return 'etcd';
  return name.startsWith('kube-') ? 'kubernetes' : 'metallb';
}

/**
 * Builds what is not there; returns at once when all is. A build that was interrupted goes on where it stopped.
 * @param options.onProgress told of each line that the build says, such as `kube-proxy: 206 s, 70 MB`
 * @throws AppError COMMAND_MISSING without Go, COMMAND_FAILED with what the build said; the signal's reason when aborted
 */
export async function buildPrograms(
  options: ProgramSources & {
    signal: AbortSignal;
    onProgress: (line: string) => void;
  },
): Promise<Programs> {
  const { sources, metallb, signal, onProgress } = options;
  signal.throwIfAborted();
  // A session of its own: the compilers are its children, and a signal to the group reaches them all.
  const child = spawn('sh', [join(sources, 'build.sh'), metallb], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (text) => {
    const line = text.replace(/^programs: /, '');
    said.push(line);
    onProgress(line);
  });
  using _ending = endingWith(signal, child.pid);
  const [code] = (await once(child, 'close')) as [number | null];
  signal.throwIfAborted();
  if (code === 0) return findPrograms(await programFolders(options, signal));
  // 4: the script refused, and its last two lines are what happened and what to do.
  if (code === 4) throw new AppError('COMMAND_MISSING', said.at(-2) ?? 'no Go', { remedy: said.at(-1) ?? 'install Go' });
  throw new AppError('COMMAND_FAILED', `the programs of the cluster lab could not be built: ${said.slice(-20).join('\n')}`, {
    remedy: 'sh deploy/lab/programs/build.sh goes on where it stopped',
  });
}

/** Ends the group of `leader` when `signal` aborts; by force when it takes its time. */
function endingWith(signal: AbortSignal, leader: number | undefined): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const tell = (what: NodeJS.Signals) => {
    if (leader === undefined) return;
    try {
      process.kill(-leader, what);
    } catch {
      // gone already
    }
  };
  const end = () => {
    tell('SIGTERM');
    timer = setTimeout(() => {
      tell('SIGKILL');
    }, PATIENCE_MS);
  };
  signal.addEventListener('abort', end, { once: true });
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    },
  };
}
