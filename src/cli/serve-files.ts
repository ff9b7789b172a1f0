// The files of a service: serve.yaml, and every environment, scenario and probe that it names, each checked against the others.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputMistakes, type Mistake } from '../core/mistakes.ts';
import type { EnvironmentFile } from '../core/environment.ts';
import type { Probe } from '../core/probe-file.ts';
import type { Scenario } from '../core/scenario-file.ts';
import type { ServiceFile } from '../core/service-file.ts';
import { mistakeAt } from '../core/yaml-document.ts';
import { type CheckedFile, checkFile, type FileValue, type LoadedFile, readDocument, whole } from './load-files.ts';
import { checkProbes, environmentMistakes, namesOf, unknownName, withKeeperAt } from './load-run.ts';

export type ServiceFiles = {
  service: LoadedFile<ServiceFile>;
  environments: LoadedFile<EnvironmentFile>[];
  scenarios: LoadedFile<Scenario>[];
  probes: LoadedFile<Probe>[];
};

/** What a service does without `--config`: its own file, deploy/serve.yaml. */
export function defaultServiceFile(): string {
  return fileURLToPath(new URL('../../deploy/serve.yaml', import.meta.url));
}

/**
 * Loads a service file and all it names; references to secrets stay as written.
 * @throws AppError FILE_UNREADABLE; InputMistakes with every mistake of all these files
 */
export function loadServiceFiles(path: string): ServiceFiles {
  const service = checkFile(readDocument(path), 'service');
  if (!service.value) throw new InputMistakes(service.mistakes);
  const beside = (file: string) => resolve(dirname(path), file);
  const { keepers } = service.value;
  const named = service.value.environments.map((file) => checkFile(readDocument(beside(file)), 'environment'));
  // A scenario with faults fits an environment whose keeper joins; where its socket is, the service's folder will tell.
  const environments = named.map((file) => {
    const joins = keepers.some((keeper) => keeper.environments.includes(file.name));
    return joins ? withKeeperAt(file, 'joined') : file;
  });
  const folders = { scenarios: beside(service.value.scenarios), probes: beside(service.value.probes) };
  const scenarios = filesOf(folders.scenarios, 'scenario');
  const probes = filesOf(folders.probes, 'probe');
  const mistakes = [
    ...[...environments, ...scenarios, ...probes].flatMap((file) => file.mistakes),
    ...scenarios.flatMap((scenario) => checkProbes(scenario, folders.probes).mistakes),
    ...new Names({ service, environments, scenarios, probes }, folders).mistakes(),
    ...keeperMistakes(service, named),
  ];
  if (mistakes.length > 0) throw new InputMistakes(mistakes);
  return { service: whole(service), environments: environments.map(whole), scenarios: scenarios.map(whole), probes: probes.map(whole) };
}

/** An environment has one keeper, wherever it is. */
function keeperMistakes(service: CheckedFile<ServiceFile>, environments: readonly CheckedFile<EnvironmentFile>[]): Mistake[] {
  const keepers = service.value?.keepers ?? [];
  const known = environments.map(({ name }) => name);
  const listed = keepers.flatMap(({ environments: each }) => each);
  return keepers.flatMap((keeper, index) => {
    const isTwice = keepers.findIndex(({ name }) => name === keeper.name) !== index;
    const place = ['keepers', index, 'name'];
    return [
      ...(isTwice ? [mistakeAt(service.document, place, { expected: 'a name of its own', found: `${keeper.name} a second time` })] : []),
      ...keeper.environments.flatMap((name, at) => {
        const path = ['keepers', index, 'environments', at];
        if (!known.includes(name)) return [unknownName(service, path, { what: 'an environment of this file', found: name, known })];
        const value = environments.find((file) => file.name === name)?.value;
        const hasOwn = value !== undefined && !('lab' in value) && value.keeper !== undefined;
        const expected = 'an environment without another keeper';
        if (hasOwn) return [mistakeAt(service.document, path, { expected, found: `${name}, whose own file names a keeper's socket` })];
        const isListedTwice = listed.filter((other) => other === name).length > 1;
        return isListedTwice ? [mistakeAt(service.document, path, { expected, found: `${name}, which is listed twice` })] : [];
      }),
    ];
  });
}

function filesOf<K extends 'scenario' | 'probe'>(folder: string, kind: K): CheckedFile<FileValue[K]>[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((file) => /\.ya?ml$/.test(file)) : [];
  return names.sort().map((name) => checkFile(readDocument(join(folder, name)), kind));
}

type Checked = {
  service: CheckedFile<ServiceFile>;
  environments: CheckedFile<EnvironmentFile>[];
  scenarios: CheckedFile<Scenario>[];
  probes: CheckedFile<Probe>[];
};

/** Every name that serve.yaml says must exist where it points. */
class Names {
  readonly #files: Checked;
  readonly #folders: { scenarios: string; probes: string };
  readonly #mistakes: Mistake[] = [];

  constructor(files: Checked, folders: { scenarios: string; probes: string }) {
    this.#files = files;
    this.#folders = folders;
  }

  mistakes(): Mistake[] {
    const { service } = this.#files;
    const { value } = service;
    if (!value) return [];
    this.#environments(value);
    this.#monitors(value);
    this.#triggers(value);
    this.#rules(value);
    return this.#mistakes;
  }

  #environments({ environments, localVantages }: ServiceFile): void {
    const labs = this.#files.environments.map((file, index) => ({ file, index })).filter(({ file }) => file.value && 'lab' in file.value);
    for (const { index } of labs.slice(1)) {
      this.#wrong(['environments', index], { expected: 'at most one lab', found: environments[index] ?? '' });
    }
    this.#files.environments.forEach((file, index) => {
      const isTwice = this.#files.environments.findIndex((other) => other.name === file.name) !== index;
      if (isTwice) this.#wrong(['environments', index], { expected: 'files of different names', found: `${file.name} a second time` });
    });
    const vantages = this.#files.environments.flatMap(({ value }) => (value ? namesOf(value).vantages : []));
    localVantages.forEach((vantage, index) => {
      this.#check(['localVantages', index], 'a vantage of its environments', vantage, vantages);
    });
  }

  #monitors({ monitors }: ServiceFile): void {
    this.#once('monitors', monitors);
    const probes = this.#files.probes.map(({ name }) => name);
    monitors.forEach((monitor, index) => {
      const environment = this.#environment(['monitors', index, 'environment'], monitor.environment);
      monitor.flows.forEach((group, at) => {
        const place = ['monitors', index, 'flows', at];
        this.#check([...place, 'probe'], `a probe of ${this.#folders.probes}`, group.probe, probes);
        if (!environment?.value) return;
        const names = namesOf(environment.value);
        this.#check([...place, 'vip'], `a VIP of ${environment.path}`, group.vip, names.vips);
        if (group.vantages === 'all') return;
        group.vantages.forEach((vantage, inner) => {
          this.#check([...place, 'vantages', inner], `a vantage of ${environment.path}`, vantage, names.vantages);
        });
      });
    });
  }

  #triggers({ schedules, hooks }: ServiceFile): void {
    this.#once('schedules', schedules);
    this.#once('hooks', hooks);
    schedules.forEach(({ scenario, environment }, index) => {
      const found = this.#environment(['schedules', index, 'environment'], environment);
      this.#scenario(['schedules', index, 'scenario'], scenario, found);
    });
    hooks.forEach((hook, index) => {
      const found = this.#environment(['hooks', index, 'environment'], hook.environment);
      hook.scenarios.forEach((scenario, at) => {
        const file = this.#scenario(['hooks', index, 'scenarios', at], scenario, found);
        if (hook.allowFaults || !file?.value || file.value.timeline.length === 0) return;
        const expected = 'a scenario without faults, or `allowFaults: true` beside it';
        this.#wrong(['hooks', index, 'scenarios', at], { expected, found: `${scenario}, which injects faults` });
      });
    });
  }

  #rules({ rules, destinations, periods }: ServiceFile): void {
    this.#once('rules', rules);
    this.#once('destinations', destinations);
    this.#once('periods', periods);
    const known = destinations.map(({ name }) => name);
    rules.forEach((rule, index) => {
      rule.destinations.forEach((destination, at) => {
        this.#check(['rules', index, 'destinations', at], 'a destination of this file', destination, known);
      });
      this.#environmentList(['rules', index, 'environments'], rule.environments);
    });
    periods.forEach(({ environments }, index) => {
      this.#environmentList(['periods', index, 'environments'], environments);
    });
  }

  #environmentList(path: readonly PropertyKey[], names: 'all' | readonly string[]): void {
    if (names === 'all') return;
    names.forEach((name, at) => this.#environment([...path, at], name));
  }

  #environment(path: readonly PropertyKey[], name: string): CheckedFile<EnvironmentFile> | undefined {
    const { environments } = this.#files;
    this.#check(
      path,
      'an environment of this file',
      name,
      environments.map((file) => file.name),
    );
    return environments.find((file) => file.name === name);
  }

  /** A scenario that exists, and fits the environment it shall run in. */
  #scenario(
    path: readonly PropertyKey[],
    name: string,
    environment: CheckedFile<EnvironmentFile> | undefined,
  ): CheckedFile<Scenario> | undefined {
    const { scenarios } = this.#files;
    const known = scenarios.map((file) => file.name);
    this.#check(path, `a scenario of ${this.#folders.scenarios}`, name, known);
    const found = scenarios.find((file) => file.name === name);
    if (found && environment) this.#mistakes.push(...environmentMistakes(found, environment));
    return found;
  }

  #once(list: 'monitors' | 'schedules' | 'hooks' | 'rules' | 'destinations' | 'periods', entries: readonly { name: string }[]): void {
    entries.forEach(({ name }, index) => {
      if (entries.findIndex((other) => other.name === name) === index) return;
      this.#wrong([list, index, 'name'], { expected: 'a name of its own', found: `${name} a second time` });
    });
  }

  #check(path: readonly PropertyKey[], what: string, found: string, known: readonly string[]): void {
    if (!known.includes(found)) this.#mistakes.push(unknownName(this.#files.service, path, { what, found, known }));
  }

  #wrong(path: readonly PropertyKey[], about: { expected: string; found: string }): void {
    this.#mistakes.push(mistakeAt(this.#files.service.document, path, about));
  }
}
