// The files of a keeper on another machine, as people write them: its own, and the service's.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { InputMistakes } from '../../src/core/mistakes.ts';
import { loadServiceFiles } from '../../src/cli/serve-files.ts';
import { setUpService } from '../../src/cli/serve-setup.ts';
import { validateFiles } from '../../src/cli/validate.ts';
import { runArgv } from '../../src/service/runs/run-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'hf-keeper-files-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const NETWORK = {
  ...{ title: 'Ours', key: 'a-secret-of-sixteen', observers: 'none' },
  vips: [{ name: 'web', address: '203.0.113.7', policy: 'local' }],
  nodes: [{ name: 'n1', addresses: ['10.0.0.1'] }],
  routers: [{ name: 'tor', driver: 'frr' }],
};
const DROP =
  'title: Drop\nflows: [{ probe: tcp-hold, vip: web, count: 10 }]\ntimeline: [{ at: 1s, fault: bgp-session-down, node: n1, for: 3s }]\n';

function write(name: string, value: object | string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value)); // JSON is YAML
  return path;
}

function aServiceFile(rest: object): string {
  write('scenarios/drop.yaml', DROP);
  write('production.yaml', NETWORK);
  write('other.yaml', { ...NETWORK, keeper: { socket: '/run/keeper.sock' } });
  const schedules = [{ name: 'nightly', scenario: 'drop', environment: 'production', every: '1h' }];
  return write('serve.yaml', { environments: ['production.yaml', 'other.yaml'], probes: resolve('probes'), schedules, ...rest });
}

function mistakesOf(rest: object): string[] {
  try {
    loadServiceFiles(aServiceFile(rest));
    return [];
  } catch (error) {
    if (error instanceof InputMistakes)
      return error.mistakes.map(({ path, expected, found }) => `${path}: ${expected}, not ${String(found)}`);
    throw error;
  }
}

test('the example file is a valid keeper file, and editors find its schema', () => {
  expect(validateFiles(['deploy/keeper.example.yaml'])).toMatchObject([{ kind: 'keeper', mistakes: [] }]);
  expect(readFileSync('deploy/keeper.example.yaml', 'utf8')).toMatch(/^# yaml-language-server: \$schema=schemas\/keeper\.schema\.json\n/);
});

test('a keeper file that joins in the clear, without a key to trust, or with a secret in the wrong place is told so', () => {
  const join = { name: 'rack-7', service: 'http://holdfast.example.net', token: '${env:TOKEN}' };
  const path = write('keeper.yaml', { armed: true, allow: { faults: ['${env:FAULT}'] }, leaseMs: 15_000, join });
  const told = validateFiles([path])[0]?.mistakes.map(({ path: at, expected }) => `${at}: ${expected}`);
  expect(told).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^allow\.faults\[0\]: the value itself here \(only the token of join may be a reference\)/),
      expect.stringMatching(/^join\.service: https:\/\/ to another machine/),
      expect.stringMatching(/^join: .*controllerKey|^join\.controllerKey: /),
    ]),
  );
});

test('a scenario with faults fits an environment whose keeper joins, and its runner is told where that is', () => {
  expect(mistakesOf({})).toEqual([expect.stringMatching(/^timeline\[0\]\.fault: a keeper .* which the fault bgp-session-down needs/)]);
  const path = aServiceFile({ keepers: [{ name: 'rack-7', environments: ['production'] }] });
  const { catalogue, keepers } = setUpService(path, { prefix: 'hf', state: join(folder, 'state') });
  const socket = join(folder, 'state', 'keepers', 'rack-7.sock');
  expect(keepers).toEqual([{ name: 'rack-7', environments: ['production'], socket }]);
  expect(catalogue.environments.get('production')).toMatchObject({ environment: { keeperSocket: socket }, joinedKeeper: 'rack-7' });
  expect(catalogue.environments.get('other')).toMatchObject({ environment: { keeperSocket: '/run/keeper.sock' } });
  const program = { argv: ['holdfast'] as const, catalogue, labPrefix: 'hf' };
  const argv = runArgv(program, { scenario: 'drop', environment: 'production', seed: 1 }, '/out');
  expect(argv?.slice(argv.indexOf('--keeper-socket'))[1]).toBe(socket);
  expect(runArgv(program, { scenario: 'drop', environment: 'other', seed: 1 }, '/out')).not.toContain('--keeper-socket');
});

test('a keeper has a name of its own, and an environment one keeper', () => {
  const keepers = (...list: object[]) => mistakesOf({ keepers: list });
  expect(keepers({ name: 'a', environments: ['production'] }, { name: 'a', environments: ['nowhere'] })).toEqual([
    expect.stringMatching(/^keepers\[1\]\.name: a name of its own/),
    expect.stringMatching(/^keepers\[1\]\.environments\[0\]: an environment of this file/),
  ]);
  expect(keepers({ name: 'a', environments: ['production'] }, { name: 'b', environments: ['production', 'other'] })).toEqual([
    expect.stringMatching(/^keepers\[0\]\.environments\[0\]: an environment without another keeper, not production, which is listed twice/),
    expect.stringMatching(/^keepers\[1\]\.environments\[0\]: .*listed twice/),
    expect.stringMatching(/^keepers\[1\]\.environments\[1\]: .*other, whose own file names a keeper's socket/),
  ]);
});
