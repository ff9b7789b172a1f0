// `holdfast report`: everything again from the journal alone, whatever became of the run.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/core/report-format.ts';
import { writeReports } from '../../src/cli/write-reports.ts';
import { JournalWriter } from '../../src/io/journal-file.ts';
import { simulate } from '../support/ecmp-simulator.ts';
import { holdfast } from '../support/holdfast.ts';

const OUTPUTS = ['flows.ndjson', 'junit.xml', 'report.html', 'report.json'];
const root = mkdtempSync(join(tmpdir(), 'holdfast-report-'));
const run = join(root, 'run');

beforeAll(() => {
  mkdirSync(run);
  const { events } = simulate({
    family: 'hash-threshold',
    nodes: 3,
    target: 1,
    fault: 'session',
    holdMs: 0,
    flows: 300,
    seed: 3,
    hasObserver: true,
    options: { expect: [{ check: 'broken-elsewhere', max: 0, during: 'fault' }] },
  });
  using journal = new JournalWriter(join(run, 'journal.ndjson'));
  for (const event of events) journal.append(event);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** A copy of the run's folder as it was before any report. */
function copyOfRun(): string {
  const folder = mkdtempSync(join(root, 'copy-'));
  cpSync(join(run, 'journal.ndjson'), join(folder, 'journal.ndjson'));
  return folder;
}

function contentsOf(folder: string): Record<string, string> {
  return Object.fromEntries(OUTPUTS.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

test('writes the four files, prints the answer, and ends with the code of the verdict', async () => {
  const folder = copyOfRun();
  const { code, stdout, stderr } = await holdfast(['report', folder]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(readdirSync(folder).sort()).toEqual([...OUTPUTS, 'journal.ndjson'].sort());
  const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report;
  expect(report.verdict).toBe('held');
  expect(stdout.replace(/\s+/g, ' ')).toContain(report.summary);
  expect(stdout).toContain(join(folder, 'report.html'));
});

test('comes out the same byte for byte, in another folder, at another time', async () => {
  const [first, second] = [copyOfRun(), copyOfRun()];
  await writeReports(first);
  await writeReports(second);
  await writeReports(second);
  expect(contentsOf(second)).toEqual(contentsOf(first));
});

test('with --out leaves the run as it is', async () => {
  const [folder, out] = [copyOfRun(), join(root, 'elsewhere', 'deep')];
  const { code } = await holdfast(['report', folder, '--out', out]);
  expect(code).toBe(0);
  expect(readdirSync(folder)).toEqual(['journal.ndjson']);
  expect(readdirSync(out).sort()).toEqual(OUTPUTS);
});

test('with --json prints report.json', async () => {
  const folder = copyOfRun();
  const { stdout } = await holdfast(['report', folder, '--json']);
  expect(stdout).toBe(readFileSync(join(folder, 'report.json'), 'utf8'));
});

describe('a journal that breaks off', () => {
  const whole = () => readFileSync(join(run, 'journal.ndjson'));

  test.each([0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])('after %d of it is still told, as errored', async (share) => {
    const folder = copyOfRun();
    truncateSync(join(folder, 'journal.ndjson'), Math.floor(whole().length * share));
    const { report } = await writeReports(folder);
    expect(report.verdict).toBe('errored');
    expect(report.summary).not.toBe('');
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('errored');
  });

  test('in the middle of a line says so', async () => {
    const folder = copyOfRun();
    writeFileSync(join(folder, 'journal.ndjson'), whole().subarray(0, -20));
    const { code, stdout } = await holdfast(['report', folder]);
    expect(code).toBe(4);
    expect(stdout.replace(/\s+/g, ' ')).toContain('The last line of the journal was not finished');
  });
});

test('events of a newer version are left out, and that is said', async () => {
  const folder = copyOfRun();
  writeFileSync(join(folder, 'journal.ndjson'), '{"t":1,"from":"runner","seq":9,"type":"moon.phase"}\n', { flag: 'a' });
  const { report } = await writeReports(folder);
  expect(report.remarks.at(-1)).toBe('1 event of the type moon.phase was left out: this version does not know it.');
});

test('a damaged journal is refused with the place', async () => {
  const folder = copyOfRun();
  writeFileSync(join(folder, 'journal.ndjson'), '{"t":1\n', { flag: 'a' });
  const { code, stderr } = await holdfast(['report', folder]);
  expect(code).toBe(4);
  expect(stderr).toMatch(/journal\.ndjson:\d+: this line is no JSON/);
  expect(readdirSync(folder)).toEqual(['journal.ndjson']);
});

test('a folder without a journal is bad input', async () => {
  const { code, stderr } = await holdfast(['report', join(root, 'nowhere')]);
  expect(code).toBe(2);
  expect(stderr).toContain('remedy: name the folder of a run');
});
