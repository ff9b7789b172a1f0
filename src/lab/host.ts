// Where a lab lives: on this machine as root, or for an ordinary user in namespaces held by a process of their own.
//
//   root:  this process ------------------------------> ip netns …
//   user:  this process --execve--> nsenter --execve--> this program again, believing to be root --> ip netns …
//                                      ^ holder: `unshare -Urnm`, a tmpfs on /run, asleep
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { AppError } from '../core/errors.ts';
import type { Argv } from '../io/command.ts';
import { labStateFolder } from './address-plan.ts';
import { makeStateFolder, recallProcess, rememberProcess } from './state-folder.ts';

/** Tells a program inside which user it really belongs to. */
const ROOTLESS = 'HOLDFAST_ROOTLESS';
// `ip netns` keeps its names in /run/netns, which no ordinary user may write.
const HOLD = 'mount -t tmpfs tmpfs /run && echo ready && exec sleep infinity';
const RESUME = 'cd "$0" && exec "$@"';

export type LabHost = {
  /** The user the lab belongs to, whoever this process believes to be. */
  uid: number;
  isRootless: boolean;
};

export type EnterOptions = {
  prefix: string;
  /** `build` makes the place if need be, `use` wants it there, `clear` does without where it is gone. */
  purpose: 'build' | 'use' | 'clear';
  /** The environment and command line of this process. */
  env: Record<string, string | undefined>;
  argv: Argv;
};

/**
 * Makes this process one that can build and use the lab `prefix`. For an ordinary user that means to begin again inside:
 * then it does not return, so call it before anything else is done.
 * @throws AppError LAB_MISSING for `use` without a lab, NOT_PERMITTED where the machine forbids user namespaces
 */
export async function enterLabHost(options: EnterOptions): Promise<LabHost> {
  const { prefix, purpose, env } = options;
  const uid = process.getuid?.() ?? 0;
  const real = env[ROOTLESS];
  if (uid === 0) return { uid: Number(real ?? 0), isRootless: real !== undefined };
  const stateFolder = labStateFolder(prefix, uid);
  let holder = recallProcess(stateFolder, 'holder')?.pid;
  if (holder === undefined) {
    if (purpose === 'clear') return { uid, isRootless: true };
    if (purpose === 'use') {
      throw new AppError('LAB_MISSING', `the lab ${prefix} is not up`, { remedy: 'holdfast lab up deploy/lab/three-nodes.yaml' });
    }
    holder = await startHolder(stateFolder);
  }
  return beginAgainIn(holder, uid, options);
}

/** This program once more, in the holder's namespaces, in the same folder. */
function beginAgainIn(holder: number, uid: number, { env, argv }: EnterOptions): never {
  const enter = ['nsenter', '--preserve-credentials', '--user', '--mount', '--net', '--target', String(holder)];
  const again = ['sh', '-c', RESUME, process.cwd(), ...argv];
  return becomeCommand([...enter, ...again], { ...env, [ROOTLESS]: String(uid) });
}

/** Replaces this process by a command: signals, terminal and exit code stay what they were. */
export function becomeCommand(argv: readonly string[], env: Record<string, string | undefined>): never {
  if (!process.execve) throw new AppError('COMMAND_MISSING', 'this Node cannot replace itself', { remedy: 'use Node 24' });
  const defined = Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  // The shell finds the command in PATH.
  return process.execve('/bin/sh', ['sh', '-c', 'exec "$@"', 'sh', ...argv], defined);
}

async function startHolder(stateFolder: string): Promise<number> {
  makeStateFolder(stateFolder);
  const child = spawn('unshare', ['--user', '--map-root-user', '--net', '--mount', 'sh', '-c', HOLD], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const isReady = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'exit').then(
      () => false,
      (error: unknown) => {
        said += String(error);
        return false;
      },
    ),
  ]);
  if (!isReady || child.pid === undefined) throw noUserNamespaces(said);
  rememberProcess(stateFolder, 'holder', child.pid);
  return child.pid;
}

function noUserNamespaces(said: string): AppError {
  const setting = (name: string) => {
    try {
      return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
    } catch {
      return null; // this kernel has no such setting
    }
  };
  const remedy =
    setting('kernel/apparmor_restrict_unprivileged_userns') === '1'
      ? 'AppArmor keeps user namespaces from ordinary users (Ubuntu 23.10 and later): sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root'
      : 'holdfast doctor tells what the kernel forbids; as root no user namespace is needed';
  return new AppError('NOT_PERMITTED', `this user may not make user namespaces: ${said.trim()}`, { remedy });
}
