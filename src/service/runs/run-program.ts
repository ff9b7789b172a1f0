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
  const known = catalogue.scenarios.get(scenario);
  const place = catalogue.environments.get(environment);
  if (known === undefined || place === undefined) return null;
  const { keeperSocket } = place.environment;
  const [probe] = catalogue.probes.values();
  return [
    ...argv,
    'run',
    resolve(known.file),
    ...['--env', resolve(place.file)],
    ...(place.joinedKeeper === undefined || keeperSocket === null ? [] : ['--keeper-socket', keeperSocket]),
    ...['--seed', String(seed)],
    ...['--prefix', labPrefix],
    // The runner reads the file anew, and hooks and freezes have judged what it said when the service started.
    ...(known.scenario.timeline.length === 0 ? ['--no-faults'] : ['--expect-scenario', known.sha256]),
    ...(probe ? ['--probes', dirname(resolve(probe.file))] : []),
  ];
}
