import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { complaintsAbout, hostsIn, strangers } from './house-rules.ts';

/** What is in the project; a file that somebody left beside it is their own business. */
const paths = execFileSync('git', ['ls-files', '--deduplicate'], { encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '');
const sources = paths.filter((path) => /^(src|test)\/.*\.ts$/.test(path) && !path.includes('/fixtures/'));

test('every source file is short, named after what it exports, and says in its first line what it is for', () => {
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.flatMap((path) => complaintsAbout(path, readFileSync(path, 'utf8')))).toEqual([]);
  expect(complaintsAbout('src/core/x.ts', '// A word.\n'.repeat(401))).toHaveLength(1);
  expect(complaintsAbout('src/core/x.ts', 'export const x = 1;\n')).toHaveLength(1);
  expect(complaintsAbout('src/core/utils.ts', '// Things.\n')).toHaveLength(1);
  expect(complaintsAbout('src/core/myThing.ts', '// A thing.\n')).toHaveLength(1);
});

test('nothing lies at the top but what was agreed on', () => {
  expect(strangers(paths)).toEqual([]);
  expect(strangers(['src/core/x.ts', '.ci/run', 'notes.md', 'tools/x.sh'])).toEqual(['notes.md', 'tools']);
});

test('the lock file sends nobody to a host', () => {
  expect(hostsIn(readFileSync('package-lock.json', 'utf8'))).toEqual([]);
  expect(hostsIn('"resolved": "https://registry.example.org/zod/-/zod-1.0.0.tgz"')).toEqual(['https://registry.example.org']);
});
