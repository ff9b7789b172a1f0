// A rollout on real Kubernetes and MetalLB, under both policies at once: each step is named, and every break has a cause or is said to have none.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JOURNAL_FILE } from '../../src/core/journal.ts';
import type { Report, WindowCause } from '../../src/core/report-format.ts';
import { readJournal } from '../../src/io/journal-file.ts';
import { CLUSTER_LAB_FILE, theClusterLab } from '../support/a-cluster-lab.ts';
import { hopsTo } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const lab = theClusterLab();
const folder = mkdtempSync(join(tmpdir(), 'holdfast-attribution-'));
const out = join(folder, 'comparison');
const run = join(out, 'rollout-web');
let report: Report;
let table: { trials: { vip: string; loss: { broken: { count: number; n: number } } }[]; vips: { vip: string; flows: number }[] };

beforeAll(async () => {
  await untilWhole();
  const flags = ['--only', 'rollout', '--flows', '30', '--prefix', lab.plan.prefix, '--out', out, '--json'];
  const { code, stdout, stderr } = await holdfast(['compare-policies', '--env', CLUSTER_LAB_FILE, ...flags]);
  expect(code, stderr).toBe(0);
  table = JSON.parse(stdout) as typeof table;
  report = JSON.parse(readFileSync(join(run, 'report.json'), 'utf8')) as Report;
}, 240_000);
afterAll(async () => {
  await untilWhole();
  rmSync(folder, { recursive: true });
});

async function untilWhole(): Promise<void> {
  await eventually(async () => {
    for (const { name } of lab.environment.vips) expect((await hopsTo(lab, name)).toSorted()).toEqual(['n1', 'n2', 'n3']);
  }, 60_000);
}

function causesOf(vip: string): WindowCause[] {
  return report.events.flatMap(({ causes = [] }) => causes).filter((cause) => cause.vip === vip);
}

test('each step of the rollout is named for each VIP before whose pods it stood', () => {
  for (const vip of ['web', 'web-cluster', 'web-affinity']) {
    const steps = causesOf(vip).flatMap(({ what }) => /^rollout of web, step (\d+): /.exec(what)?.[1] ?? []);
    expect([...new Set(steps)]).toEqual(['1', '2', '3']);
  }
});

test('under Local a step takes its node out of the set; under Cluster it takes none', () => {
  const moved = (vip: string) => causesOf(vip).filter(({ kind, effect }) => kind === 'pod' && effect !== null);
  expect(
    moved('web')
      .map(({ effect }) => effect)
      .join(' '),
  ).toContain('left the next-hop set of web');
  expect(moved('web-cluster')).toEqual([]);
});

test('flows are tied to the pod that answered them, and attributed and unexplained together are all that broke', async () => {
  for (const vip of ['web', 'web-cluster']) expect(causesOf(vip).some(({ evidence }) => (evidence['its-pod'] ?? 0) > 0)).toBe(true);
  const { events } = await readJournal(join(run, JOURNAL_FILE));
  const [first, last] = [report.events[0]?.fromT ?? 0, report.events.at(-1)?.untilT ?? 0];
  const broken = events.filter((event) => event.type === 'flow.broken' && event.onsetT >= first && event.onsetT < last);
  const attributed = report.events
    .flatMap(({ causes = [] }) => causes)
    .flatMap((cause) => cause.broken)
    .reduce((sum, { share }) => sum + share.count, 0);
  const unexplained = report.events.flatMap((window) => window.unexplained ?? []).reduce((sum, { share }) => sum + share.count, 0);
  process.stderr.write(`${String(attributed)} breaks attributed, ${String(unexplained)} unexplained\n`);
  expect(attributed + unexplained).toBe(broken.length);
});

test('one rollout is all Services’ that stand before the same pods: each has its figures from it', () => {
  expect(table.vips.map(({ vip, flows }) => [vip, flows])).toEqual([
    ['web', 60],
    ['web-cluster', 60],
    ['web-affinity', 60],
  ]);
  expect(table.trials.map(({ vip, loss }) => [vip, loss.broken.n])).toHaveLength(3);
});
