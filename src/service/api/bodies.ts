// Checks of a body that its schema cannot make.
import { didYouMean } from '../../core/did-you-mean.ts';
import { findReferences } from '../../core/references.ts';
import { pathText, shown } from '../../core/mistakes.ts';
import { RequestMistakes } from './problems.ts';

/** Nothing that we take is nested this deep; what is would reach the end of the stack somewhere in its parsing. */
const MAX_DEPTH = 64;

/** @param body as JSON gives it @throws RequestMistakes for one that is nested too deep */
export function notTooDeep(body: unknown): void {
  let level: unknown[] = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) {
      const expected = `no more than ${String(MAX_DEPTH)} values within each other`;
      throw new RequestMistakes([{ path: 'body', expected, found: 'more' }]);
    }
    level = level.flatMap((value): unknown[] => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
}

/** The name in the path and the one in the body are one name. @throws RequestMistakes */
export function sameName(inPath: string, inBody: string): void {
  if (inPath === inBody) return;
  throw new RequestMistakes([{ path: 'body.name', expected: `the name in the path, ${inPath}`, found: shown(inBody) }]);
}

/** Names in a body that must be known. @throws RequestMistakes with every one that is not */
export function knownNames(names: readonly { path: string; name: string; known: Iterable<string>; what: string }[]): void {
  const mistakes = names.flatMap(({ path, name, known, what }) => {
    const all = [...known];
    if (all.includes(name)) return [];
    const near = didYouMean(name, all);
    return [{ path, expected: `${what} of this service${near === null ? '' : `, did you mean ${near}?`}`, found: shown(name) }];
  });
  if (mistakes.length > 0) throw new RequestMistakes(mistakes);
}

/** `${env:X}` and `${file:Y}` would let whoever may call the API read the service's own secrets. @throws RequestMistakes */
export function noReferences(body: unknown): void {
  const mistakes = findReferences(body).map(({ path, text }) => ({
    path: pathText(['body', ...path]),
    expected: 'no reference: those are for files on the service’s own disk',
    found: shown(text),
  }));
  if (mistakes.length > 0) throw new RequestMistakes(mistakes);
}
