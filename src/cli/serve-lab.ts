// The lab of a service: found as it is, or built, and taken down again by whoever built it, also after a kill.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { AppError } from '../core/errors.ts';
import { spawnIn } from '../io/command.ts';
import type { ProcessIdentity } from '../io/process-identity.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import type { LabPlan } from '../lab/address-plan.ts';
import { findLab } from './run-environment.ts';
import { isSameLab, type Lab } from '../lab/lab.ts';
import { readJson, recallProcess } from '../lab/state-folder.ts';
import { selfArgv } from './self.ts';

export type ServiceLabOptions = {
  /** Its environment file. */
  file: string;
  plan: LabPlan;
  uid: number;
  /** Stands as long as a service has the lab that it built itself: its next life must take it down too. */
  markFile: string;
  log: (line: string) => void;
  signal: AbortSignal;
};

/**
 * Makes sure that the lab is up. `holdfast lab` does it: for an ordinary user it begins again inside the lab's own namespaces, where the
 * service itself must not be, since nobody could reach it there.
 * @returns whether this service built it, now or in an earlier life
 * @throws AppError LAB_EXISTS when another lab has its prefix, COMMAND_FAILED with what `lab up` said
 */
export async function bringUpLab(options: ServiceLabOptions): Promise<boolean> {
  const { file, plan, uid, markFile, log, signal } = options;
  const mark = readJson(markFile) as Mark | null;
  const found = standingLab(plan, uid, mark);
  if (found && !isSameLab(found, plan)) {
    throw new AppError('LAB_EXISTS', `another lab is up under the prefix ${plan.prefix}: ${found.environment.title}`, {
      remedy: `holdfast lab down --prefix ${plan.prefix}, or give this service's another --prefix`,
    });
  }
  if (found) return isMarked(mark, plan);
  // What an earlier life left: half-built, or without its controller.
  if (mark) await takeDownLab(options);
  writeMark(markFile, { controller: null });
  try {
    await lab(['up', file, '--prefix', plan.prefix], { log, signal });
  } catch (error) {
    rmSync(markFile, { force: true }); // nothing of it stands
    throw error;
  }
  writeMark(markFile, { controller: recallProcess(plan.stateFolder, 'controller') });
  return true;
}

/** Takes down what `bringUpLab` built. */
export async function takeDownLab({ plan, markFile, log }: Pick<ServiceLabOptions, 'plan' | 'markFile' | 'log'>): Promise<void> {
  await lab(['down', '--prefix', plan.prefix], { log });
  rmSync(markFile, { force: true });
}

/** `controller`: of the lab that was built; null from before the building until it is done. */
type Mark = { controller: ProcessIdentity | null };

function writeMark(path: string, mark: Mark): void {
  writeWholeFile(path, JSON.stringify(mark), 0o600);
}

/** A lab that somebody built by hand since is not ours, whatever the mark says. */
function isMarked(mark: Mark | null, { stateFolder }: LabPlan): boolean {
  if (mark === null) return false;
  const controller = recallProcess(stateFolder, 'controller');
  return mark.controller === null || (mark.controller.pid === controller?.pid && mark.controller.startTicks === controller.startTicks);
}

/** The lab that is up; one of ours whose controller is gone counts as none, since it is built anew. */
function standingLab(plan: LabPlan, uid: number, mark: Mark | null): Lab | null {
  try {
    return findLab(plan.prefix, uid);
  } catch (error) {
    if (mark !== null && error instanceof AppError && error.code === 'LAB_UNSOUND') return null;
    throw error;
  }
}

async function lab(args: readonly string[], { log, signal }: { log: (line: string) => void; signal?: AbortSignal }): Promise<void> {
  const child = spawnIn(undefined, selfArgv('lab', ...args), { stdio: ['ignore', 'ignore', 'pipe'] });
  const end = once(child, 'exit') as Promise<[number | null]>;
  const said: string[] = [];
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      log(`lab: ${line}`);
    });
  }
  const interrupt = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    const [code] = await end;
    signal?.throwIfAborted();
    if (code === 0) return;
    throw new AppError('COMMAND_FAILED', `holdfast lab ${args.join(' ')} failed: ${said.slice(-3).join(' ')}`, {
      remedy: `try it by hand; holdfast lab down removes what is left of a lab`,
    });
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}
