// What this machine offers for a lab with a real cluster; whatever is missing here keeps nobody from anything else.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { METALLB_VERSIONS } from '../core/environment.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { runCommand, tryCommand } from '../io/command.ts';
import { findPrograms, PROGRAMS, programFolders } from '../lab/programs.ts';
import type { MachineCheck } from './machine-checks.ts';
import { deployFolder } from './self.ts';

/** MetalLB's own script calls it there. */
const FRR_RELOAD = '/usr/lib/frr/frr-reload.py';
const ONLY = 'only labs with a cluster need it: ';

/** Looks for Go, for the programs that it builds, and for what MetalLB's backend `frr` and kube-proxy's mode `iptables` need. */
export async function clusterChecks(signal?: AbortSignal): Promise<MachineCheck[]> {
  const sources = join(deployFolder(), 'lab', 'programs');
  return [await go(sources, signal), await programs(sources, signal), frrReload(), await iptables(signal)];
}

async function go(sources: string, signal?: AbortSignal): Promise<MachineCheck> {
  const name = 'go';
  const limited = (detail: string, remedy: string): MachineCheck => ({ name, state: 'limited', detail, remedy: `${ONLY}${remedy}` });
  try {
    const { code, stdout, stderr } = await tryCommand(['sh', join(sources, 'build.sh'), 'check'], signal ? { signal } : {});
    if (code === 0) return { name, state: 'present', detail: stdout.trim() };
    const [why = 'it could not be asked', remedy = 'install it'] = stderr.trim().replaceAll('programs: ', '').split('\n').slice(-2);
    return limited(why, remedy);
  } catch (error) {
    signal?.throwIfAborted();
    return limited(messageOf(error), 'see to it that sh can run');
  }
}

async function programs(sources: string, signal?: AbortSignal): Promise<MachineCheck> {
  const name = 'Kubernetes, MetalLB';
  try {
    const { paths } = findPrograms(await programFolders({ sources, metallb: METALLB_VERSIONS[0] }, signal));
    // Started, and not only found: a cache may come from another machine.
    const version = await runCommand([paths['kube-apiserver'], '--version'], signal ? { signal } : {});
    return { name, state: 'present', detail: `${version.trim()}, in ${dirname(dirname(paths['kube-apiserver']))}` };
  } catch (error) {
    signal?.throwIfAborted();
    const remedy = `${ONLY}the first \`holdfast lab up\` of one builds the ${String(PROGRAMS.length)} programs, which takes about twelve minutes`;
    const detail = error instanceof AppError && error.code === 'COMMAND_MISSING' ? 'not built yet' : messageOf(error);
    return { name, state: 'limited', detail, remedy };
  }
}

function frrReload(): MachineCheck {
  const name = 'frr-reload.py';
  if (existsSync(FRR_RELOAD)) return { name, state: 'present', detail: FRR_RELOAD };
  const remedy =
    'only MetalLB’s backend frr needs it: sh deploy/setup.sh test:cluster, or install the package frr-pythontools by other means';
  return { name, state: 'limited', detail: `there is no ${FRR_RELOAD}`, remedy };
}

async function iptables(signal?: AbortSignal): Promise<MachineCheck> {
  const name = 'iptables-save';
  try {
    const version = await runCommand([name, '--version'], signal ? { signal } : {});
    return { name, state: 'present', detail: version.trim() };
  } catch (error) {
    signal?.throwIfAborted();
    const remedy =
      'only labs with a cluster of proxyMode: iptables need it: sh deploy/setup.sh test:cluster, or install the package iptables by other means';
    return { name, state: 'limited', detail: messageOf(error), remedy };
  }
}
