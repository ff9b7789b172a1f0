// The processes of a pod: started, adopted from a kubelet that is gone, found again, ended to the last.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from '../../io/process-identity.ts';
import { POD_VARIABLE, type PodCommand } from './pod-command.ts';

/** `code` null: nobody saw it end. */
export type Exit = { code: number | null };
/** The main process of a pod; `identity` null when it ended before anybody could look. */
export type PodProcess = { identity: ProcessIdentity | null; ended: Promise<Exit> };

const ADOPTED_EVERY_MS = 100;
const LEFTOVERS_GONE_WITHIN_MS = 2_000;
/** As a shell says it of a command that it cannot start. */
const NOT_STARTED = 127;

/** `argv` as it must be started to run in a pod's namespace; `ip netns exec` would give it another view of the machine's mounts. */
export function argvInPod(netns: string | null, argv: readonly [string, ...string[]]): [string, ...string[]] {
  return netns === null ? [...argv] : ['nsenter', `--net=/run/netns/${netns}`, '--', ...argv];
}

/** Starts it in a session of its own, so that it outlives this process; its output is appended to `logPath`. */
export function startProcess({ argv, env }: PodCommand, at: { netns: string | null; cwd: string; logPath: string }): PodProcess {
  const log = openSync(at.logPath, 'a', 0o600);
  const [file, ...rest] = argvInPod(at.netns, argv);
  const { promise, resolve } = Promise.withResolvers<Exit>();
  const child = spawn(file, rest, { detached: true, stdio: ['ignore', log, log], cwd: at.cwd, env });
  child.once('error', (error) => {
    writeSync(log, `${error.message}\n`);
    resolve({ code: NOT_STARTED });
  });
  child.once('exit', (code, signal) => {
    resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
  });
  void promise.then(() => {
    closeSync(log);
  });
  return { identity: child.pid === undefined ? null : identityOf(child.pid), ended: promise };
}

/** A process that another kubelet started; looked at now and then, since only a parent is told. */
export function adoptProcess(identity: ProcessIdentity): PodProcess {
  const untilGone = async (): Promise<Exit> => {
    while (isAlive(identity)) await sleep(ADOPTED_EVERY_MS);
    return { code: null };
  };
  return { identity, ended: untilGone() };
}

/** Sends it a signal unless it is gone. */
export function signalProcess({ identity }: Pick<PodProcess, 'identity'>, signal: NodeJS.Signals): void {
  if (identity === null || !isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // gone in between
  }
}

/** Every living process of a pod, its children included, wherever they have gone; the main one leads its session. */
export function processesOfPod(uid: string): (ProcessIdentity & { isLeader: boolean })[] {
  const mark = `\0${POD_VARIABLE}=${uid}\0`;
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || !`\0${readText(`/proc/${entry}/environ`)}`.includes(mark)) return [];
    const identity = identityOf(Number(entry));
    return identity === null ? [] : [{ ...identity, isLeader: sessionOf(entry) === entry }];
  });
}

/** Ends what is left of a pod, as the end of a container ends everything in it. @returns how many there were */
export async function endLeftovers(uid: string): Promise<number> {
  const found = processesOfPod(uid);
  for (const identity of found) signalProcess({ identity }, 'SIGKILL');
  const deadline = performance.now() + LEFTOVERS_GONE_WITHIN_MS;
  while (found.some(isAlive) && performance.now() < deadline) await sleep(10);
  return found.length;
}

/** Field 6 of /proc/PID/stat, counted from behind the command's name. */
function sessionOf(pid: string): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended, or is not ours to look at
  }
}
