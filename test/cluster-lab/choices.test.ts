// What a cluster lab's file may choose: MetalLB's backend frr, kube-proxy's iptables, resilient groups on the router.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runCommand } from '../../src/io/command.ts';
import { remains } from '../support/a-lab.ts';
import { holdfast } from '../support/holdfast.ts';

const PREFIX = 'tcchoice';
const folder = mkdtempSync(join(tmpdir(), 'holdfast-choices-'));
const lab = (...args: string[]) => holdfast(['lab', ...args, '--prefix', PREFIX]);

afterEach(async () => {
  await lab('down');
  rmSync(folder, { recursive: true, force: true });
});

test('with the backend frr each speaker has an FRR of its own, and resilient groups follow what they announce', async () => {
  const file = join(folder, 'frr.yaml');
  const quick = readFileSync('deploy/lab/metallb-quick.yaml', 'utf8');
  writeFileSync(
    file,
    quick
      .replace('cluster: {}', 'cluster: { backend: frr }')
      .replace('nextHopGroups: hash-threshold', 'nextHopGroups: { resilient: { buckets: 128, idleTimer: 120s } }'),
  );
  const up = await lab('up', file);
  expect(up).toMatchObject({ code: 0, stdout: expect.stringContaining(`The lab ${PREFIX} is up`) as string });
  const routes = await runCommand(['ip', '-n', `${PREFIX}-tor`, 'route', 'show', 'table', '100', '10.77.10.1']);
  expect(routes.match(/nexthop via/g)).toHaveLength(3);
  for (const node of ['n1', 'n2', 'n3']) {
    const pids = (await runCommand(['ip', 'netns', 'pids', `${PREFIX}-${node}`])).trim().split('\n');
    const programs = pids.map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
    expect(programs).toEqual(expect.arrayContaining(['zebra', 'bgpd', 'bfdd', 'metallb-speaker', 'kube-proxy']));
  }
  await lab('down');
  expect(await remains(PREFIX)).toEqual([]);
});
