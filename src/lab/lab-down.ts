// Taking a lab down: its processes, namespaces and files, also of one that was killed at any instant.
import { setTimeout as sleep } from 'node:timers/promises';
import { tryCommand } from '../io/command.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../io/process-identity.ts';
import { labStateFolder, planLab } from './address-plan.ts';
import { livingDaemons } from './frr-daemons.ts';
import { readRecord, recallProcess, removeStateFolder } from './state-folder.ts';
import { namespaceMark, namespacesOf } from './topology.ts';

const PATIENCE_MS = 3_000;
/** What is being ended may start others, and add namespaces, until it has ended: it is looked for again, so many times at most. */
const MAX_PASSES = 5;

/** What there was to take down. */
export type TakenDown = { namespaces: number; processes: number };

/** Removes everything of the lab `prefix` of user `uid`; a lab that is not there is no error. */
export async function labDown(prefix: string, uid: number): Promise<TakenDown> {
  const stateFolder = labStateFolder(prefix, uid);
  const record = readRecord(stateFolder);
  const plan = record && planLab(record.file, { name: record.name, prefix, uid });
  const controller = recallProcess(stateFolder, 'controller');
  // The controller first: it would start again what is ended below.
  if (controller) await endProcesses([controller], 'SIGTERM');
  const members = plan ? [plan.router, ...plan.nodes].map(({ name }) => name) : [];
  const namespaces = new Set<string>();
  const processes = new Set<string>();
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const found = await ourNamespaces(prefix, plan && record.ownsNamespaces ? namespacesOf(plan) : []);
    const inside = (await Promise.all(found.map(processesIn))).flat();
    const living = distinct([...livingDaemons(stateFolder, members), ...inside]).filter(({ pid }) => pid !== process.pid);
    if (living.length === 0 && found.every((netns) => namespaces.has(netns))) break;
    for (const netns of found) namespaces.add(netns);
    for (const { pid, startTicks } of living) processes.add(`${String(pid)}@${startTicks}`);
    await endProcesses(living, 'SIGKILL');
  }
  for (const netns of namespaces) await tryCommand(['ip', 'netns', 'delete', netns]);
  const holder = recallProcess(stateFolder, 'holder');
  removeStateFolder(stateFolder);
  // Last: it keeps all of the above in sight.
  if (holder) await endProcesses([holder], 'SIGKILL');
  return { namespaces: namespaces.size, processes: processes.size + (controller ? 1 : 0) + (holder ? 1 : 0) };
}

/** Sends `gentle`, and SIGKILL to who does not end; returns when all are gone. */
async function endProcesses(identities: readonly ProcessIdentity[], gentle: NodeJS.Signals): Promise<void> {
  for (const [signal, patienceMs] of [
    [gentle, PATIENCE_MS],
    ['SIGKILL', PATIENCE_MS],
  ] as const) {
    const living = identities.filter(isAlive);
    for (const { pid } of living) sendSignal(pid, signal);
    const deadline = performance.now() + patienceMs;
    while (living.some(isAlive) && performance.now() < deadline) await sleep(10);
  }
}

/**
 * Those in the plan, their pods', and those of the prefix that bear our mark: a lab whose folder is gone. Others' are left alone.
 * Pods' come and go with the cluster, and no plan lists them.
 */
async function ourNamespaces(prefix: string, planned: readonly string[]): Promise<string[]> {
  const candidates = (await listNamespaces()).filter((name) => new RegExp(`^${prefix}-(tor|cp|[nv]\\d+|p-.+)$`).test(name));
  const isPlanned = (name: string) => planned.includes(name) || (planned.includes(`${prefix}-cp`) && name.startsWith(`${prefix}-p-`));
  const isOurs = await Promise.all(candidates.map(async (name) => isPlanned(name) || (await isMarked(name, prefix))));
  return candidates.filter((_, index) => isOurs[index]);
}

/** Names of all namespaces that `ip netns` knows. */
export async function listNamespaces(): Promise<string[]> {
  const { stdout } = await tryCommand(['ip', 'netns', 'list']);
  return stdout
    .split('\n')
    .flatMap((line) => line.split(' ', 1)[0] ?? [])
    .filter((name) => name !== '');
}

async function isMarked(netns: string, prefix: string): Promise<boolean> {
  const { stdout } = await tryCommand(['ip', '-n', netns, '-j', 'link', 'show', 'lo']);
  return stdout.includes(`"ifalias":"${namespaceMark(prefix)}"`);
}

async function processesIn(netns: string): Promise<ProcessIdentity[]> {
  const { stdout } = await tryCommand(['ip', 'netns', 'pids', netns]);
  return stdout.split('\n').flatMap((line) => identityOf(Number(line)) ?? []);
}

function distinct(identities: readonly ProcessIdentity[]): ProcessIdentity[] {
  return [...new Map(identities.map((identity) => [identity.pid, identity])).values()];
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone in between
  }
}
