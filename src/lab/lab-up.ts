// Building a lab: claimed, built, converged, proved; or nothing of it remains.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';
import { type Argv, spawnIn, tryCommand } from '../io/command.ts';
import type { LabPlan } from './address-plan.ts';
import { buildNetwork } from './build.ts';
import { untilConverged } from './convergence.ts';
import { findDaemons, startDaemons } from './frr-daemons.ts';
import { kindOf } from './kind-of.ts';
import { labDown, listNamespaces } from './lab-down.ts';
import { type Lab, labOf } from './lab.ts';
import { proveSound } from './soundness.ts';
import { namespacesOf } from './topology.ts';
import { claimLab, disclaimLab, keyFile, rememberProcess, writeRecord } from './state-folder.ts';

export type LabUpOptions = {
  /** The user the lab belongs to. */
  uid: number;
  /** How `holdfast` itself is started. */
  program: Argv;
  signal: AbortSignal;
  /** Told of each step as it begins. */
  onProgress: (step: string) => void;
};

/**
 * Builds the lab and returns when it has proved itself; takes about 5 s, with a cluster about 15. Whatever fails, or when `signal` aborts, all of it is removed.
 * @throws AppError LAB_EXISTS, LAB_UNSOUND, NOT_PERMITTED, COMMAND_MISSING, DISK
 */
export async function labUp(plan: LabPlan, options: LabUpOptions): Promise<Lab> {
  const { uid, program, signal, onProgress } = options;
  const kind = kindOf(plan);
  await checkCommands(plan, signal);
  let record = claimLab(plan, uid);
  await refuseOthersNamespaces(plan).catch((error: unknown) => {
    disclaimLab(plan.stateFolder);
    throw error;
  });
  try {
    record = { ...record, ownsNamespaces: true };
    writeRecord(plan.stateFolder, record);
    onProgress(`building ${String(plan.nodes.length)} nodes, ${String(plan.vantages.length)} vantages and a router`);
    writeFileSync(keyFile(plan.stateFolder), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    await buildNetwork(plan, signal);
    onProgress(kind.steps.starting);
    await startDaemons(plan, signal);
    const controller = startController(plan, program);
    onProgress(kind.steps.waiting);
    await untilConverged(plan, controller.failure, signal);
    onProgress('dialling every VIP twice from every vantage');
    await proveSound(plan, program, signal);
    signal.throwIfAborted();
    writeRecord(plan.stateFolder, { ...record, state: 'up' });
    controller.release();
    return labOf(plan);
  } catch (error) {
    await labDown(plan.prefix, uid);
    throw isDiskFull(error) ? fullDisk(plan, error) : error;
  }
}

/** @throws AppError LAB_EXISTS when a namespace of that name is there already: it is not ours, or a lab whose folder is gone. */
async function refuseOthersNamespaces(plan: LabPlan): Promise<void> {
  const present = await listNamespaces();
  const taken = namespacesOf(plan).find((netns) => present.includes(netns));
  if (taken === undefined) return;
  throw new AppError('LAB_EXISTS', `there is a network namespace ${taken} already`, {
    remedy: `holdfast lab down --prefix ${plan.prefix} removes it if a lab left it; else build this lab with another --prefix`,
  });
}

function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS'].includes(String((error as NodeJS.ErrnoException | null)?.code));
}

function fullDisk(plan: LabPlan, cause: unknown): AppError {
  return new AppError('DISK', `the lab's files cannot be written to ${plan.stateFolder}: ${messageOf(cause)}`, {
    remedy: 'make room in /tmp',
    cause,
  });
}

/** Everything that a lab will call, called once: better now than with half a lab. */
async function checkCommands(plan: LabPlan, signal: AbortSignal): Promise<void> {
  findDaemons();
  const calls: Argv[] = [['ip', '-V'], ['ss', '-V'], ['vtysh', '--help'], ...kindOf(plan).commands(plan)];
  await Promise.all(calls.map(async (argv) => tryCommand(argv, { signal })));
}

/** Starts the lab's controller in a session of its own, where no Ctrl-C of ours reaches it. */
function startController(plan: LabPlan, program: Argv): { failure: () => string | null; release: () => void } {
  const logPath = join(plan.stateFolder, 'controller.log');
  const log = openSync(logPath, 'a', 0o600);
  const argv = kindOf(plan).controllerArgv(plan, [...program, 'lab-controller', '--state', plan.stateFolder]);
  const child = spawnIn(undefined, argv, {
    stdio: ['ignore', log, log],
    cwd: '/',
  });
  closeSync(log);
  let failure: string | null = null;
  child.once('error', (error) => {
    failure = error.message;
  });
  child.once('exit', () => {
    failure = `its controller ended: ${readFileSync(logPath, 'utf8').trim().slice(-500)}`;
  });
  if (child.pid !== undefined) rememberProcess(plan.stateFolder, 'controller', child.pid);
  return {
    failure: () => failure,
    release: () => {
      child.unref();
    },
  };
}
