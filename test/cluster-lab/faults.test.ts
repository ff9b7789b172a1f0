// Each fault of a cluster on real Kubernetes and MetalLB, by a real keeper with the keeper's own role: in force, seen by the router,
// reverted and read back, and every object as it was before, byte for byte.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { JournalEvent } from '../../src/core/journal.ts';
import { type KubeClient, RESOURCES } from '../../src/cluster/kube-client.ts';
import { monoMs } from '../../src/io/clock.ts';
import { readNextHops } from '../../src/io/kernel-routes.ts';
import { FAULTS } from '../../src/keeper/faults/index.ts';
import type { KeeperClient } from '../../src/runner/keeper-client.ts';
import { theClusterLab } from '../support/a-cluster-lab.ts';
import { hopsTo } from '../support/a-lab.ts';
import { systemClient, writtenObjects } from '../support/cluster-objects.ts';
import { eventually } from '../support/eventually.ts';
import { KeeperProcesses } from '../support/keeper-process.ts';

const LEASE_MS = 6_000;
const ALL = ['n1', 'n2', 'n3'];
const lab = theClusterLab();
let client: KubeClient;
let keepers: KeeperProcesses;
let keeper: KeeperClient;
let epoch: number;
let renewal: NodeJS.Timeout;
const events: JournalEvent[] = [];
const signal = () => AbortSignal.timeout(20_000);

beforeAll(async () => {
  client = await systemClient(lab);
  const allow = { faults: FAULTS.map(({ kind }) => kind), nodes: ALL, vips: lab.environment.vips.map(({ name }) => name) };
  keepers = new KeeperProcesses(lab, { allow, leaseMs: LEASE_MS, quarantineMs: 1_000, minNextHops: 2 });
  ({ client: keeper } = await keepers.start());
  keeper.onEvent((event) => events.push(event));
  // A busy machine may take its time to start a janitor.
  ({ epoch } = await eventually(async () => await keeper.acquire('cluster-faults', monoMs()), 60_000));
  renewal = setInterval(() => {
    keeper.renew(epoch).catch(() => undefined);
  }, LEASE_MS / 4);
});
afterAll(async () => {
  clearInterval(renewal);
  await keeper.release(epoch).catch(() => undefined);
  keeper.close();
  await keepers[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
});
beforeEach(untilWhole);

async function untilWhole(): Promise<void> {
  await eventually(async () => {
    for (const { name } of lab.environment.vips) expect((await hopsTo(lab, name)).toSorted()).toEqual(ALL);
    const web = await client.get({ resource: RESOURCES.deployments, namespace: 'default', name: 'web' }, signal());
    expect(web?.status).toMatchObject({ availableReplicas: ALL.length, updatedReplicas: ALL.length });
  }, 60_000);
}

let count = 0;
type Planned = { kind: string; target: string; params?: Record<string, unknown>; forMs?: number };

/** Injects, looks, and returns the events of the fault once it is over, its quarantine too. */
async function carriedOut({ kind, target, params = {}, forMs = 3_000 }: Planned, look: () => Promise<void>): Promise<string[]> {
  count += 1;
  const fault = `f${String(count)}`;
  const planned = { fault, kind, target, forMs, params };
  const [step] = await keeper.plan(epoch, [planned]);
  expect(step?.refusals).toEqual([]);
  await keeper.inject(epoch, planned);
  await look();
  await eventually(async () => {
    const now = (await keeper.status()).faults.find((each) => each.fault === fault && each.epoch === epoch);
    expect(now).toMatchObject({ state: 'verified', isQuarantineOver: true });
  }, 90_000);
  return events.filter((event) => 'fault' in event && event.fault === fault).map(({ type }) => type);
}

const WHOLE_LIFE = ['fault.intent', 'fault.in-force', 'fault.reverting', 'fault.verified'];

test.each([
  { kind: 'node-exclude', target: 'n2', local: ['n1', 'n3'], cluster: ['n1', 'n3'] },
  { kind: 'advertisement-deselect', target: 'n2', local: ['n1', 'n3'], cluster: ['n1', 'n3'] },
  // Evicting is all that is done: under Local the route leaves by itself, under Cluster it stays.
  { kind: 'node-drain', target: 'n2', params: { order: 'evict-first' }, local: ['n1', 'n3'], cluster: ALL },
  { kind: 'node-drain', target: 'n3', params: { order: 'withdraw-first' }, local: ['n1', 'n2'], cluster: ['n1', 'n2'] },
  { kind: 'policy-flip', target: 'web', local: ALL, cluster: ALL },
  { kind: 'policy-flip', target: 'web-cluster', local: ALL, cluster: ALL },
])('$kind at $target: the router sees it, and every object is as before', async ({ local, cluster, ...planned }) => {
  const before = await writtenObjects(client);
  const types = await carriedOut({ ...planned, forMs: 6_000 }, async () => {
    expect(await writtenObjects(client)).not.toEqual(before);
    await eventually(async () => {
      expect((await hopsTo(lab, 'web')).toSorted()).toEqual(local);
      expect((await hopsTo(lab, 'web-cluster')).toSorted()).toEqual(cluster);
    }, 5_000);
  });
  expect(types).toEqual(WHOLE_LIFE);
  expect(await writtenObjects(client)).toEqual(before);
});

test('speaker-delete: another pod takes over, and the fault is over before its time', async () => {
  const speaker = async () =>
    (await client.list(RESOURCES.pods, { namespace: 'metallb-system', fieldSelector: 'spec.nodeName=n1' }, signal()))?.find(
      ({ metadata }) => metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') ?? false,
    )?.metadata.uid;
  const [before, old] = [await writtenObjects(client), await speaker()];
  const types = await carriedOut({ kind: 'speaker-delete', target: 'n1', forMs: 60_000 }, () => Promise.resolve());
  expect(types).toEqual(WHOLE_LIFE);
  expect(await speaker()).not.toBe(old);
  expect(await writtenObjects(client)).toEqual(before);
});

test('deployment-rollout: every pod is another one, the rollout is whole, and only its time stays', async () => {
  const pods = async () => {
    const all = await client.list(
      RESOURCES.pods,
      { namespace: 'default', labelSelector: 'app=web', fieldSelector: 'status.phase=Running' },
      signal(),
    );
    return all?.map(({ metadata }) => metadata.uid) ?? [];
  };
  const [before, old] = [await writtenObjects(client), await pods()];
  const types = await carriedOut({ kind: 'deployment-rollout', target: 'web', forMs: 60_000 }, () => Promise.resolve());
  expect(types).toEqual(WHOLE_LIFE);
  expect((await pods()).filter((uid) => old.includes(uid))).toEqual([]);
  const after = await writtenObjects(client);
  const restartedAt = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string;
  const deployment = before['deployments default/web'];
  expect(after).toMatchObject({
    ...before,
    'deployments default/web': {
      ...deployment,
      metadata: { ...deployment?.metadata, annotations: { 'deployment.kubernetes.io/revision': expect.any(String) as string } },
      spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } } } },
    },
  });
  expect(Object.keys(after)).toEqual(Object.keys(before));
});

test('unrelated-service: another VIP stands beside ours for a while, and no set of ours changes', async () => {
  const before = await writtenObjects(client);
  const types = await carriedOut({ kind: 'unrelated-service', target: 'web', forMs: 5_000 }, async () => {
    const all = (await client.list(RESOURCES.services, { namespace: 'default' }, signal())) ?? [];
    const ours = all.find(({ metadata }) => metadata.name.startsWith('holdfast-'));
    const { ip = '' } = (ours?.status as { loadBalancer: { ingress: { ip: string }[] } }).loadBalancer.ingress[0] ?? {};
    await eventually(async () => {
      expect(await readNextHops(lab.plan.router, `${ip}/32`, signal())).toHaveLength(3);
    }, 4_000);
    for (const { name } of lab.environment.vips) expect((await hopsTo(lab, name)).toSorted()).toEqual(ALL);
  });
  expect(types).toEqual(WHOLE_LIFE);
  expect(await writtenObjects(client)).toEqual(before);
});

test('a node that was cordoned and excluded before stays so', async () => {
  const n2 = { resource: RESOURCES.nodes, name: 'n2' };
  const label = 'node.kubernetes.io/exclude-from-external-load-balancers';
  const set = async (value: unknown) => {
    const body = { metadata: { labels: { [label]: value === null ? null : 'mine' } }, spec: { unschedulable: value } };
    await client.patch(n2, { kind: 'merge', body }, {}, signal());
  };
  await set(true);
  try {
    await eventually(async () => {
      expect(await hopsTo(lab, 'web')).not.toContain('n2');
    }, 5_000);
    const before = await writtenObjects(client);
    expect(await carriedOut({ kind: 'node-exclude', target: 'n2' }, () => Promise.resolve())).toEqual(WHOLE_LIFE);
    expect(await writtenObjects(client)).toEqual(before);
    expect(before['nodes n2']).toMatchObject({ metadata: { labels: { [label]: 'mine' } }, spec: { unschedulable: true } });
  } finally {
    await set(null);
  }
});

test('a drain that a PodDisruptionBudget forbids is refused before it begins, in the budget’s words; so is one of an unmanaged pod', async () => {
  const fault = { fault: 'never', kind: 'node-drain', target: 'n2', forMs: 3_000, params: { order: 'evict-first' } };
  const refusals = async () => (await keeper.plan(epoch, [fault]))[0]?.refusals;
  const budgets = { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', namespaced: true };
  const allowed = async (maxUnavailable: number) => {
    const ref = { resource: budgets, namespace: 'default', name: 'web' };
    await client.patch(ref, { kind: 'merge', body: { spec: { maxUnavailable } } }, {}, signal());
  };
  const stray = {
    metadata: { name: 'stray', namespace: 'default' },
    spec: {
      nodeName: 'n2',
      containers: [{ name: 'sleep', image: 'process/sleep', command: ['sleep', '600'] }],
      terminationGracePeriodSeconds: 0,
    },
  };
  const before = await writtenObjects(client);
  await client.create(RESOURCES.pods, stray, {}, signal());
  try {
    await eventually(async () => {
      expect(await refusals()).toEqual([expect.stringContaining('the pod default/stray has no controller')]);
    });
  } finally {
    await client.remove({ resource: RESOURCES.pods, namespace: 'default', name: 'stray' }, { gracePeriodSeconds: 0 }, signal());
  }
  await allowed(0);
  try {
    await eventually(async () => {
      expect(await refusals()).toEqual([expect.stringMatching(/the eviction of default\/web-\S+ is not allowed: .+/)]);
    }, 10_000);
  } finally {
    await allowed(1);
  }
  expect(await writtenObjects(client)).toEqual(before);
});
