// A dry run tells what would be touched, and touches nothing.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { remains } from '../support/a-lab.ts';
import { holdfast } from '../support/holdfast.ts';

test('a dry run names flows, faults, what must remain and what is expected, and makes no lab', async () => {
  const prefix = 'hfdry';
  const { code, stdout, stderr } = await holdfast([
    ...['run', 'scenarios/bgp-session-drop.yaml', '--env', 'deploy/lab/three-nodes.yaml', '--prefix', prefix, '--dry-run'],
  ]);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('v2: 256 udp flows through web (10.77.10.1 port 7000)');
  expect(stdout).toMatch(/f1 {2}at 5s for 8s: bgp-session-down at middle-hop/);
  expect(stdout).toContain('shuts down every BGP session');
  expect(stdout).toContain('at least 2 next hops');
  expect(stdout).toContain('broken-elsewhere: max 0, during fault');
  expect(await remains(prefix)).toEqual([]);
});

test('a scenario that was edited since it was judged is refused before anything is touched', async () => {
  const file = 'scenarios/bgp-session-drop.yaml';
  const run = (...flags: string[]) =>
    holdfast(['run', file, '--env', 'deploy/lab/three-nodes.yaml', '--prefix', 'hfdry', '--dry-run', ...flags]);
  const edited = await run('--expect-scenario', createHash('sha256').update('what it was').digest('hex'));
  expect(edited).toMatchObject({ code: 4, stdout: '' });
  expect(edited.stderr).toMatch(/its file has been edited since\n {2}remedy: start the service again/);
  const faulty = await run('--no-faults');
  expect(faulty).toMatchObject({ code: 4, stdout: '' });
  expect(faulty.stderr).toMatch(/injects faults, and a run without any was asked for/);
  const same = await run('--expect-scenario', createHash('sha256').update(readFileSync(file)).digest('hex'));
  expect(same.code, same.stderr).toBe(0);
});
