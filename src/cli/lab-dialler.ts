// `holdfast lab-dialler` (hidden): dials each VIP of a lab twice from the vantage whose namespace it runs in, for `lab up`.
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';

export function labDiallerCommand(): Command {
  return new Command('lab-dialler')
    .requiredOption('--state <folder>', 'state folder of the lab')
    .requiredOption('--vantage <name>', 'the vantage')
    .action(async ({ state, vantage }: { state: string; vantage: string }) => {
      const { planOfFolder } = await import('../lab/lab.ts');
      const { dialTwice } = await import('../lab/soundness.ts');
      const plan = planOfFolder(state);
      const member = plan?.vantages.find(({ name }) => name === vantage);
      if (!plan || !member) throw new AppError('LAB_MISSING', `${state} holds no lab with a vantage ${vantage}`);
      process.stdout.write(`${JSON.stringify(await dialTwice(plan, member))}\n`);
    });
}
