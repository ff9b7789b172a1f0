// A dry run tells what would be touched, and touches nothing.
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
