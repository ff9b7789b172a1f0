// `holdfast doctor`: what this machine has and lacks for a lab, and what to do about it.
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import type { MachineCheck } from './machine-checks.ts';

const MARK: Readonly<Record<MachineCheck['state'], string>> = { present: 'ok', missing: 'MISSING', limited: 'limited' };

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Tries everything a lab needs on this machine, changes nothing, and says what to do where something is missing.')
    .option('--json', 'the result as one JSON document on standard output')
    .action(async (options: { json?: true }) => {
      const { checkMachine } = await import('./machine-checks.ts');
      const { clusterChecks } = await import('./cluster-checks.ts');
      const checks = [...(await checkMachine(process.env.PATH ?? '')), ...(await clusterChecks())];
      const missing = checks.filter(({ state }) => state === 'missing');
      process.stdout.write(options.json ? `${JSON.stringify({ isReady: missing.length === 0, checks }, null, 2)}\n` : table(checks));
      if (missing.length > 0) {
        throw new AppError('COMMAND_MISSING', `this machine lacks ${missing.map(({ name }) => name).join(', ')}`, {
          remedy: 'see the advice beside each; nothing that needs no lab is affected',
        });
      }
    });
}

function table(checks: readonly MachineCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, detail, remedy }) => [
    `${MARK[state].padEnd(7)}  ${name.padEnd(width)}  ${detail}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(9 + width)}  -> ${remedy}`]),
  ]);
  return `${lines.join('\n')}\n`;
}
