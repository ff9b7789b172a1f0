import fc from 'fast-check';
import { expect, test } from 'vitest';
import { didYouMean, editDistance } from '../../src/core/did-you-mean.ts';
import { environmentForms } from '../../src/core/environment.ts';
import { pathText } from '../../src/core/mistakes.ts';
import { findReferences, parseReference } from '../../src/core/references.ts';
import { checkDocument } from '../../src/core/schema-mistakes.ts';
import { readYaml } from '../../src/core/yaml-document.ts';

test('the nearest word is offered, and none when all are far or the word is too short to tell', () => {
  const words = ['interval', 'timeout', 'freshDialsPerSec'];
  expect(didYouMean('intervall', words)).toBe('interval');
  expect(didYouMean('TIMEOUT', words)).toBe('timeout');
  expect(didYouMean('tiemout', words)).toBe('timeout');
  expect(didYouMean('freshDials', words)).toBe('freshDialsPerSec');
  expect(didYouMean('color', words)).toBeNull();
  expect(didYouMean('v3', ['v1', 'v2'])).toBeNull();
});

test('the distance of two words is symmetric, zero for the same word only, and one for one slip', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(`${a}x${b}`, a + b)).toBe(1);
    }),
  );
});

test('whatever the text, reading it ends with a value or with mistakes that have a place in it', () => {
  const pieces = fc.constantFrom(
    'title',
    ': ',
    '- ',
    '\n',
    '  ',
    '\t',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a',
    '*a',
    '!t',
    '#',
    '|',
    '?',
    '---\n',
    '1s',
    ',',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (yaml) => {
      const lines = yaml.split(/\r\n|\n|\r/).length;
      const { value, mistakes } = checkDocument(readYaml('any.yaml', yaml), environmentForms.own);
      expect(value === undefined).toBe(mistakes.length > 0);
      for (const { line, column } of mistakes) {
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(lines + 1);
        expect(column).toBeGreaterThanOrEqual(1);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('the place of a value is that of the value, also behind an alias and after a comment', () => {
  const document = readYaml('a.yaml', 'base: &b\n  deep: [1, 2] # two\nuse: *b\n');
  expect(document.placeOf(['base', 'deep', 1])).toEqual({ line: 2, column: 13 });
  expect(document.placeOf(['use', 'deep', 1])).toEqual({ line: 2, column: 13 });
  expect(document.placeOf(['use'], 'key')).toEqual({ line: 3, column: 1 });
  expect(document.placeOf(['base', 'missing'])).toEqual({ line: 2, column: 3 });
});

test('a reference is the whole text or none, and is found wherever it stands', () => {
  expect(parseReference('${env:KEY}')).toEqual({ kind: 'env', target: 'KEY' });
  expect(parseReference('${file:../key}')).toEqual({ kind: 'file', target: '../key' });
  expect(parseReference('x${env:KEY}')).toBeNull();
  expect(findReferences({ a: [{ b: 'x${env:KEY}' }, '$KEY'] }).map(({ path }) => pathText(path))).toEqual(['a[0].b']);
  const deep: unknown = JSON.parse(`${'['.repeat(50_000)}"\${env:KEY}"${']'.repeat(50_000)}`);
  expect(findReferences([deep, '${env:KEY}']).map(({ path }) => path.length)).toEqual([50_001, 1]);
});
