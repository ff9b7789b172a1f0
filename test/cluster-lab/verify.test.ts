// Intent against wire on real Kubernetes and MetalLB: what each layer says when all is well and when something is wrong, and that the
// difference is named.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { PathRow } from '../../src/analysis/path-verdicts.ts';
import { selfArgv } from '../../src/cli/self.ts';
import { discoverEnvironment } from '../../src/cluster/discover.ts';
import { type KubeClient, RESOURCES } from '../../src/cluster/kube-client.ts';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import { readClusterPicture } from '../../src/cluster/read-objects.ts';
import { environmentFile } from '../../src/core/environment.ts';
import type { ComparedVip } from '../../src/report/terminal/intent-wire.ts';
import { CLUSTER_LAB_FILE, theClusterLab } from '../support/a-cluster-lab.ts';
import { hopsTo } from '../support/a-lab.ts';
import { aWrongAsn, keepPeerFrom, systemClient } from '../support/cluster-objects.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const lab = theClusterLab();
const ALL = ['n1', 'n2', 'n3'];
const OTHERS = ['n1', 'n3'];
const signal = () => AbortSignal.timeout(20_000);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-verify-'));
const merge = (body: object) => ({ kind: 'merge', body }) as const;
let client: KubeClient;
let count = 0;
/** What puts the lab back, last thing first. */
let undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  client = await systemClient(lab);
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
beforeEach(untilWhole);
afterEach(async () => {
  for (const step of undo.reverse()) await step();
  undo = [];
  await untilWhole();
});

async function untilWhole(): Promise<void> {
  await untilHops({ web: ALL, 'web-cluster': ALL, 'web-affinity': ALL });
}

async function untilHops(expected: Record<string, readonly string[]>): Promise<void> {
  await eventually(async () => {
    for (const [vip, nodes] of Object.entries(expected)) expect((await hopsTo(lab, vip)).toSorted()).toEqual(nodes);
  }, 60_000);
}

type Verified = { code: number | null; verdict: string; vips: ComparedVip[]; stderr: string };

async function verify(vip: string): Promise<Verified> {
  count += 1;
  const out = join(folder, String(count));
  const args = ['--env', CLUSTER_LAB_FILE, '--prefix', lab.plan.prefix, '--vip', vip, '--flows', '32', '--out', out, '--json'];
  const { code, stdout, stderr } = await holdfast(['verify', ...args]);
  if (!stdout.startsWith('{')) throw new Error(`no answer: ${stderr}`);
  return { code, stderr, ...(JSON.parse(stdout) as Omit<Verified, 'code' | 'stderr'>) };
}

/** Of the part that is judged last: what the layers say of a node, in a line. */
function layersOf({ vips }: Verified, node: string): object {
  const row = vips[0]?.wire.parts.at(-1)?.rows.find((one): one is PathRow => one.node === node);
  return {
    intended: row?.intended?.advertises === true ? 'yes' : row?.intended?.reason,
    metallb: row?.status?.announcedTo,
    router: row?.routers.map(({ has }) => has),
    seen: row?.flows.map(({ seen }) => seen > 0),
  };
}
const whole = { intended: 'yes', metallb: ['tor'], router: [true], seen: [true, true] };
const differences = ({ vips }: Verified) => vips.flatMap((vip) => vip.differences.map(({ kind, node }) => `${kind} ${node}`));

test.each(['web', 'web-cluster'])('a healthy cluster: all layers say the same of %s', async (vip) => {
  const verified = await verify(vip);
  expect(verified).toMatchObject({ code: 0, verdict: 'held' });
  for (const node of ALL) expect(layersOf(verified, node)).toEqual(whole);
  expect(verified.vips[0]?.wire).toMatchObject({ unjudged: null, parts: [{ findings: [], doubts: [] }] });
});

test('a BGPPeer that is not for a node: nobody is to be told of it, the router has it not, and nothing differs', async () => {
  await using _ = await keepPeerFrom(client, 'n2');
  await untilHops({ web: OTHERS });
  const verified = await verify('web');
  expect(verified).toMatchObject({ code: 0, verdict: 'held' });
  expect(layersOf(verified, 'n2')).toEqual({ intended: 'noPeer', metallb: [], router: [false], seen: [false, false] });
  expect(layersOf(verified, 'n1')).toEqual(whole);
  const told = verified.vips[0]?.wire.parts.at(-1)?.rows.map(({ node, intended, routers }) => [node, intended?.peers, routers[0]?.should]);
  const tor = [{ name: 'tor', address: '10.77.1.1' }];
  expect(told?.toSorted()).toEqual([
    ['n1', tor, true],
    ['n2', [], false],
    ['n3', tor, true],
  ]);
});

test('a BGPPeer of the wrong AS number: the speaker says that it announces, the router has no path, and the session is named', async () => {
  await using _ = await aWrongAsn(client, 'n2');
  await untilHops({ web: OTHERS });
  const verified = await verify('web');
  expect(verified).toMatchObject({ code: 1, verdict: 'deviated' });
  expect(differences(verified)).toEqual(['missing n2']);
  expect(layersOf(verified, 'n2')).toEqual({ intended: 'yes', metallb: ['wrong-asn'], router: [false], seen: [false, false] });
  expect(layersOf(verified, 'n1')).toEqual(whole);
  const [told] = verified.vips[0]?.differences ?? [];
  expect(told?.what).toContain('BGPPeer wrong-asn asks for AS 64500 to AS 64999 at 10.77.1.1.');
  expect(told?.what).toMatch(/tor’s session with it is (Idle|Active|Connect|OpenSent|OpenConfirm)/);
  expect(told?.look).toMatch(/^AS numbers/);
});

test('a node without a pod under Local: it should not advertise, nobody has it, and nothing differs', async () => {
  const node = { resource: RESOURCES.nodes, name: 'n2' };
  undo.push(() => client.patch(node, merge({ spec: { unschedulable: null } }), {}, signal()));
  await client.patch(node, merge({ spec: { unschedulable: true } }), {}, signal());
  const pods = await client.list(
    RESOURCES.pods,
    { namespace: 'default', labelSelector: 'app=web', fieldSelector: 'spec.nodeName=n2' },
    signal(),
  );
  for (const { metadata } of pods ?? [])
    await client.remove({ resource: RESOURCES.pods, namespace: 'default', name: metadata.name }, {}, signal());
  await untilHops({ web: OTHERS, 'web-cluster': ALL });
  const verified = await verify('web');
  expect(verified).toMatchObject({ code: 0, verdict: 'held' });
  expect(layersOf(verified, 'n2')).toEqual({ intended: 'noLocalEndpoints', metallb: [], router: [false], seen: [false, false] });
  expect(layersOf(verified, 'n1')).toEqual(whole);
});

test('a frozen speaker: objects and status say that all is well, the router lost the node, and the difference is named', async () => {
  const pid = speakerOf('n2');
  undo.push(() => Promise.resolve(process.kill(pid, 'SIGCONT')));
  process.kill(pid, 'SIGSTOP');
  await untilHops({ web: OTHERS });
  const verified = await verify('web');
  expect(verified).toMatchObject({ code: 1, verdict: 'deviated' });
  expect(differences(verified)).toEqual(['missing n2']);
  expect(layersOf(verified, 'n2')).toEqual({ intended: 'yes', metallb: ['tor'], router: [false], seen: [false, false] });
  expect(verified.vips[0]?.differences[0]?.look).toContain('a process that hangs is Running all the same');
});

test('an environment discovered by Holdfast’s own user is valid, and names what the lab’s own environment names', async () => {
  const { cluster, vips } = lab.environment;
  if (cluster === null) throw new Error('this lab has no cluster');
  await using reader = await openCluster(cluster);
  const picture = await readClusterPicture(reader, signal());
  const { text } = discoverEnvironment(picture, { title: 'Found', kubeconfig: cluster.kubeconfig, context: null, key: '${file:key}' });
  const file = environmentFile.parse(parse(text));
  const names = (all: readonly { name: string; policy: string }[]) => all.map(({ name, policy }) => `${name} ${policy}`).sort();
  expect(names(file.vips)).toEqual(names(vips));
  expect(text.match(/# Should be advertised by n1 n2 n3\./g)).toHaveLength(vips.length);
  const path = join(folder, 'found.yaml');
  writeFileSync(path, text);
  expect(await holdfast(['validate', path])).toMatchObject({ code: 0 });
});

test('outside a lab, and without its router: a node that no flow reaches is missing where the environment says how flows are spread', async () => {
  const { cluster, vips } = lab.environment;
  const [web] = vips;
  const file = join(folder, 'outside.yaml');
  const environment = {
    title: 'Outside',
    vips: [{ name: 'web', address: web?.address, policy: 'local', service: 'default/web' }],
    nodes: lab.environment.nodes.map(({ name, addresses }) => ({ name, addresses })),
    ecmp: { hash: 'l4', nextHopGroups: 'hash-threshold' },
    cluster: { kubeconfig: cluster?.kubeconfig },
    key: `\${file:${join(lab.stateFolder, 'key')}}`,
  };
  writeFileSync(file, JSON.stringify(environment));
  const inside = (member: string, ...command: string[]) => ['lab', 'exec', '--prefix', lab.plan.prefix, member, '--', ...command];
  const nft = async (command: string) => {
    expect(await holdfast(inside('n2', 'nft', command))).toMatchObject({ code: 0 });
  };
  undo.push(() => nft('delete table inet deaf'));
  await nft('table inet deaf { chain pre { type filter hook prerouting priority -300; tcp dport 7000 drop; }; }');
  const args = ['verify', '--env', file, '--flows', '64', '--out', join(folder, 'outside'), '--json'];
  const { code, stdout, stderr } = await holdfast(inside('v1', ...selfArgv(...args)));
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(differences({ code, stderr, ...(JSON.parse(stdout) as Omit<Verified, 'code' | 'stderr'>) })).toEqual(['missing n2']);
});

/** The process of a node's speaker, as the lab's kubelet noted it. */
function speakerOf(node: string): number {
  const notes = join(lab.stateFolder, 'kubelet', node);
  const pods = readdirSync(notes)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(notes, name), 'utf8')) as { name: string; process: { pid: number } });
  const speaker = pods.find(({ name }) => name.startsWith('speaker-'));
  if (!speaker) throw new Error(`no speaker runs on ${node}`);
  return speaker.process.pid;
}
