// Following `${env:NAME}` and `${file:PATH}` at the last moment: a secret is read when a run needs it, and kept nowhere.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';
import { MIN_SECRET_CHARACTERS, parseReference } from '../core/references.ts';

/**
 * The secret that `text` stands for.
 * @param text as the environment file has it
 * @param from the environment file (paths are relative to its folder) and the variables to look in
 * @throws AppError BAD_INPUT when the reference leads nowhere, or to something too short to be a secret
 */
export function resolveSecret(text: string, from: { file: string; variables: Readonly<Record<string, string | undefined>> }): string {
  const reference = parseReference(text);
  if (!reference) return text;
  const secret = reference.kind === 'env' ? fromVariable(reference.target, from) : fromFile(reference.target, from.file);
  if (secret.length >= MIN_SECRET_CHARACTERS) return secret;
  throw new AppError(
    'BAD_INPUT',
    `${from.file}: ${text} is ${String(secret.length)} characters long; a secret has at least ${String(MIN_SECRET_CHARACTERS)}`,
  );
}

function fromVariable(name: string, from: Parameters<typeof resolveSecret>[1]): string {
  const value = from.variables[name];
  if (value !== undefined && value !== '') return value;
  throw new AppError('BAD_INPUT', `${from.file}: the environment variable ${name} is not set`, {
    remedy: `export ${name} with the secret that the responders share, or write \${file:PATH}`,
  });
}

function fromFile(path: string, environmentFile: string): string {
  const file = resolve(dirname(environmentFile), path);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new AppError('BAD_INPUT', `${environmentFile}: the secret's file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
