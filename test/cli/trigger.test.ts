import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holdfast } from '../support/holdfast.ts';
import { eventually } from '../support/eventually.ts';
import { type AnApi, anApi } from '../service/api/an-api.ts';

function tokenFile(api: AnApi, token = api.tokens.operator): string {
  const path = join(api.folder, 'token');
  writeFileSync(path, `${token}\n`);
  return path;
}

const args = (api: AnApi, ...more: string[]) => [
  'trigger',
  'scenarios/quiet.yaml',
  '--env',
  'lab',
  '--token-file',
  tokenFile(api),
  ...more,
];

/** Ends the run that was started, as its runner would. */
async function endRun(api: AnApi, verdict: string, faultState = 'verified'): Promise<string> {
  const { id } = await eventually(() => api.store.selectFrom('runs').select('id').executeTakeFirstOrThrow());
  const folder = join(api.folder, 'run');
  mkdirSync(folder);
  writeFileSync(join(folder, 'report.json'), JSON.stringify({ verdict, faults: [{ state: faultState }] }));
  await api.store
    .updateTable('runs')
    .set({ state: 'ended', verdict, summary: `It ${verdict}.`, folder, started_ms: 0, ended_ms: 12_000, comparison: '["breaks as ever"]' })
    .where('id', '=', id)
    .execute();
  return id;
}

test.each([
  ['held', 'verified', 0],
  ['deviated', 'verified', 1],
  ['inconclusive', 'verified', 3],
  ['errored', 'gone', 4],
  ['held', 'unverified', 5],
])('a run that is %s, its fault %s, ends with %d', async (verdict, faultState, code) => {
  await using api = await anApi();
  const triggered = holdfast(args(api, '--service', api.base, '--wait', '--seed', '7'));
  const id = await endRun(api, verdict, faultState);
  const { code: got, stdout, stderr } = await triggered;
  expect({ got, stderr }).toMatchObject({ got: code });
  expect(stdout).toBe(`${verdict}\nIt ${verdict}.\n  breaks as ever\nrun ${id}\n`);
  expect(stderr).toMatch(/run api-\S+ of quiet in lab: queued, seed 7\n.* ended, after 12 s\n/);
});

test('without --wait it names the run and is done, through the Unix socket too', async () => {
  await using api = await anApi();
  const { code, stdout } = await holdfast(args(api, '--service', `unix:${api.socket}`));
  expect(code).toBe(0);
  expect(stdout).toBe(`${String(api.wishes[0]?.id)}\n`);
});

test('a run that was never carried out is no verdict', async () => {
  await using api = await anApi();
  const triggered = holdfast(args(api, '--service', api.base, '--wait', '--json'));
  const { id } = await eventually(() => api.store.selectFrom('runs').select('id').executeTakeFirstOrThrow());
  await api.store.updateTable('runs').set({ state: 'refused', summary: 'the keeper is disarmed' }).where('id', '=', id).execute();
  const { code, stdout } = await triggered;
  expect(code).toBe(4);
  const states = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { state: string }).state);
  expect(states).toEqual(['queued', 'refused']);
});

test('what cannot be asked for is told with its remedy', async () => {
  await using api = await anApi();
  const unknown = await holdfast(['trigger', 'quite', '--env', 'lab', '--service', api.base, '--token-file', tokenFile(api)]);
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.stderr).toContain('did you mean quiet?');
  const viewer = await holdfast([
    'trigger',
    'quiet',
    '--env',
    'lab',
    '--service',
    api.base,
    '--token-file',
    tokenFile(api, api.tokens.viewer),
  ]);
  expect(viewer).toMatchObject({ code: 4 });
  expect(viewer.stderr).toContain('the role viewer may not do this');
  const nobody = await holdfast(args(api, '--service', `unix:${join(api.folder, 'none.sock')}`));
  expect(nobody.code).toBe(4);
  expect(nobody.stderr).toContain('remedy: check --service');
  expect((await holdfast(args(api, '--service', 'ftp://x'))).code).toBe(2);
});

test.each([
  ['stops waiting and lets the run go on', [], 130, 0],
  ['cancels the run and waits for its report', ['--cancel-on-interrupt'], 130, 1],
])('Ctrl-C %s', async (_what, flags, code, cancels) => {
  await using api = await anApi();
  const child = spawn(process.execPath, ['src/cli/main.ts', ...args(api, '--service', api.base, '--wait', ...flags)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await eventually(() => {
    expect(stderr).toContain('queued');
  });
  child.kill('SIGINT');
  if (cancels > 0) {
    await eventually(() => {
      expect(api.acts.filter(([act]) => act === 'cancel')).toHaveLength(cancels);
    });
    await endRun(api, 'held');
  }
  expect(await ended).toBe(code);
  expect(api.acts.filter(([act]) => act === 'cancel')).toHaveLength(cancels);
  expect(stderr).toContain(cancels === 0 ? 'the run goes on' : 'cancelling');
});
