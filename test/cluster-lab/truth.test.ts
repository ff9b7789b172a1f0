// A run on real Kubernetes and MetalLB, judged by the packets at every node's uplink and before every pod: kube-proxy's translation included.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RESOURCES } from '../../src/cluster/kube-client.ts';
import { runCommand } from '../../src/io/command.ts';
import { theClusterLab } from '../support/a-cluster-lab.ts';
import { systemClient } from '../support/cluster-objects.ts';
import { judge } from '../truth/oracle.ts';
import { type PodToCapture, type RecordedRun, recordRun } from '../truth/recorded-run.ts';
import { type Line, readFindings } from '../truth/run-files.ts';

const SCENARIO = 'test/truth/scenarios/one-cluster-both-policies.yaml';
const LARGEST_BORDERLINE_SHARE = 0.02;
const lab = theClusterLab();

let folder: string;
let pods: PodToCapture[];
let recorded: RecordedRun;
let lines: Line[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-cluster-truth-'));
  pods = await webPods();
  const environment = `deploy/lab/${lab.environment.name}.yaml`;
  recorded = await recordRun({ scenario: SCENARIO, environment, prefix: lab.plan.prefix, folder, pods });
  lines = readFindings(recorded.folder);
}, 240_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function webPods(): Promise<PodToCapture[]> {
  await using client = await systemClient(lab);
  const found = (await client.list(RESOURCES.pods, { namespace: 'default', labelSelector: 'app=web' }, AbortSignal.timeout(10_000))) ?? [];
  return await Promise.all(
    found.map(async ({ metadata, spec, status }) => {
      const { nodeName } = spec as { nodeName: string };
      const { podIP } = status as { podIP: string };
      const place = lab.environment.nodes.find(({ name }) => name === nodeName);
      const routes = await runCommand(['ip', '-j', 'route', 'get', podIP], { place: { netns: place?.netns ?? null } });
      const [{ dev: port }] = JSON.parse(routes) as [{ dev: string }];
      return { name: metadata.name, node: nodeName, port, address: podIP };
    }),
  );
}

const judged = (findings: Line[]) => judge(recorded.conversations, recorded.run, findings);
const ofPolicy = (policy: string) => {
  const addresses = lab.environment.vips.filter((vip) => vip.policy === policy).map(({ address }) => address);
  return lines.filter(({ vip }) => addresses.includes(vip));
};
const nodeOf = (pod: string | null) => pods.find(({ name }) => name === pod)?.node;

test('of every flow the report says what the packets say: ingress, pod, the source that the pod saw, whether it broke, and why', () => {
  const { disagreements, agreed, borderline, inDoubt } = judged(lines);
  process.stderr.write(`${String(agreed)} lines agree, ${String(borderline)} of them at an edge; ${String(recorded.packets)} packets\n`);
  expect(disagreements).toEqual([]);
  expect(agreed).toBe(lines.length);
  expect(borderline + inDoubt).toBeLessThanOrEqual(LARGEST_BORDERLINE_SHARE * lines.length);
});

test('it was about something: both policies and protocols, every window, flows that broke, and translation as kube-proxy does it', () => {
  const kinds = ['local', 'cluster'].flatMap((policy) =>
    ofPolicy(policy).map(({ event, protocol }) => `${policy} ${protocol} ${String(event)}`),
  );
  expect(new Set(kinds).size).toBe(2 * 2 * 3);
  for (const policy of ['local', 'cluster']) expect(ofPolicy(policy).some(({ breakCause }) => breakCause === 'reset')).toBe(true);
  expect(lines.some((line) => !line.broken && line.ingressAfter !== line.ingressBefore)).toBe(true);
  for (const line of ofPolicy('local')) {
    expect([line.observedSourceBefore, nodeOf(line.backendBefore)]).toEqual([line.sourceAddress, line.ingressBefore]);
  }
  for (const line of ofPolicy('cluster')) {
    const ingress = lab.environment.nodes.find(({ name }) => name === line.ingressBefore);
    expect(ingress?.addresses).toContain(line.observedSourceBefore);
  }
  expect(ofPolicy('cluster').some((line) => nodeOf(line.backendBefore) !== line.ingressBefore)).toBe(true);
});

test('findings that are wrong of a single flow, in any one thing, would be noticed', () => {
  const other = (node: string | null) => (node === 'n1' ? 'n2' : 'n1');
  const mistakes: Record<string, (line: Line) => Line> = {
    'another ingress before': (line) => ({ ...line, ingressBefore: other(line.ingressBefore) }),
    'another ingress after': (line) => ({ ...line, ingressAfter: other(line.ingressAfter) }),
    'another pod before': (line) => ({ ...line, backendBefore: pods.find(({ name }) => name !== line.backendBefore)?.name ?? null }),
    'another pod after': (line) => ({ ...line, backendAfter: pods.find(({ name }) => name !== line.backendAfter)?.name ?? null }),
    'another source before': (line) => ({ ...line, observedSourceBefore: '10.0.0.1' }),
    'another source after': (line) => ({ ...line, observedSourceAfter: '10.0.0.1' }),
    'broken or not': (line) => ({ ...line, broken: !line.broken }),
    'another cause': (line) => ({ ...line, breakCause: line.breakCause === 'reset' ? 'stalled' : 'reset' }),
  };
  const clear = lines.filter(({ blame }) => blame !== 'prober');
  for (const [mistake, plant] of Object.entries(mistakes)) {
    // Planted in all lines at once: each of them must be told by itself, as must those that are left out since they claim nothing.
    expect(judged(clear.map(plant)).disagreements, mistake).toHaveLength(lines.length);
  }
});

test('a line that is told twice or made up would be noticed, and a flow that is left out', () => {
  const whole = lines.find((line) => line.event === 1 && !line.broken);
  if (!whole) throw new Error('every flow broke');
  expect(judged([...lines, whole]).disagreements).toMatchObject([{ because: 'a second line' }]);
  expect(judged([...lines, { ...whole, sourcePort: 1 }]).disagreements).toMatchObject([{ packets: 'no such flow' }]);
  expect(judged(lines.filter((line) => line !== whole)).disagreements).toMatchObject([{ event: 1, says: 'no line' }]);
});
