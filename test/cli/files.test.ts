import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { InputMistakes } from '../../src/core/mistakes.ts';
import { loadRun } from '../../src/cli/load-run.ts';
import { resolveSecret } from '../../src/cli/resolve-secret.ts';
import { validateFiles } from '../../src/cli/validate.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-files-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const yamlIn = (of: string) => readdirSync(of).map((file) => join(of, file));

/** What some lab lacks for some scenario, and may: a cluster, or a VIP of the other family. */
const LACKING = /^(a VIP of|the capability cluster in) deploy\/lab\//;

test('every probe, scenario and lab of this repository is valid, each scenario in each lab that has what it needs', () => {
  const labs = yamlIn('deploy/lab').filter((file) => file.endsWith('.yaml'));
  expect(labs.length).toBeGreaterThan(0);
  const fitting = new Map<string, string[]>();
  for (const env of labs) {
    const results = validateFiles([...yamlIn('probes'), ...yamlIn('scenarios'), env], { env });
    expect(results.flatMap(({ mistakes }) => mistakes).filter(({ expected }) => !LACKING.test(expected))).toEqual([]);
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['probe', 'scenario', 'environment']));
    const fits = results.filter(({ kind, mistakes }) => kind === 'scenario' && mistakes.length === 0);
    fitting.set(
      basename(env, '.yaml'),
      fits.map(({ file }) => basename(file, '.yaml')),
    );
  }
  const all = yamlIn('scenarios').map((path) => basename(path, '.yaml'));
  const ofClusters = ['advertisement-deselect', 'policy-flip', 'rollout', 'speaker-restart', 'unrelated-service'];
  expect(fitting.get('three-nodes')).toEqual(all.filter((name) => !ofClusters.includes(name)));
  expect(fitting.get('metallb')).toEqual(all.filter((name) => name !== 'source-ip'));
});

test("a run's files come with durations in milliseconds and with the probes that the scenario names", () => {
  const { scenario, environment, probes } = loadRun({
    scenario: 'scenarios/bgp-session-drop.yaml',
    environment: 'deploy/lab/three-nodes.yaml',
  });
  expect(scenario).toMatchObject({ name: 'bgp-session-drop', value: { timeline: [{ at: 5_000, for: 8_000, node: 'middle-hop' }] } });
  expect(environment).toMatchObject({ name: 'three-nodes', value: { lab: { holdTime: 9_000 } } });
  expect(Object.keys(probes)).toEqual(['tcp-hold', 'udp-twin']);
});

test('the mistakes of all files of a run are told together', () => {
  const environment = join(folder, 'broken.yaml');
  writeFileSync(environment, 'title: x\nlab: { nodes: 1 }\nvips: [{ name: web, policy: local }]\n');
  const attempt = () => loadRun({ scenario: 'test/fixtures/broken/scenarios/unknown-fault.yaml', environment, probes: 'probes' });
  expect(attempt).toThrow(InputMistakes);
  expect(attempt).toThrow(/unknown-fault\.yaml:5:22: [^]*broken\.yaml:2:15: at lab\.nodes: expected at least 2, found 1/);
});

test('a fault is refused by name where the environment offers nothing to do it with', () => {
  const withoutKeeper = join(folder, 'watch.yaml');
  const withKeeper = join(folder, 'keeper.yaml');
  const network = 'title: x\nvips: [{ name: web, address: 192.0.2.1, policy: local }]\nkey: ${env:KEY}\n';
  writeFileSync(withoutKeeper, network);
  writeFileSync(withKeeper, `${network}keeper: { socket: /run/keeper }\nrouters: [{ name: tor, driver: frr }]\n`);
  const told = (env: string, scenario: string) => validateFiles([scenario], { env })[0]?.mistakes.map(({ expected }) => expected);
  expect(told(withoutKeeper, 'scenarios/bgp-session-drop.yaml')).toEqual([expect.stringContaining('a keeper')]);
  expect(told(withKeeper, 'scenarios/bgp-session-drop.yaml')).toEqual([]);
  expect(told(withKeeper, 'scenarios/node-down.yaml')).toEqual([expect.stringContaining('the capability links')]);
});

test('a secret by reference is read when it is needed, and refused when it is not there or too short', () => {
  const file = join(folder, 'environment.yaml');
  const variables = { KEY: 'a secret of some length', SHORT: 'short' };
  writeFileSync(join(folder, 'key'), 'the secret in a file\n');
  expect(resolveSecret('${env:KEY}', { file, variables })).toBe('a secret of some length');
  expect(resolveSecret('${file:key}', { file, variables })).toBe('the secret in a file');
  expect(resolveSecret('written out, sixteen or more', { file, variables })).toBe('written out, sixteen or more');
  expect(() => resolveSecret('${env:NOT_SET}', { file, variables })).toThrow('the environment variable NOT_SET is not set');
  expect(() => resolveSecret('${env:SHORT}', { file, variables })).toThrow('5 characters long');
  expect(() => resolveSecret('${file:no-such}', { file, variables })).toThrow('cannot be read');
});
