// How a run of the service is started: the command line of `holdfast run`, from the names that the service knows.
import { dirname, resolve } from 'node:path';
import type { Argv } from '../../io/command.ts';
import type { Catalogue } from '../parts.ts';

export type RunProgram = {
  /** How `holdfast` is started. */
  argv: Argv;
  catalogue: Catalogue;
  labPrefix: string;
};

type Wanted = { scenario: string; environment: string; seed: number };

/** Into the folder `out`; null when the catalogue does not know one of the names. */
export function runArgv(program: RunProgram, wanted: Wanted, out: string): Argv | null {
  const common = commonArgv(program, wanted);
  return common && [...common, '--out', out];
}

/** The same, touching nothing. */
export function planArgv(program: RunProgram, wanted: Wanted): Argv | null {
  const common = commonArgv(program, wanted);
  return common && [...common, '--dry-run'];
}

function commonArgv({ argv, catalogue, labPrefix }: RunProgram, { scenario, environment, seed }: Wanted): Argv | null {
  const scenarioFile = catalogue.scenarios.get(scenario)?.file;
  const environmentFile = catalogue.environments.get(environment)?.file;
  if (scenarioFile === undefined || environmentFile === undefined) return null;
  const [probe] = catalogue.probes.values();
  return [
    ...argv,
    'run',
    resolve(scenarioFile),
    ...['--env', resolve(environmentFile)],
    ...['--seed', String(seed)],
    ...['--prefix', labPrefix],
    ...(probe ? ['--probes', dirname(resolve(probe.file))] : []),
  ];
}
