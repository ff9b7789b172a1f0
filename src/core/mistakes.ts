// Mistakes in a file that a person wrote: where, what was expected, what stands there, and the likely meaning.
import { AppError } from './errors.ts';

/** A place in a file; both count from 1. */
export type Position = { line: number; column: number };

export type Mistake = Position & {
  file: string;
  /** Where in the document, such as `timeline[0].for`; empty for the document itself. */
  path: string;
  expected: string;
  /** What stands there, as shown to people; null when the mistake is not about one value. */
  found: string | null;
  didYouMean: string | null;
};

/** `file:line:col: at path: expected …, found …, did you mean …?`: one line, which editors make a link of. */
export function mistakeLine(mistake: Mistake): string {
  const { file, line, column, path, expected, found, didYouMean } = mistake;
  const where = `${file}:${String(line)}:${String(column)}: ${path === '' ? '' : `at ${path}: `}`;
  const instead = found === null ? '' : `, found ${found}`;
  return `${where}expected ${expected}${instead}${didYouMean === null ? '' : `, did you mean ${didYouMean}?`}`;
}

/** Every mistake of a user's files at once. */
export class InputMistakes extends AppError {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const count = mistakes.length === 1 ? '1 mistake' : `${String(mistakes.length)} mistakes`;
    super('BAD_INPUT', `${mistakes.map(mistakeLine).join('\n')}\nerror: ${count} in what was given`, {
      remedy: 'correct the lines above; `holdfast validate FILE…` checks them without running anything',
    });
    this.mistakes = mistakes;
  }
}

/** A value as a mistake shows it: short, and what it is rather than all it holds. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return 'a mapping of keys';
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
}

/** `['timeline', 0, 'for']` as `timeline[0].for`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${String(step)}]` : `${index === 0 ? '' : '.'}${String(step)}`)).join('');
}
