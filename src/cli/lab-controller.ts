// `holdfast lab-controller` (hidden): the process that plays a lab's cluster. Started by `lab up`, ended by `lab down`.
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { selfArgv } from './self.ts';

export function labControllerCommand(): Command {
  return new Command('lab-controller')
    .requiredOption('--state <folder>', 'state folder of the lab')
    .action(async ({ state }: { state: string }) => {
      const { planOfFolder } = await import('../lab/lab.ts');
      const { runController } = await import('../lab/controller/run-controller.ts');
      const plan = planOfFolder(state);
      if (plan === null)
        throw new AppError('LAB_MISSING', `${state} holds no lab`, { remedy: 'holdfast lab up starts the controller by itself' });
      const controller = new AbortController();
      process.on('SIGTERM', () => {
        controller.abort();
      });
      const log = (line: string) => process.stderr.write(`${new Date().toISOString()} ${line}\n`);
      await runController({ plan, program: selfArgv(), logFile: 2, log, signal: controller.signal });
      // Responders end as their standard input closes with this process.
      process.exit();
    });
}
