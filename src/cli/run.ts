// `holdfast run`: one run of a scenario in an environment.
import { Command, InvalidArgumentError } from 'commander';

type Flags = {
  env: string;
  out?: string;
  seed: number;
  probes?: string;
  prefix: string;
  json?: true;
  dryRun?: true;
  faults: boolean;
  expectScenario?: string;
  keeperSocket?: string;
};

export function runCommand(): Command {
  return new Command('run')
    .argument('<scenario>', 'a scenario file')
    .requiredOption('--env <file>', 'an environment file')
    .option('--out <folder>', 'folder for journal and reports (default: a new one below runs/)')
    .option('--seed <number>', 'decides every choice that is left open, such as node: any', parseSeed, 1)
    .option('--probes <folder>', 'where the probes lie (default: probes/ beside the scenario’s folder)')
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .option('--keeper-socket <path>', 'where the keeper listens, instead of where the environment says')
    .option('--json', 'the journal as NDJSON on standard output')
    .option('--dry-run', 'print the plan and touch nothing')
    .option('--no-faults', 'refuse a scenario that injects any')
    .option('--expect-scenario <sha256>', 'refuse a scenario whose file does not have this SHA-256 (hex)')
    .action(async (scenario: string, flags: Flags) => {
      const { refuseUsedFolder } = await import('./run-folder.ts');
      // Before the lab's own namespaces are entered: an ordinary user's are made for that, and should not be for nothing.
      if (flags.out !== undefined && !flags.dryRun) refuseUsedFolder(flags.out);
      const { loadPlan, openEnvironment, readOrder } = await import('./run-environment.ts');
      const loaded = await loadPlan({
        scenario,
        environment: flags.env,
        probes: flags.probes,
        prefix: flags.prefix,
        seed: flags.seed,
        isDryRun: flags.dryRun ?? false,
        faults: flags.faults,
        expectScenario: flags.expectScenario,
        keeperSocket: flags.keeperSocket,
      });
      if (flags.dryRun) {
        const { planText } = await import('./dry-run.ts');
        process.stdout.write(planText(loaded.plan, await readOrder(loaded)));
        return;
      }
      const { carryOut } = await import('./carry-out.ts');
      process.exit(
        await carryOut({
          plan: loaded.plan,
          open: (_environment, signal) => openEnvironment(loaded, signal),
          out: flags.out ?? null,
          isJson: flags.json ?? false,
        }),
      );
    });
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed > 4_294_967_295)
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295');
  return seed;
}
