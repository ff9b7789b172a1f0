// `holdfast validate`: every mistake in the files that people write, without running anything.
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { InputMistakes, type Mistake } from '../core/mistakes.ts';
import { mistakeAt, type YamlDocument } from '../core/yaml-document.ts';
import { type Kind, kindOf } from './kinds.ts';
import { checkFile, type FileDocument, loadEnvironment, readDocument } from './load-files.ts';
import { checkProbes, environmentMistakes } from './load-run.ts';

type Options = { env?: string; probes?: string; json?: true };
type Result = { file: string; kind: Kind | null; mistakes: readonly Mistake[]; unreadable: AppError | null };

export function validateCommand(): Command {
  return new Command('validate')
    .description('Checks files and tells every mistake with its place: file:line:column, expected, found, did you mean.')
    .argument('<file...>', 'probe, scenario, environment, service, agent or keeper files')
    .option('--env <file>', 'check the scenarios against this environment too')
    .option('--probes <folder>', "where the scenarios' probes lie (default: probes/ beside the scenario's folder)")
    .option('--json', 'the result as one JSON document on standard output')
    .action((files: string[], options: Options) => {
      const results = validateFiles(files, options);
      process.stdout.write(options.json ? asJson(results) : asText(results));
      conclude(results);
    });
}

/**
 * Checks each file, and scenarios against their probes and against `env`. A file that cannot be read is a result too.
 * @throws AppError when `env` itself is wrong
 */
export function validateFiles(files: readonly string[], options: Pick<Options, 'env' | 'probes'> = {}): Result[] {
  const environment = options.env === undefined ? undefined : loadEnvironment(options.env);
  return files.map((file) => {
    try {
      const document = readDocument(file);
      const kind = kindOf(file, document.value);
      return { file, kind, mistakes: kind === null ? kindMistakes(document) : mistakesOf(document, kind), unreadable: null };
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'FILE_UNREADABLE')) throw error;
      return { file, kind: null, mistakes: [], unreadable: error };
    }
  });

  function mistakesOf(document: FileDocument, kind: Kind): Mistake[] {
    if (kind !== 'scenario') return checkFile(document, kind).mistakes;
    const scenario = checkFile(document, kind);
    const probes = checkProbes(scenario, options.probes);
    return [...scenario.mistakes, ...probes.mistakes, ...(environment ? environmentMistakes(scenario, environment) : [])];
  }
}

function kindMistakes(document: YamlDocument): Mistake[] {
  if (document.mistakes.length > 0) return document.mistakes;
  const expected = 'a probe (with `protocol`), a scenario (with `flows`), an environment (with `vips`) or a service (with `environments`)';
  return [mistakeAt(document, [], { expected, found: 'none of them' })];
}

function conclude(results: readonly Result[]): void {
  const mistakes = results.flatMap((result) => result.mistakes);
  const [unreadable, ...others] = results.flatMap((result) => result.unreadable ?? []);
  if (unreadable && mistakes.length === 0 && others.length === 0) throw unreadable;
  for (const { message } of unreadable ? [unreadable, ...others] : []) process.stderr.write(`error: ${message}\n`);
  if (mistakes.length > 0) throw new InputMistakes(mistakes);
  if (unreadable) throw new AppError('FILE_UNREADABLE', `${String(others.length + 1)} files could not be read`);
}

function asJson(results: readonly Result[]): string {
  const files = results.map(({ unreadable, ...result }) => ({ ...result, unreadable: unreadable?.message ?? null }));
  return `${JSON.stringify({ files }, null, 2)}\n`;
}

/** Only what is right: mistakes are told as errors. */
function asText(results: readonly Result[]): string {
  return results.map(({ file, kind, mistakes }) => (kind && mistakes.length === 0 ? `${file}: a valid ${kind}\n` : '')).join('');
}
