// Faults of a cluster by the real client and a real server over TLS: whatever was there before is there again, whatever others did stays.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeAdvertise } from '../../src/cluster/node-advertise.ts';
import { nodeServe } from '../../src/cluster/node-serve.ts';
import type { Aim, Fault } from '../../src/keeper/faults/fault.ts';
import { FAULTS } from '../../src/keeper/faults/index.ts';
import { revertFault } from '../../src/keeper/revert.ts';
import { AClusterServer } from '../support/a-cluster-server.ts';
import { answer } from '../support/an-api-server.ts';
import { eventually } from '../support/eventually.ts';
import { SmallCluster } from '../support/small-cluster.ts';
import { SmallNetwork } from '../support/small-network.ts';

const NODES = ['n1', 'n2', 'n3'];
const LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';
const RESTORING = ['node-exclude', 'node-drain', 'advertisement-deselect', 'policy-flip', 'unrelated-service'];
const signal = new AbortController().signal;
let server: AClusterServer;
beforeAll(async () => {
  server = await AClusterServer.start(new SmallCluster(NODES));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function surroundings() {
  const { environment, devices } = new SmallNetwork();
  const { control } = server;
  return {
    environment,
    faults: FAULTS,
    devices: { ...devices, cluster: control, advertise: nodeAdvertise(control), serve: nodeServe(control) },
  };
}

function aimed(kind: string): {
  fault: Fault;
  aim: Aim;
  named: { fault: string; kind: string; target: string; params: object; runId: string };
} {
  const { environment, devices, faults } = surroundings();
  const fault = faults.find((each) => each.kind === kind);
  const target = fault?.aimedAt === 'vip' ? environment.vips[0] : environment.nodes[1];
  if (!fault || !target) throw new Error(`no fault ${kind}`);
  const params = kind === 'node-drain' ? { order: 'evict-first' } : {};
  return {
    fault,
    aim: { environment, target, params, devices, mark: 'run/f1' },
    named: { fault: 'f1', kind, target: target.name, params, runId: 'run' },
  };
}

/** Somebody else's work on what faults change, and on what they do not. */
const FOREIGN: Record<string, (cluster: SmallCluster) => void> = {
  'another label': (cluster) => {
    cluster.edit('nodes', [null, 'n2'], ({ metadata }) => (metadata.labels = { ...metadata.labels, theirs: 'x' }));
  },
  'another annotation': (cluster) => {
    cluster.edit('services', ['default', 'web'], ({ metadata }) => (metadata.annotations = { ...metadata.annotations, theirs: 'x' }));
  },
  'the label itself': (cluster) => {
    cluster.edit('nodes', [null, 'n2'], ({ metadata }) => (metadata.labels = { ...metadata.labels, [LABEL]: 'theirs' }));
  },
  'the selectors themselves': (cluster) => {
    cluster.edit(
      'bgpAdvertisements',
      ['metallb-system', 'all'],
      (object) => (object.spec = { nodeSelectors: [{ matchLabels: { theirs: 'x' } }] }),
    );
  },
};

const state = fc.record({
  kind: fc.constantFrom(...RESTORING),
  excluded: fc.option(fc.constantFrom('', 'true'), { nil: undefined }),
  unschedulable: fc.option(fc.constant(true), { nil: undefined }),
  selectors: fc.option(fc.constant([{ matchLabels: { zone: 'a' } }]), { nil: undefined }),
  policy: fc.constantFrom('Local', 'Cluster'),
  foreign: fc.option(fc.constantFrom(...Object.keys(FOREIGN)), { nil: undefined }),
});

test('over generated clusters: all as before, or as somebody else left it', async () => {
  await fc.assert(
    fc.asyncProperty(state, async ({ kind, excluded, unschedulable, selectors, policy, foreign }) => {
      const make = () => {
        const cluster = new SmallCluster(NODES);
        cluster.edit('nodes', [null, 'n2'], (node) => {
          if (excluded !== undefined) node.metadata.labels = { ...node.metadata.labels, [LABEL]: excluded };
          if (unschedulable) Object.assign(node.spec as object, { unschedulable });
        });
        if (selectors)
          cluster.edit('bgpAdvertisements', ['metallb-system', 'all'], (object) => (object.spec = { nodeSelectors: selectors }));
        if (policy === 'Cluster') {
          cluster.edit('services', ['default', 'web'], (service) => {
            Object.assign(service.spec as object, { externalTrafficPolicy: policy });
            Reflect.deleteProperty(service.spec as object, 'healthCheckNodePort');
          });
        }
        return cluster;
      };
      const disturb = (cluster: SmallCluster) => {
        if (foreign !== undefined) FOREIGN[foreign]?.(cluster);
        return cluster;
      };
      server.cluster = make();
      const { fault, aim } = aimed(kind);
      const preState: unknown = JSON.parse(JSON.stringify(await fault.preState(aim, signal)));
      await fault.inject(aim, preState, signal);
      expect(await fault.read(aim, preState, signal)).toMatchObject({ isInForce: true });
      disturb(server.cluster);
      await fault.revert(aim, preState, signal);
      await fault.revert(aim, preState, signal);
      expect(await fault.read(aim, preState, signal)).toMatchObject({ isRestored: true });
      expect(server.cluster.snapshot()).toBe(disturb(make()).snapshot());
    }),
    { numRuns: 40 },
  );
}, 120_000);

test('while the API server is away a revert goes on trying, is called unverified, and is verified when the server returns', async () => {
  server.cluster = new SmallCluster(NODES);
  const before = server.cluster.snapshot();
  const { fault, aim, named } = aimed('node-exclude');
  const preState = await fault.preState(aim, signal);
  await fault.inject(aim, preState, signal);
  await server.api.goDown();
  const open = { ...named, params: {}, preState };
  expect(await revertFault(open, surroundings(), { limitMs: 600, signal })).toMatchObject({
    type: 'fault.unverified',
    reason: expect.stringContaining('127.0.0.1') as string,
  });
  const reverting = revertFault(open, surroundings(), { limitMs: 20_000, signal });
  await server.api.comeUp();
  expect(await reverting).toEqual({ type: 'fault.verified' });
  await eventually(() => {
    expect(server.cluster.snapshot()).toBe(before);
  });
}, 60_000);

test.each(['node-exclude', 'node-drain', 'advertisement-deselect', 'policy-flip', 'deployment-rollout', 'speaker-delete'])(
  'a proxy that answers 404 while its API server is away neither puts %s in force nor makes it gone',
  async (kind) => {
    server.cluster = new SmallCluster(NODES);
    const { fault, aim, named } = aimed(kind);
    const preState = await fault.preState(aim, signal);
    await fault.inject(aim, preState, signal);
    const { interlude } = server.api;
    server.api.interlude = (_, response) => answer(response, 404, '404 page not found');
    try {
      const unreachable = { code: 'CLUSTER_UNREACHABLE' };
      await expect(fault.read(aim, preState, signal)).rejects.toMatchObject(unreachable);
      const end = await revertFault({ ...named, params: aim.params, preState }, surroundings(), { limitMs: 0, signal });
      expect(end).toMatchObject({ type: 'fault.unverified', reason: expect.stringContaining('404') as string });
    } finally {
      server.api.interlude = interlude;
    }
  },
);
