// Real labs for tests, and the questions that tests ask of them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostPrefix } from '../../src/core/addresses.ts';
import { selfArgv } from '../../src/cli/self.ts';
import type { LabEnvironmentFile } from '../../src/core/environment.ts';
import { runCommand } from '../../src/io/command.ts';
import { readNextHops } from '../../src/io/kernel-routes.ts';
import { labStateFolder, planLab } from '../../src/lab/address-plan.ts';
import { labDown } from '../../src/lab/lab-down.ts';
import { labUp } from '../../src/lab/lab-up.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { aLabFile } from './lab-file.ts';

/** Whom labs belong to, also where the tests run in namespaces of their own. */
export const LAB_UID = Number(process.env.HOLDFAST_ROOTLESS ?? process.getuid?.() ?? 0);

/** A lab that is up, and is taken down with its scope. Short timers unless `topology` says otherwise. */
export async function aLab(prefix: string, topology: Record<string, unknown> = {}): Promise<{ lab: Lab } & AsyncDisposable> {
  const plan = planLab(aQuickLabFile(topology), { name: 'test', prefix, uid: LAB_UID });
  await labDown(prefix, LAB_UID); // what a killed test left
  const lab = await labUp(plan, { uid: LAB_UID, program: selfArgv(), signal: AbortSignal.timeout(60_000), onProgress: () => undefined });
  return {
    lab,
    [Symbol.asyncDispose]: async () => {
      await labDown(prefix, LAB_UID);
    },
  };
}

export function aQuickLabFile(topology: Record<string, unknown> = {}): LabEnvironmentFile {
  return aLabFile({ holdTime: '3s', ...topology });
}

/** Nodes that the router sends a VIP's packets to, in its own order. */
export async function hopsTo(lab: Lab, vip: string): Promise<string[]> {
  const hops = await readNextHops(lab.plan.router, hostPrefix(addressOf(lab, vip)), AbortSignal.timeout(5_000));
  return hops.map((hop) => nodeOf(lab, hop));
}

/** Where the router sends each source port of v1, asked of its kernel: by port, the node's name. */
export async function portMap(lab: Lab, vip: string, ports: number): Promise<Map<number, string>> {
  const { router, vantages } = lab.plan;
  const address = addressOf(lab, vip);
  const [v1] = vantages;
  const source = v1?.addresses.find(({ family }) => (family === 6) === address.includes(':'));
  const numbers = Array.from({ length: ports }, (_, index) => 30_000 + index);
  const input = numbers
    .map((port) => `route get ${address} from ${source?.address ?? ''} iif v1 ipproto tcp sport ${String(port)} dport 7000\n`)
    .join('');
  const output = await runCommand(['ip', address.includes(':') ? '-6' : '-4', '-n', router.netns, '-o', '-batch', '-'], { input });
  const hops = [...output.matchAll(/ via (\S+)/g)].map((match) => nodeOf(lab, match[1] ?? ''));
  return new Map(numbers.map((port, index) => [port, hops[index] ?? 'nowhere']));
}

/** What is left of a lab: namespaces, processes that were told of its folder, files. */
export async function remains(prefix: string, uid = LAB_UID): Promise<string[]> {
  const folder = labStateFolder(prefix, uid);
  const namespaces = (await runCommand(['ip', 'netns', 'list'])).split('\n').filter((line) => line.startsWith(`${prefix}-`));
  const processes = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid))
    .filter((pid) => commandLine(pid).includes(folder));
  return [...namespaces, ...processes.map((pid) => commandLine(pid).replaceAll('\0', ' ')), ...(existsSync(folder) ? [folder] : [])];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // gone
  }
}

function addressOf(lab: Lab, vip: string): string {
  const found = lab.environment.vips.find(({ name }) => name === vip);
  if (!found) throw new Error(`no VIP ${vip}`);
  return found.address;
}

function nodeOf(lab: Lab, address: string): string {
  return lab.environment.nodes.find(({ addresses }) => addresses.includes(address))?.name ?? address;
}
