// The kubelet's stand-in before a real API server, scheduler left aside: pods bound to n3 by name.
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type KubeClient, type KubeObject, type Resource, RESOURCES } from '../../src/cluster/kube-client.ts';
import { findProcess, identityOf, isAlive } from '../../src/io/process-identity.ts';
import { LEASE_NAMESPACE, LEASES } from '../../src/lab/kubelet/node-objects.ts';
import { processesOfPod } from '../../src/lab/kubelet/pod-process.ts';
import { theClusterLab } from '../support/a-cluster-lab.ts';
import { systemClient } from '../support/cluster-objects.ts';
import { eventually } from '../support/eventually.ts';

const lab = theClusterLab();
const NODE = 'n3';
const namespace = 'default';
const LABELS = { app: 'kubelet-test' };
let client: KubeClient;
const signal = () => AbortSignal.timeout(15_000);

beforeAll(async () => {
  client = await systemClient(lab);
});
afterEach(async () => {
  for (const resource of [RESOURCES.pods, RESOURCES.services] as const) {
    for (const { metadata } of await pieces(resource)) {
      await client.remove({ resource, namespace, name: metadata.name }, { gracePeriodSeconds: 0 }, signal());
    }
  }
  await eventually(async () => {
    expect(await pieces(RESOURCES.pods)).toEqual([]);
  }, 30_000);
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
});

const pieces = async (resource: Resource) =>
  (await client.list(resource, { namespace, labelSelector: 'app=kubelet-test' }, signal())) ?? [];

/** A pod on n3 that listens on 7001 and ends on SIGTERM; `container` and `spec` replace ours. */
async function create(name: string, container: object = {}, spec: object = {}): Promise<string> {
  const listen = `process.on('SIGTERM', () => process.exit(0)); require('net').createServer().listen(7001)`;
  const own = { name: 'own', image: 'process/own', command: [process.execPath, '-e', listen], ...container };
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: LABELS },
    spec: { nodeName: NODE, terminationGracePeriodSeconds: 20, containers: [own], ...spec },
  };
  const { metadata } = await client.create(RESOURCES.pods, pod, {}, signal());
  return metadata.uid ?? '';
}

type Status = {
  phase: string;
  message?: string;
  podIP?: string;
  conditions: { type: string; status: string }[];
  containerStatuses: { restartCount: number }[];
};
const ref = (name: string) => ({ resource: RESOURCES.pods, namespace, name });
async function statusOf(name: string): Promise<Status> {
  const pod = await client.get(ref(name), signal());
  expect(pod).not.toBeNull();
  return pod?.status as Status;
}
const readyOf = async (name: string) => (await statusOf(name)).conditions.find(({ type }) => type === 'Ready')?.status;
const untilReady = async (name: string) => {
  await eventually(async () => {
    expect(await readyOf(name)).toBe('True');
  }, 30_000);
};
const untilGone = async (name: string, uid: string) => {
  await eventually(async () => {
    expect(await client.get(ref(name), signal())).toBeNull();
    expect(processesOfPod(uid)).toEqual([]);
  }, 30_000);
};
const leaderOf = (uid: string) => {
  const leaders = processesOfPod(uid).filter(({ isLeader }) => isLeader);
  expect(leaders).toHaveLength(1);
  return leaders[0]?.pid ?? 0;
};
const kubelet = () => findProcess((words) => ['lab-kubelet', lab.stateFolder, NODE].every((word) => words.includes(word)));

const PROBE = { readinessProbe: { tcpSocket: { port: 7001 }, periodSeconds: 1 } };

test('the node says openly what it is, and its Lease is renewed', async () => {
  const node = await client.get({ resource: RESOURCES.nodes, name: NODE }, signal());
  expect(node?.status).toMatchObject({ nodeInfo: { osImage: expect.stringContaining('pods are processes') as string } });
  const lease = { resource: LEASES, namespace: LEASE_NAMESPACE, name: NODE };
  const renewedAt = async () => ((await client.get(lease, signal()))?.spec as { renewTime: string }).renewTime;
  const before = await renewedAt();
  await eventually(async () => {
    expect(await renewedAt()).not.toBe(before);
  }, 30_000);
});

test('a pod becomes ready by its probe, has an address of its node, and a foreign word on its readiness is put right', async () => {
  await create('plain', PROBE);
  await untilReady('plain');
  const { podCidrs = [] } = lab.environment.nodes.find(({ name }) => name === NODE) ?? {};
  expect((await statusOf('plain')).podIP).toMatch(new RegExp(`^${(podCidrs[0] ?? '').replace(/\.\d+\/.*$/, '')}\\.`));
  const conditions = [{ type: 'Ready', status: 'False', reason: 'NodeNotReady' }];
  await client.patch({ ...ref('plain'), subresource: 'status' }, { kind: 'strategic', body: { status: { conditions } } }, {}, signal());
  await untilReady('plain');
});

test('a deleted pod is serving and terminating as long as its probe passes; then object, process and namespace are gone', async () => {
  const ports = [{ port: 7001 }];
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubelet-test', namespace, labels: LABELS },
    spec: { selector: LABELS, ports },
  };
  await client.create(RESOURCES.services, service, {}, signal());
  const uid = await create('leaving', { ...PROBE, lifecycle: { preStop: { sleep: { seconds: 4 } } } });
  await untilReady('leaving');
  const endpoints = async () => {
    const slices = await client.list(
      RESOURCES.endpointSlices,
      { namespace, labelSelector: 'kubernetes.io/service-name=kubelet-test' },
      signal(),
    );
    return (slices ?? [])
      .flatMap((slice) => (slice.endpoints as { conditions: object }[] | null) ?? [])
      .map(({ conditions }) => conditions);
  };
  await eventually(async () => {
    expect(await endpoints()).toEqual([{ ready: true, serving: true, terminating: false }]);
  });
  await client.remove(ref('leaving'), {}, signal());
  await eventually(async () => {
    expect(await endpoints()).toEqual([{ ready: false, serving: true, terminating: true }]);
  });
  expect(leaderOf(uid)).toBeGreaterThan(0);
  const slot = (await statusOf('leaving')).podIP?.split('.').at(-1) ?? '';
  const netns = `/run/netns/${lab.plan.prefix}-p-${NODE}-${slot}`;
  expect(existsSync(netns)).toBe(true);
  await untilGone('leaving', uid);
  await eventually(() => {
    expect(existsSync(netns)).toBe(false);
  });
  await eventually(async () => {
    expect(await endpoints()).toEqual([]);
  });
});

test('what is no process fails with a reason, in its status and as an Event, and can be deleted', async () => {
  const uid = await create('image', { image: 'nginx:1.29' });
  await eventually(async () => {
    expect(await statusOf('image')).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining('pods are processes here') as string,
    });
  });
  const events = { group: '', version: 'v1', plural: 'events', namespaced: true };
  await eventually(async () => {
    const found = await client.list(events, { namespace, fieldSelector: `involvedObject.uid=${uid}` }, signal());
    expect(found).toMatchObject([{ reason: 'NotAProcess', message: expect.stringContaining('nginx:1.29') as string }]);
  });
  await client.remove(ref('image'), {}, signal());
  await untilGone('image', uid);
});

test('a pod that ended for good stays so, without a namespace, until it is deleted', async () => {
  const uid = await create('once', { command: ['true'] }, { restartPolicy: 'Never' });
  await eventually(async () => {
    expect(await statusOf('once')).toMatchObject({ phase: 'Succeeded', containerStatuses: [{ restartCount: 0 }] });
  }, 30_000);
  await client.remove(ref('once'), {}, signal());
  await untilGone('once', uid);
});

test('killed and started again, the kubelet keeps what is wanted as it is, and ends what was deleted meanwhile', async () => {
  const staying = await create('staying', PROBE);
  const going = await create('going', PROBE);
  await untilReady('staying');
  await untilReady('going');
  const before = { pid: leaderOf(staying), status: await statusOf('staying') };
  const old = kubelet();
  process.kill(old?.pid ?? 0, 'SIGKILL');
  await client.remove(ref('going'), { gracePeriodSeconds: 0 }, signal());
  await eventually(() => {
    const now = kubelet();
    expect(now).not.toBeNull();
    expect(now).not.toEqual(old);
  }, 30_000);
  await untilGone('going', going);
  expect(leaderOf(staying)).toBe(before.pid);
  expect(identityOf(before.pid)).not.toBeNull();
  expect(await statusOf('staying')).toEqual(before.status);
  await client.remove(ref('staying'), {}, signal());
  await untilGone('staying', staying);
});

test('a foreign word on its node is put right', async () => {
  const node = { resource: RESOURCES.nodes, name: NODE };
  const conditions = [{ type: 'Ready', status: 'False', reason: 'SomebodyElse' }];
  await client.patch({ ...node, subresource: 'status' }, { kind: 'strategic', body: { status: { conditions } } }, {}, signal());
  await eventually(async () => {
    const found = await client.get(node, signal());
    expect((found?.status as Status).conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'True',
      reason: 'KubeletReady',
    });
  });
});

// The last of all: every pod of the node is started anew.
test('told to end, the kubelet ends its pods; its successor starts those that are still wanted', async () => {
  const uid = await create('again', PROBE);
  await untilReady('again');
  const before = leaderOf(uid);
  const old = kubelet();
  process.kill(old?.pid ?? 0, 'SIGTERM');
  await eventually(() => {
    expect(identityOf(before)).toBeNull();
    expect(old && isAlive(old)).toBe(false);
  }, 30_000);
  await eventually(() => {
    expect(leaderOf(uid)).not.toBe(before);
  }, 30_000);
  await untilReady('again');
  await eventually(async () => {
    const web = await client.list(RESOURCES.pods, { namespace, fieldSelector: `spec.nodeName=${NODE}` }, signal());
    for (const { metadata } of web ?? []) expect(await readyOf(metadata.name)).toBe('True');
  }, 30_000);
});
