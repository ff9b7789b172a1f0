// The lab of a service: found as it is, or built, and taken down again by whoever built it, also after a kill.
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { AppError } from '../core/errors.ts';
import { spawnIn } from '../io/command.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import type { LabPlan } from '../lab/address-plan.ts';
import { findLab } from './run-environment.ts';
import { isSameLab } from '../lab/lab.ts';
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
export async function bringUpLab({ file, plan, uid, markFile, log, signal }: ServiceLabOptions): Promise<boolean> {
  const found = findLab(plan.prefix, uid);
  if (found && !isSameLab(found, plan)) {
    throw new AppError('LAB_EXISTS', `another lab is up under the prefix ${plan.prefix}: ${found.environment.title}`, {
      remedy: `holdfast lab down --prefix ${plan.prefix}, or give this service's another --prefix`,
    });
  }
  if (found) return existsSync(markFile);
  writeWholeFile(markFile, plan.prefix, 0o600);
  await lab(['up', file, '--prefix', plan.prefix], { log, signal });
  return true;
}

/** Takes down what `bringUpLab` built. */
export async function takeDownLab({ plan, markFile, log }: Pick<ServiceLabOptions, 'plan' | 'markFile' | 'log'>): Promise<void> {
  await lab(['down', '--prefix', plan.prefix], { log });
  rmSync(markFile, { force: true });
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
