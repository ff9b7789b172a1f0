// Secrets by reference: `${env:NAME}` and `${file:PATH}` stand in environment files, and are resolved only when a run needs them.
import { z } from 'zod';

/** Where a secret lies; `file` paths are relative to the environment file. */
export type Reference = { kind: 'env' | 'file'; target: string };

export const MIN_SECRET_CHARACTERS = 16;

/** `${env:NAME}` or `${file:PATH}`; null for any other text. */
export function parseReference(text: string): Reference | null {
  const match = /^\$\{(env|file):([^{}]+)\}$/.exec(text);
  return match?.[2] === undefined ? null : { kind: match[1] as Reference['kind'], target: match[2].trim() };
}

/** A secret in an environment file: a reference, or (for networks that need no secrecy) the text itself. */
export const secret = z
  .string({ error: 'expected ${env:NAME}, ${file:PATH}, or the secret itself' })
  .refine((text) => parseReference(text) !== null || !text.includes('${'), {
    message: 'expected the whole value to be ${env:NAME} or ${file:PATH}',
  })
  .refine((text) => parseReference(text) !== null || text.length >= MIN_SECRET_CHARACTERS, {
    message: `expected a secret of at least ${String(MIN_SECRET_CHARACTERS)} characters`,
  });

/** Every text in a document's value that holds a reference, with its path. */
export function findReferences(value: unknown): { path: PropertyKey[]; text: string }[] {
  const found: { path: PropertyKey[]; text: string }[] = [];
  const seen = new Set<object>();
  const look = (inner: unknown, path: PropertyKey[]) => {
    if (typeof inner === 'string' && /\$\{(env|file):/.test(inner)) found.push({ path, text: inner });
    if (typeof inner !== 'object' || inner === null || seen.has(inner)) return;
    seen.add(inner);
    const isList = Array.isArray(inner);
    for (const [key, each] of Object.entries(inner)) look(each, [...path, isList ? Number(key) : key]);
  };
  look(value, []);
  return found;
}
