// Reading the files that people write, each checked against the schema of its kind.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { z } from 'zod';
import type { AgentFile } from '../core/agent-file.ts';
import type { EnvironmentFile } from '../core/environment.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { KeeperFile } from '../core/keeper-messages.ts';
import { InputMistakes, type Mistake } from '../core/mistakes.ts';
import type { Probe } from '../core/probe-file.ts';
import { findReferences } from '../core/references.ts';
import type { Scenario } from '../core/scenario-file.ts';
import { checkDocument } from '../core/schema-mistakes.ts';
import { mistakeAt, readYaml, type YamlDocument } from '../core/yaml-document.ts';
import type { ServiceFile } from '../core/service-file.ts';
import {
  agentSchema,
  environmentSchema,
  keeperSchema,
  type Kind,
  mayBeReference,
  probeSchema,
  scenarioSchema,
  serviceSchema,
} from './kinds.ts';

/** `sha256`: hex, of the file's bytes; it tells whether a later reading is of the same text. */
export type FileDocument = YamlDocument & { sha256: string };

/** A file as read; `value` is undefined exactly when there are mistakes. */
export type CheckedFile<Value> = {
  path: string;
  /** Its name without `.yaml`, by which other files call it. */
  name: string;
  document: FileDocument;
  value: Value | undefined;
  mistakes: Mistake[];
};
export type LoadedFile<Value> = CheckedFile<Value> & { value: Value };

/** What `holdfast` knows each kind of file as. */
export type FileValue = {
  probe: Probe;
  scenario: Scenario;
  environment: EnvironmentFile;
  service: ServiceFile;
  agent: AgentFile;
  keeper: KeeperFile;
};

/** References to secrets stay as written: `resolveSecret` follows them. @throws AppError FILE_UNREADABLE; InputMistakes with every mistake of the file */
export function loadEnvironment(path: string): LoadedFile<EnvironmentFile> {
  return whole(checkFile(readDocument(path), 'environment'));
}

/** The file's text as a YAML document. @throws AppError FILE_UNREADABLE */
export function readDocument(path: string): FileDocument {
  const bytes = readBytes(path);
  const text = bytes.toString('utf8');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (isUtf8(bytes)) return { ...readYaml(path, text), sha256 };
  const before = text.slice(0, text.indexOf('\uFFFD')).split('\n');
  const place = { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  const mistake = { file: path, ...place, path: '', expected: 'a text in UTF-8', found: 'another encoding', didYouMean: null };
  return { file: path, value: undefined, mistakes: [mistake], placeOf: () => place, sha256 };
}

/** A document against the schema of its kind; mistakes are returned, not thrown. */
export function checkFile<K extends Kind>(document: FileDocument, kind: K): CheckedFile<FileValue[K]> {
  const { value, mistakes } = checkDocument(document, schemaOf(kind, document.value) as z.ZodType<FileValue[K]>);
  const misplaced = findReferences(document.value)
    .filter(({ path }) => !mayBeReference(kind, path))
    .map(({ path, text }) => {
      const where = `here (${REFERENCES[kind]})`;
      return mistakeAt(document, path, { expected: `the value itself ${where}`, found: text });
    });
  // A reference is also no valid name, address, …: saying so as well would only distract.
  const others = mistakes.filter((mistake) => !misplaced.some(({ path }) => path === mistake.path));
  const all = [...others, ...misplaced].sort((a, b) => a.line - b.line || a.column - b.column);
  const name = basename(document.file).replace(/\.ya?ml$/, '');
  return { path: document.file, name, document, value: all.length > 0 ? undefined : value, mistakes: all };
}

/** Where references are allowed, as a person is told who put one elsewhere. */
const REFERENCES: Readonly<Record<Kind, string>> = {
  probe: 'references belong in environment files',
  scenario: 'references belong in environment files',
  environment: 'only `key` may be a reference',
  service: 'only redis and the secrets and tokens of hooks and destinations may be references',
  agent: 'only redis, token and key may be references',
  keeper: 'only the token of join may be a reference',
};

/** The file, if nothing is wrong with it. @throws InputMistakes */
export function whole<Value>(file: CheckedFile<Value>): LoadedFile<Value> {
  if (file.value === undefined) throw new InputMistakes(file.mistakes);
  return { ...file, value: file.value };
}

function schemaOf(kind: Kind, value: unknown): z.ZodType {
  switch (kind) {
    case 'probe':
      return probeSchema;
    case 'scenario':
      return scenarioSchema;
    case 'environment':
      return environmentSchema(value);
    case 'service':
      return serviceSchema;
    case 'agent':
      return agentSchema;
    case 'keeper':
      return keeperSchema;
  }
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = WHY[(cause as NodeJS.ErrnoException).code ?? ''] ?? messageOf(cause);
    throw new AppError('FILE_UNREADABLE', `${path} cannot be read: ${why}`, {
      remedy: 'give the path of a YAML file, as seen from this folder',
      cause,
    });
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
};
