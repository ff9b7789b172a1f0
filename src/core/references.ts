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

type Place = { value: unknown; key: PropertyKey; parent: Place | null };

/** Every text in a document's value that holds a reference, with its path. */
export function findReferences(value: unknown): { path: PropertyKey[]; text: string }[] {
  const found: { path: PropertyKey[]; text: string }[] = [];
  const seen = new Set<object>();
  // A list of what is ahead, and no recursion: a document may be nested deeper than the stack is.
  const ahead: Place[] = [{ value, key: '', parent: null }];
  for (let place = ahead.pop(); place; place = ahead.pop()) {
    const inner = place.value;
    if (typeof inner === 'string' && /\$\{(env|file):/.test(inner)) found.push({ path: pathOf(place), text: inner });
    if (typeof inner !== 'object' || inner === null || seen.has(inner)) continue;
    seen.add(inner);
    const isList = Array.isArray(inner);
    for (const [key, each] of Object.entries(inner).reverse()) ahead.push({ value: each, key: isList ? Number(key) : key, parent: place });
  }
  return found;
}

function pathOf(place: Place): PropertyKey[] {
  const path: PropertyKey[] = [];
  for (let at = place; at.parent; at = at.parent) path.push(at.key);
  return path.reverse();
}
