import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { mistakeLine } from '../../src/core/mistakes.ts';
import { validateFiles } from '../../src/cli/validate.ts';
import { holdfast } from '../support/holdfast.ts';

// Each broken file has a twin .txt with all that must be said of it.
const FOLDER = 'test/fixtures/broken';
const BESIDE = { env: 'deploy/lab/three-nodes.yaml', probes: 'probes' };
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .sort();

test('the set of broken files is large', () => {
  expect(files.length).toBeGreaterThanOrEqual(25);
});

test.each(files)('%s: every mistake is told with its place and what to write instead', (file) => {
  const path = join(FOLDER, file);
  const [result] = validateFiles([path], BESIDE);
  const told = result?.mistakes.map(mistakeLine) ?? [];
  expect(told.join('\n')).toBe(readFileSync(path.replace(/\.yaml$/, '.txt'), 'utf8').trimEnd());
  expect(told).not.toEqual([]);
  for (const line of told) expect(line).toMatch(new RegExp(`^${path}:\\d+:\\d+: .*expected `));
});

test.each(['probes/unknown-key.yaml', 'scenarios/unknown-names.yaml', 'environments/lab-out-of-range.yaml', 'probes/not-utf-8.yaml'])(
  'validate tells all mistakes of %s on standard error, a remedy below them, and ends with 2',
  async (file) => {
    const path = join(FOLDER, file);
    const { code, stdout, stderr } = await holdfast(['validate', '--env', BESIDE.env, '--probes', BESIDE.probes, path]);
    expect(stderr).toContain(readFileSync(path.replace(/\.yaml$/, '.txt'), 'utf8'));
    expect(stderr).toMatch(/error: \d+ mistakes? in .*\n {2}remedy: /);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  },
);

test('validate --json gives the same as data', async () => {
  const path = join(FOLDER, 'probes/unknown-key.yaml');
  const { code, stdout } = await holdfast(['validate', '--json', path]);
  const { files: results } = JSON.parse(stdout) as { files: object[] };
  expect(code).toBe(2);
  expect(results).toMatchObject([
    { file: path, kind: 'probe', mistakes: [{ line: 3, column: 1, path: 'intervall', found: '"intervall"', didYouMean: 'interval' }, {}] },
  ]);
});

test('a file that is not there is named among the others, which are checked all the same', async () => {
  const { code, stdout, stderr } = await holdfast(['validate', 'no-such.yaml', 'probes/tcp-hold.yaml', dirname(FOLDER)]);
  expect(code).toBe(2);
  expect(stdout).toBe('probes/tcp-hold.yaml: a valid probe\n');
  expect(stderr).toContain('no-such.yaml cannot be read: there is no such file');
  expect(stderr).toContain('test/fixtures cannot be read: it is a folder');
});
