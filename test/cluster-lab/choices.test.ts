// What a cluster lab's file may choose, all at once: MetalLB's backend frr, kube-proxy's iptables, resilient groups on the router.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../../src/core/report-format.ts';
import { runCommand } from '../../src/io/command.ts';
import { openLab } from '../../src/lab/lab.ts';
import { LABS_BESIDE } from '../support/a-cluster-lab.ts';
import { hopsTo, LAB_UID, remains } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const PREFIX = LABS_BESIDE.choices;
const NODES = ['n1', 'n2', 'n3'];
const folder = mkdtempSync(join(tmpdir(), 'holdfast-choices-'));
const file = join(folder, 'choices.yaml');
const scenario = join(folder, 'drain.yaml');
const lab = (...args: string[]) => holdfast(['lab', ...args, '--prefix', PREFIX]);

beforeAll(async () => {
  await lab('down'); // what a killed test left
  const quick = readFileSync('deploy/lab/metallb-quick.yaml', 'utf8');
  writeFileSync(
    file,
    quick
      .replace('cluster: {}', 'cluster: { backend: frr, proxyMode: iptables }')
      .replace('nextHopGroups: hash-threshold', 'nextHopGroups: { resilient: { buckets: 128, idleTimer: 120s } }'),
  );
  // Longer than the three seconds for which `frr` gathers changes: the router has lost and found the node when it ends.
  writeFileSync(
    scenario,
    `title: A drain
flows:
  - { probe: tcp-hold, vip: web, vantages: all, count: 24 }
  - { probe: tcp-hold, vip: web-cluster, vantages: all, count: 24 }
timeline: [{ at: 1s, fault: node-drain, node: end-hop, for: 10s, order: evict-first }]
recovery: 10s
`,
  );
  expect(await lab('up', file)).toMatchObject({ code: 0, stdout: expect.stringContaining(`The lab ${PREFIX} is up`) as string });
});
afterAll(async () => {
  await lab('down');
  rmSync(folder, { recursive: true });
  expect(await remains(PREFIX)).toEqual([]);
});

test('with the backend frr each speaker has an FRR of its own, and resilient groups follow what they announce', async () => {
  const routes = await runCommand(['ip', '-n', `${PREFIX}-tor`, 'route', 'show', 'table', '100', '10.77.10.1']);
  expect(routes.match(/nexthop via/g)).toHaveLength(3);
  for (const node of NODES) {
    const pids = (await runCommand(['ip', 'netns', 'pids', `${PREFIX}-${node}`])).trim().split('\n');
    const programs = pids.map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
    expect(programs).toEqual(expect.arrayContaining(['zebra', 'bgpd', 'bfdd', 'metallb-speaker', 'kube-proxy']));
  }
});

test('a drain with frr and iptables: every break has a cause, the node is put back, and the wire is as intended again', async () => {
  const there = ['--env', file, '--prefix', PREFIX];
  const out = join(folder, 'drain');
  const run = await holdfast(['run', scenario, ...there, '--out', out, '--probes', 'probes']);
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
  expect(report.faults, run.stderr).toMatchObject([{ kind: 'node-drain', state: 'verified' }]);
  const causes = report.events.flatMap((window) => window.causes ?? []);
  expect(causes.some(({ broken }) => broken.some(({ share }) => share.count > 0))).toBe(true);
  expect(report.events.flatMap(({ unexplained }) => unexplained ?? [])).toEqual([]);
  await eventually(async () => {
    for (const vip of ['web', 'web-cluster']) expect((await hopsTo(openLab(PREFIX, LAB_UID), vip)).toSorted()).toEqual(NODES);
  }, 60_000);
  const verified = await holdfast(['verify', ...there, '--for', '10s', '--out', join(folder, 'verified')]);
  expect(verified, verified.stdout).toMatchObject({ code: 0 });
});
