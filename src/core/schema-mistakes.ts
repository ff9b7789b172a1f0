// What a schema finds wrong in a document, told the way a person can act on it.
//
// Schemas of this repository word their own messages as `expected …`, with `, did you mean …?` at the end where they know better;
// the wording of everything else is here.
import type { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import { type Mistake, shown } from './mistakes.ts';
import { mistakeAt, type YamlDocument } from './yaml-document.ts';

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

/**
 * The document's value as `schema` understands it, and all that it finds wrong.
 * @returns `value` undefined exactly when there are mistakes, those of the document's form included
 */
export function checkDocument<Schema extends z.ZodType>(
  document: YamlDocument,
  schema: Schema,
): { value: z.output<Schema> | undefined; mistakes: Mistake[] } {
  if (document.value === undefined) return { value: undefined, mistakes: document.mistakes };
  // Only the schema knows its keys, and only while it is asked for a message; the list of unknown keys identifies the issue.
  const keysBeside = new WeakMap<object, string[]>();
  const parsed = schema.safeParse(document.value, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') keysBeside.set(issue.keys, keysOf(issue));
      return `expected ${expectation(issue)}`;
    },
  });
  const found = parsed.success
    ? []
    : parsed.error.issues.flatMap(closest).flatMap((issue) => toMistakes(document, issue, (keys) => keysBeside.get(keys) ?? []));
  // A misspelt key is one mistake, not also a missing one.
  const meant = new Set(found.flatMap(({ path, didYouMean: key }) => (key === null ? [] : [path.replace(/[^.\]]*$/, key)])));
  const told = found.filter(({ path, found: what }) => !(what === 'nothing' && meant.has(path)));
  const mistakes = [...document.mistakes, ...told].sort((a, b) => a.line - b.line || a.column - b.column);
  return { value: parsed.success && mistakes.length === 0 ? parsed.data : undefined, mistakes };
}

/** Of a union that refused everything, the issues of the form that the value comes nearest to; the union's own when none is near. */
function closest(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const near = issue.errors.filter((issues) => issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'));
  const [only, ...others] = near;
  if (!only || others.length > 0) return [issue];
  return only.flatMap((inner) => closest({ ...inner, path: [...issue.path, ...inner.path] }));
}

function toMistakes(document: YamlDocument, issue: Issue, keysBeside: (unknown: object) => string[]): Mistake[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysBeside(issue.keys);
    return issue.keys.map((key) =>
      mistakeAt(document, [...issue.path, key], {
        expected: `one of the keys ${known.join(', ')}`,
        found: shown(key),
        didYouMean: didYouMean(key, known),
        part: 'key',
      }),
    );
  }
  const value = valueAt(document.value, issue.path);
  const worded = /^(?:expected )?(.*?)(?:, did you mean (.*)\?)?$/s.exec(issue.message);
  return [
    mistakeAt(document, issue.path, {
      expected: worded?.[1] ?? issue.message,
      found: shown(value),
      didYouMean: worded?.[2] ?? (typeof value === 'string' ? didYouMean(value, choices(issue)) : null),
    }),
  ];
}

function choices(issue: Issue | RawIssue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  const { options } = issue as { options?: unknown };
  return Array.isArray(options) ? options.map(String) : [];
}

function keysOf(issue: RawIssue): string[] {
  const definition = (issue.inst as z.core.$ZodType | undefined)?._zod.def as { shape?: object } | undefined;
  return Object.keys(definition?.shape ?? {});
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping of keys',
  array: 'a list',
};

/** What the schema wanted there, in the words of a mistake. */
export function expectation(issue: RawIssue): string {
  if (issue.code === 'invalid_type') return TYPES[issue.expected] ?? issue.expected;
  if (issue.code === 'too_small') return size(issue.origin, 'at least', Number(issue.minimum));
  if (issue.code === 'too_big') return size(issue.origin, 'at most', Number(issue.maximum));
  if (issue.code === 'unrecognized_keys') return `one of the keys ${keysOf(issue).join(', ')}`;
  const words = choices(issue);
  return words.length > 1 ? `one of ${words.join(', ')}` : (words[0] ?? 'another value');
}

function size(origin: string, bound: 'at least' | 'at most', limit: number): string {
  if (origin === 'string') return limit === 1 ? 'a text that is not empty' : `${bound} ${String(limit)} characters`;
  if (origin === 'array') return `a list of ${bound} ${String(limit)}`;
  return `${bound} ${String(limit)}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[step], value);
}
