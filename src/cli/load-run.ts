// The files of one run, checked against each other: every name that one of them says must exist in another.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CapabilityName } from '../core/capabilities.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import type { EnvironmentFile } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { InputMistakes, type Mistake } from '../core/mistakes.ts';
import type { Probe } from '../core/probe-file.ts';
import { NODE_ROLES, type Scenario, type TimelineEntry } from '../core/scenario-file.ts';
import { mistakeAt, type YamlDocument } from '../core/yaml-document.ts';
import { FAULTS } from '../keeper/faults/index.ts';
import { type CheckedFile, checkFile, type LoadedFile, readDocument, whole } from './load-files.ts';

export type RunFiles = {
  scenario: LoadedFile<Scenario>;
  environment: LoadedFile<EnvironmentFile>;
  /** The probes that the scenario names, by name. */
  probes: Record<string, Probe>;
};

/** What whoever asks for a run knows of its scenario; the file may have been edited since. */
export type Expected = {
  /** Hex SHA-256 of the scenario's file. */
  expectScenario?: string | undefined;
  /** False: the scenario must have no timeline. */
  faults?: boolean | undefined;
};

/**
 * Loads a scenario, the environment it runs in and the probes it names.
 * @param paths `probes` is a folder; without it, `probes/` beside the scenario's own folder. `keeperSocket`: instead of the environment's
 * @throws AppError FILE_UNREADABLE, CONFLICT for a scenario that is not as expected; InputMistakes with every mistake of all these files
 */
export function loadRun(
  paths: { scenario: string; environment: string; probes?: string | undefined; keeperSocket?: string | undefined } & Expected,
): RunFiles {
  const scenario = checkFile(readDocument(paths.scenario), 'scenario');
  refuseOther(scenario, paths);
  const environment = withKeeperAt(checkFile(readDocument(paths.environment), 'environment'), paths.keeperSocket);
  const probes = checkProbes(scenario, paths.probes);
  const mistakes = [
    ...scenario.mistakes,
    ...environment.mistakes,
    ...probes.mistakes,
    ...[...probes.files.values()].flatMap((file) => file.mistakes),
    ...environmentMistakes(scenario, environment),
  ];
  if (mistakes.length > 0) throw new InputMistakes(mistakes);
  return {
    scenario: whole(scenario),
    environment: whole(environment),
    probes: Object.fromEntries([...probes.files].map(([name, file]) => [name, whole(file).value])),
  };
}

/** The environment with its keeper at `socket`, if one is given, whatever its own file names. A lab's keeper is found by its lab otherwise. */
export function withKeeperAt(file: CheckedFile<EnvironmentFile>, socket: string | undefined): CheckedFile<EnvironmentFile> {
  if (socket === undefined || file.value === undefined || 'lab' in file.value) return file;
  return { ...file, value: { ...file.value, keeper: { socket } } };
}

function refuseOther({ path, document, value }: CheckedFile<Scenario>, { expectScenario, faults = true }: Expected): void {
  const remedy = 'start the service again, which judges a scenario as it was at its start; or put the file back as it was';
  if (expectScenario !== undefined && expectScenario.toLowerCase() !== document.sha256)
    throw new AppError('CONFLICT', `the scenario ${path} is not the one that was asked for: its file has been edited since`, { remedy });
  if (!faults && (value?.timeline.length ?? 0) > 0)
    throw new AppError('CONFLICT', `the scenario ${path} injects faults, and a run without any was asked for`, { remedy });
}

/** The probes that a scenario names; `mistakes` are those of the scenario: names without a file. */
export function checkProbes(
  scenario: CheckedFile<Scenario>,
  folder = join(dirname(scenario.path), '..', 'probes'),
): { files: Map<string, CheckedFile<Probe>>; mistakes: Mistake[] } {
  const known = probeNames(folder);
  const files = new Map<string, CheckedFile<Probe>>();
  const mistakes: Mistake[] = [];
  scenario.value?.flows.forEach(({ probe }, index) => {
    if (!known.includes(probe)) {
      mistakes.push(unknownName(scenario, ['flows', index, 'probe'], { what: `a probe of ${folder}`, found: probe, known }));
    } else if (!files.has(probe)) {
      files.set(probe, checkFile(readDocument(join(folder, `${probe}.yaml`)), 'probe'));
    }
  });
  return { files, mistakes };
}

/** Whatever a scenario asks for that an environment does not have. */
export function environmentMistakes(scenario: CheckedFile<Scenario>, environment: CheckedFile<EnvironmentFile>): Mistake[] {
  if (!scenario.value || !environment.value) return [];
  const { flows, timeline, expect } = scenario.value;
  const names = namesOf(environment.value);
  const mistakes: Mistake[] = [];
  const check = (path: readonly PropertyKey[], what: string, found: string | undefined, known: readonly string[]) => {
    if (found === undefined || known.includes(found)) return;
    mistakes.push(unknownName(scenario, path, { what: `${what} of ${environment.path}`, found, known }));
  };
  flows.forEach((group, index) => {
    check(['flows', index, 'vip'], 'a VIP', group.vip, names.vips);
    if (group.vantages === 'all') return;
    group.vantages.forEach((vantage, at) => {
      check(['flows', index, 'vantages', at], 'a vantage', vantage, names.vantages);
    });
  });
  timeline.forEach((entry, index) => {
    check(['timeline', index, 'node'], 'a node', entry.node, [...names.nodes, ...NODE_ROLES]);
    check(['timeline', index, 'vip'], 'a VIP', entry.vip, names.vips);
    const lacking = lackingFor(entry, environment.value);
    if (lacking === null) return;
    const expected = `${lacking} in ${environment.path}, which the fault ${entry.fault} needs`;
    mistakes.push(mistakeAt(scenario.document, ['timeline', index, 'fault'], { expected, found: 'none' }));
  });
  expect.forEach((expectation, index) => {
    check(['expect', index, 'vip'], 'a VIP', expectation.vip, names.vips);
    check(['expect', index, 'vantage'], 'a vantage', expectation.vantage, names.vantages);
  });
  return mistakes;
}

/** What the names of an environment can stand for. */
export function namesOf(environment: EnvironmentFile): Record<'vips' | 'nodes' | 'vantages', string[]> {
  const vips = environment.vips.map(({ name }) => name);
  if ('lab' in environment) {
    const { nodes, vantages } = environment.lab;
    return { vips, nodes: numbered('n', nodes), vantages: numbered('v', vantages) };
  }
  return {
    vips,
    nodes: environment.nodes.map(({ name }) => name),
    vantages: environment.vantages.map(({ name }) => name),
  };
}

/** What an environment lacks for a fault, by name; null when nothing. */
function lackingFor({ fault: kind, vip }: Pick<TimelineEntry, 'fault' | 'vip'>, environment: EnvironmentFile | undefined): string | null {
  if (environment === undefined) return null;
  if (!('lab' in environment) && environment.keeper === undefined) return 'a keeper (keeper: { socket: … })';
  const offered = offeredBy(environment);
  const fault = FAULTS.find((each) => each.kind === kind);
  const missing = (fault?.needs ?? []).filter((capability) => !offered.includes(capability));
  if (missing.length > 0) return `the capability ${missing.join(', ')}`;
  const ofVip = vip !== undefined && !('lab' in environment) ? environment.vips.find((each) => each.name === vip) : undefined;
  return ofVip && ofVip.service === undefined ? `the Service behind ${ofVip.name} (service: namespace/name)` : null;
}

/** What the keeper of such an environment can act on. */
function offeredBy(environment: EnvironmentFile): readonly CapabilityName[] {
  if ('lab' in environment) {
    return ['router', 'sessions', 'advertise', 'serve', 'links', ...(environment.lab.cluster ? (['cluster'] as const) : [])];
  }
  return [
    ...(environment.routers.length > 0 ? (['router', 'sessions'] as const) : []),
    ...(environment.cluster ? (['advertise', 'serve', 'cluster'] as const) : []),
  ];
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${String(index + 1)}`);
}

/** The mistake of a name that nobody bears. @param about `what` it should have been, as in `a VIP of lab.yaml` */
export function unknownName(
  file: { document: YamlDocument },
  path: readonly PropertyKey[],
  about: { what: string; found: string; known: readonly string[] },
): Mistake {
  const { what, found, known } = about;
  const list = known.length === 0 ? 'none there' : known.join(', ');
  return mistakeAt(file.document, path, {
    expected: `${what} (${list})`,
    found: JSON.stringify(found),
    didYouMean: didYouMean(found, known),
  });
}

function probeNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -'.yaml'.length))
      .sort();
  } catch {
    return []; // no such folder: the mistake names it
  }
}
