// `holdfast lab-controller` (hidden): the process that plays a lab's cluster. Started by `lab up`, ended by `lab down`.
import { join } from 'node:path';
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import type { LabPlan } from '../lab/address-plan.ts';
import { deployFolder, selfArgv } from './self.ts';

export function labControllerCommand(): Command {
  return new Command('lab-controller')
    .requiredOption('--state <folder>', 'state folder of the lab')
    .action(async ({ state }: { state: string }) => {
      const { planOfFolder } = await import('../lab/lab.ts');
      const plan = planOfFolder(state);
      if (plan === null)
        throw new AppError('LAB_MISSING', `${state} holds no lab`, { remedy: 'holdfast lab up starts the controller by itself' });
      const controller = new AbortController();
      process.on('SIGTERM', () => {
        controller.abort();
      });
      const log = (line: string) => process.stderr.write(`${new Date().toISOString()} ${line}\n`);
      const { signal } = controller;
      if (plan.controlPlane) await playCluster(plan, { log, signal });
      else
        await (await import('../lab/controller/run-controller.ts')).runController({ plan, program: selfArgv(), logFile: 2, log, signal });
      // Responders and programs end with this process.
      process.exit();
    });
}

/** Real Kubernetes and MetalLB. */
async function playCluster(plan: LabPlan, { log, signal }: { log: (line: string) => void; signal: AbortSignal }): Promise<void> {
  const { findPrograms, programFolders } = await import('../lab/programs.ts');
  const { runCluster } = await import('../lab/cluster/run-cluster.ts');
  const { clusterOptions } = await import('../lab/cluster/cluster-options.ts');
  const { metallb } = clusterOptions(plan);
  const programs = findPrograms(await programFolders({ sources: join(deployFolder(), 'lab', 'programs'), metallb }, signal));
  const options = { plan, programs, program: selfArgv(), deploy: deployFolder(), log, signal };
  await runCluster(options).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
