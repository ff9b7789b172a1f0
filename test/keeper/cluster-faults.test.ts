// What faults of a cluster promise beyond the contract of all: what they refuse, and what they leave to others.
import { expect, test } from 'vitest';
import { EXCLUDE_LABEL } from '../../src/cluster/intent/intent.ts';
import type { Node, Vip } from '../../src/core/environment.ts';
import { AppError } from '../../src/core/errors.ts';
import { advertisementDeselect } from '../../src/keeper/faults/advertisement-deselect.ts';
import { deploymentRollout } from '../../src/keeper/faults/deployment-rollout.ts';
import type { Aim } from '../../src/keeper/faults/fault.ts';
import { FAULTS } from '../../src/keeper/faults/index.ts';
import { nodeDrain } from '../../src/keeper/faults/node-drain.ts';
import { policyFlip } from '../../src/keeper/faults/policy-flip.ts';
import { speakerDelete } from '../../src/keeper/faults/speaker-delete.ts';
import { unrelatedService } from '../../src/keeper/faults/unrelated-service.ts';
import { eventually } from '../support/eventually.ts';
import { aFault, KeeperBench } from '../support/keeper-bench.ts';
import { SmallNetwork } from '../support/small-network.ts';

const signal = new AbortController().signal;

function aCluster(): SmallNetwork {
  return new SmallNetwork(3, 'kubernetes');
}

function atNode(network: SmallNetwork, params: Record<string, unknown> = {}): Aim<Node> {
  const [, target] = network.environment.nodes;
  if (!target) throw new Error('a network of at least two nodes');
  return { ...common(network), params, target };
}

function atVip(network: SmallNetwork): Aim<Vip> {
  const [target] = network.environment.vips;
  if (!target) throw new Error('a network with a VIP');
  return { ...common(network), params: {}, target };
}

function common({ environment, devices }: SmallNetwork) {
  return { environment, devices, mark: 'run/f1' };
}

function underCluster(network: SmallNetwork): void {
  for (const vip of network.environment.vips) vip.policy = 'cluster';
  network.cluster.edit('services', ['default', 'web'], (service) =>
    Object.assign(service.spec as object, { externalTrafficPolicy: 'Cluster' }),
  );
}

/** Why the keeper would refuse, with all that it asks. */
async function refusals(network: SmallNetwork, kind: string, params: Record<string, unknown> = {}, file: Record<string, unknown> = {}) {
  await using bench = new KeeperBench(file, network);
  const target = FAULTS.find((fault) => fault.kind === kind)?.aimedAt === 'vip' ? 'web' : 'n2';
  return (await bench.keeper().plan(null, [aFault({ kind, target, params })]))[0]?.refusals;
}

test('a healthy cluster is refused nothing', async () => {
  for (const { kind } of FAULTS) expect({ kind, refusals: await refusals(aCluster(), kind) }).toEqual({ kind, refusals: [] });
});

test('a drain is refused in the words of the PodDisruptionBudget that forbids an eviction', async () => {
  const network = aCluster();
  network.cluster.budgets.set('web-n2', 'The disruption budget web needs 3 healthy pods and has 3 currently');
  const why = 'the eviction of default/web-n2 is not allowed: The disruption budget web needs 3 healthy pods and has 3 currently';
  expect(await refusals(network, 'node-drain')).toEqual([why]);
});

test('pods that a drain would lose refuse it by name, before anything is touched', async () => {
  const network = aCluster();
  network.cluster.addPod('tools', 'alone', 'n2', null, {});
  network.cluster.addPod('tools', 'cache', 'n2', 'ReplicaSet', {}, { volumes: [{ name: 'scratch', emptyDir: {} }] });
  const told = [
    'the pod tools/alone has no controller: evicted, it would not come back',
    'the pod tools/cache has local storage (emptyDir), which an eviction would delete',
  ];
  expect(await refusals(network, 'node-drain')).toEqual(told);
  const aim = atNode(network, { order: 'evict-first' });
  await expect(nodeDrain.inject(aim, await nodeDrain.preState(aim, signal), signal)).rejects.toThrow('tools/alone');
  expect(network.acts).toEqual([]);
});

test('a drain leaves the pods of DaemonSets and static pods, and evicts the others once the node is cordoned', async () => {
  const network = aCluster();
  network.cluster.addPod('kube-system', 'static', 'n2', null, {});
  network.cluster.edit(
    'pods',
    ['kube-system', 'static'],
    ({ metadata }) => (metadata.annotations = { 'kubernetes.io/config.mirror': 'x' }),
  );
  const aim = atNode(network, { order: 'evict-first' });
  await nodeDrain.inject(aim, await nodeDrain.preState(aim, signal), signal);
  expect(network.acts).toEqual(['patch nodes n2', 'evict pods default/web-n2']);
});

test('what the credentials do not allow is said before anything else is asked', async () => {
  const network = aCluster();
  network.cluster.forbidden.add('patch nodes').add('create services').add('delete pods');
  const allow = '(the roles in deploy/kubernetes allow it)';
  expect(await refusals(network, 'node-exclude')).toEqual([`the keeper's credentials may not patch nodes ${allow}`]);
  expect(await refusals(network, 'speaker-delete')).toEqual([`the keeper's credentials may not delete pods in metallb-system ${allow}`]);
  expect(await refusals(network, 'unrelated-service')).toEqual([`the keeper's credentials may not create services in default ${allow}`]);
});

test('a flip to Local counts the nodes that have a pod of their own as the next hops that would be left', async () => {
  const network = aCluster();
  underCluster(network);
  network.cluster.edit('endpointSlices', ['default', 'web-1'], (slice) => {
    slice.endpoints = [
      { nodeName: 'n1', conditions: { ready: true } },
      { nodeName: 'n2', conditions: { ready: false } },
    ];
  });
  expect(await refusals(network, 'policy-flip')).toEqual(['web would keep 1 of 3 next hops, and 2 must remain']);
  expect(await refusals(network, 'policy-flip', {}, { minNextHops: 1 })).toEqual([]);
});

test('a node that does not advertise is none that a flip to Local leaves', async () => {
  const network = aCluster();
  underCluster(network);
  network.cluster.edit('nodes', [null, 'n3'], ({ metadata }) => (metadata.labels = { ...metadata.labels, [EXCLUDE_LABEL]: '' }));
  network.cluster.edit('endpointSlices', ['default', 'web-1'], (slice) => {
    slice.endpoints = [{ nodeName: 'n2' }, { nodeName: 'n3' }];
  });
  expect(await refusals(network, 'policy-flip')).toEqual(['web would keep 1 of 2 next hops, and 2 must remain']);
});

test('without a router that tells of next hops a flip to Local is refused, as faults of nodes are', async () => {
  const network = aCluster();
  underCluster(network);
  const devices = { ...network.devices, router: null };
  Object.defineProperty(network, 'devices', { value: devices });
  const why = 'no router tells how many next hops would be left (minNextHops: 0 allows it all the same)';
  expect(await refusals(network, 'policy-flip')).toEqual([why]);
  expect(await refusals(network, 'node-exclude')).toEqual([why]);
  expect(await refusals(network, 'policy-flip', {}, { minNextHops: 0 })).toEqual([]);
});

test('a flip is refused when the environment has another policy than the Service', async () => {
  const network = aCluster();
  network.cluster.edit('services', ['default', 'web'], (service) =>
    Object.assign(service.spec as object, { externalTrafficPolicy: 'Cluster' }),
  );
  const why = 'the Service default/web has externalTrafficPolicy Cluster, and the environment says Local';
  expect(await refusals(network, 'policy-flip')).toEqual([expect.stringContaining(why)]);
});

test('a node that bears the mark of another run is refused: that fault is in force, or was left', async () => {
  const network = aCluster();
  network.cluster.edit('nodes', [null, 'n2'], ({ metadata }) => (metadata.annotations = { 'holdfast.io/excluded-by': 'other/f3' }));
  expect(await refusals(network, 'node-exclude')).toEqual([expect.stringContaining('bears the mark holdfast.io/excluded-by: other/f3')]);
});

test('a VIP that the keeper file does not allow is refused by name', async () => {
  const allow = { faults: ['policy-flip'], nodes: ['web'], vips: [] };
  expect(await refusals(aCluster(), 'policy-flip', {}, { allow })).toEqual(['the keeper\'s file does not allow the VIP "web"']);
});

test('a Service that takes the health port of ours meanwhile does not keep the policy from coming back', async () => {
  const network = aCluster();
  const aim = atVip(network);
  const preState = await policyFlip.preState(aim, signal);
  await policyFlip.inject(aim, preState, signal);
  const patch = network.cluster.patch.bind(network.cluster);
  network.cluster.patch = (kind, name, change, expected) => {
    if (change.some(({ path }) => path === '/spec/healthCheckNodePort'))
      throw new AppError('CLUSTER_REFUSED', 'provided port is already allocated');
    patch(kind, name, change, expected);
  };
  await policyFlip.revert(aim, preState, signal);
  expect(await policyFlip.read(aim, preState, signal)).toEqual({
    isInForce: false,
    isRestored: true,
    foreign: ['spec.healthCheckNodePort of services default/web was 31000 and now is 32767'],
  });
});

test('an advertisement that was deleted meanwhile does not keep the others from being put back', async () => {
  const network = aCluster();
  network.cluster.put('bgpAdvertisements', { metadata: { name: 'second', namespace: 'metallb-system' }, spec: {} });
  network.cluster.put('bgpAdvertisements', {
    metadata: { name: 'elsewhere', namespace: 'metallb-system' },
    spec: { nodeSelectors: [{ matchLabels: { zone: 'b' } }] },
  });
  const before = network.cluster.get('bgpAdvertisements', 'second', 'metallb-system')?.spec;
  const aim = atNode(network);
  const preState = await advertisementDeselect.preState(aim, signal);
  await advertisementDeselect.inject(aim, preState, signal);
  expect(network.acts).toEqual(['patch bgpAdvertisements metallb-system/all', 'patch bgpAdvertisements metallb-system/second']);
  network.cluster.delete('bgpAdvertisements', ['metallb-system', 'all']);
  await advertisementDeselect.revert(aim, preState, signal);
  expect(network.cluster.get('bgpAdvertisements', 'second', 'metallb-system')?.spec).toEqual(before);
  expect(await advertisementDeselect.read(aim, preState, signal)).toMatchObject({
    isRestored: true,
    foreign: ['all was deleted meanwhile, or made anew'],
  });
  network.cluster.delete('bgpAdvertisements', ['metallb-system', 'second']);
  await expect(advertisementDeselect.revert(aim, preState, signal)).rejects.toMatchObject({ code: 'TARGET_GONE' });
});

test('an advertisement without a spec is left out of, and is without one again unless somebody wrote into it', async () => {
  const network = aCluster();
  const all = ['metallb-system', 'all'] as const;
  network.cluster.edit('bgpAdvertisements', all, (object) => Reflect.deleteProperty(object, 'spec'));
  const before = network.snapshot();
  const aim = atNode(network);
  const preState = await advertisementDeselect.preState(aim, signal);
  await advertisementDeselect.inject(aim, preState, signal);
  const { cluster } = network;
  expect(cluster.get('bgpAdvertisements', 'all', 'metallb-system')?.spec).toMatchObject({ aggregationLength: 32 });
  expect(await advertisementDeselect.read(aim, preState, signal)).toEqual({ isInForce: true, isRestored: false, foreign: [] });
  await advertisementDeselect.revert(aim, preState, signal);
  expect(await advertisementDeselect.read(aim, preState, signal)).toEqual({ isInForce: false, isRestored: true, foreign: [] });
  expect(network.snapshot()).toEqual(before);
  await advertisementDeselect.inject(aim, preState, signal);
  cluster.edit('bgpAdvertisements', all, ({ spec }) => Object.assign(spec as object, { aggregationLength: 24 }));
  await advertisementDeselect.revert(aim, preState, signal);
  expect(cluster.get('bgpAdvertisements', 'all', 'metallb-system')?.spec).toEqual({ aggregationLength: 24, aggregationLengthV6: 128 });
});

test('an advertisement of which the patch is refused does not keep the others from being put back', async () => {
  const network = aCluster();
  for (const name of ['second', 'third'])
    network.cluster.put('bgpAdvertisements', { metadata: { name, namespace: 'metallb-system' }, spec: {} });
  const specs = () => network.cluster.list('bgpAdvertisements', {}).map(({ spec }) => spec);
  const [first, ...others] = specs();
  const aim = atNode(network);
  const preState = await advertisementDeselect.preState(aim, signal);
  await advertisementDeselect.inject(aim, preState, signal);
  const patch = network.cluster.patch.bind(network.cluster);
  network.cluster.patch = (kind, name, change, expected) => {
    if (name[1] === 'all') throw new AppError('CLUSTER_REFUSED', 'a webhook forbids it');
    patch(kind, name, change, expected);
  };
  network.cluster.delete('bgpAdvertisements', ['metallb-system', 'third']);
  await expect(advertisementDeselect.revert(aim, preState, signal)).rejects.toThrow('a webhook forbids it');
  expect(specs()).toEqual([{ ...(first as object), nodeSelectors: expect.anything() as unknown }, others[0]]);
});

test('speaker-delete deletes the pod that it saw and no other, and waits for a successor that is ready', async () => {
  const network = aCluster();
  const aim = atNode(network);
  const preState = await speakerDelete.preState(aim, signal);
  network.cluster.replace('pods', ['metallb-system', 'speaker-n2']);
  await expect(speakerDelete.inject(aim, preState, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(network.cluster.get('pods', 'speaker-n2', 'metallb-system')).not.toBeNull();
  network.cluster.edit(
    'pods',
    ['metallb-system', 'speaker-n2'],
    (pod) => (pod.status = { conditions: [{ type: 'Ready', status: 'False' }] }),
  );
  expect(await speakerDelete.read(aim, preState, signal)).toMatchObject({ isRestored: false });
});

test('a Service of the name of our own that we did not make is left alone', async () => {
  const network = aCluster();
  const aim = atVip(network);
  const preState = (await unrelatedService.preState(aim, signal)) as { namespace: string; name: string };
  network.cluster.put('services', { metadata: { name: preState.name, namespace: preState.namespace }, spec: { type: 'ClusterIP' } });
  const before = network.cluster.snapshot();
  await expect(unrelatedService.inject(aim, preState, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  await unrelatedService.revert(aim, preState, signal);
  expect(network.cluster.snapshot()).toBe(before);
  expect(await unrelatedService.read(aim, preState, signal)).toMatchObject({ isRestored: true });
});

test('a Deployment that is not whole, or is none, is not rolled out', async () => {
  const network = aCluster();
  network.cluster.edit('deployments', ['default', 'web'], (object) => Object.assign(object.status as object, { availableReplicas: 2 }));
  expect(await refusals(network, 'deployment-rollout')).toEqual([expect.stringContaining('is not whole, or in the middle of a rollout')]);
  network.cluster.delete('deployments', ['default', 'web']);
  expect(await refusals(network, 'deployment-rollout')).toEqual([expect.stringContaining('there is no Deployment')]);
});

function strategy(network: SmallNetwork, is: object): SmallNetwork {
  network.cluster.edit('deployments', ['default', 'web'], (object) => Object.assign(object.spec as object, { strategy: is }));
  return network;
}

test('a Deployment that replaces all its pods at once is not rolled out', async () => {
  const recreating = strategy(aCluster(), { type: 'Recreate' });
  underCluster(recreating);
  const why = 'the Deployment default/web is of strategy Recreate, which takes all its pods away at once';
  expect(await refusals(recreating, 'deployment-rollout')).toEqual([expect.stringContaining(why)]);
});

test.each([
  [{}, []], // 25 % of three pods is none, and pods in excess there may be
  [{ maxUnavailable: '25%', maxSurge: '25%' }, []],
  [{ maxUnavailable: '66%', maxSurge: 0 }, []],
  [{ maxUnavailable: '67%' }, ['web would keep 1 of 3 next hops, and 2 must remain']],
  [{ maxUnavailable: 2 }, ['web would keep 1 of 3 next hops, and 2 must remain']],
  [{ maxUnavailable: '100%' }, ['web would keep 0 of 3 next hops, and 2 must remain']],
])('behind a VIP of policy Local a rollout with %j leaves as many next hops as it leaves pods', async (rollingUpdate, refused) => {
  const network = strategy(aCluster(), { type: 'RollingUpdate', rollingUpdate });
  expect(await refusals(network, 'deployment-rollout')).toEqual(refused);
  underCluster(network);
  expect(await refusals(network, 'deployment-rollout')).toEqual([]);
});

test('without pods in excess and without pods away one pod may be away all the same, as Kubernetes has it', async () => {
  const network = strategy(aCluster(), { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } });
  expect(await refusals(network, 'deployment-rollout', {}, { minNextHops: 3 })).toEqual([
    'web would keep 2 of 3 next hops, and 3 must remain',
  ]);
  const kind = 'deployment-rollout';
  network.cluster.forbidden.add('list endpointSlices');
  expect(await refusals(network, kind)).toEqual([expect.stringContaining('may not list endpointSlices in default')]);
});

test('a rollout that is whole is not over while it bears our mark', async () => {
  const network = aCluster();
  const aim = atVip(network);
  const preState = await deploymentRollout.preState(aim, signal);
  await deploymentRollout.inject(aim, preState, signal);
  network.cluster.settle();
  expect(await deploymentRollout.read(aim, preState, signal)).toMatchObject({ isRestored: false, hasPassed: true });
  await deploymentRollout.revert(aim, preState, signal);
  network.cluster.settle();
  expect(await deploymentRollout.read(aim, preState, signal)).toMatchObject({ isRestored: true });
});

test('a rollout is over for the keeper once it is whole, before its time and without a loss', async () => {
  const network = aCluster();
  await using bench = new KeeperBench({}, network);
  const keeper = bench.keeper();
  const { epoch } = await keeper.acquire('run-1', 0, bench.audience);
  await keeper.inject(epoch, aFault({ kind: deploymentRollout.kind, target: 'web', forMs: 60_000 }));
  await eventually(() => {
    network.cluster.settle();
    keeper.renew(epoch, bench.audience);
    expect(bench.types()).toEqual(['fault.intent', 'fault.in-force', 'fault.reverting', 'fault.verified']);
  });
  expect(bench.events.at(-2)).toMatchObject({ reason: 'the rollout is whole', target: 'web' });
  expect(bench.events[0]).toMatchObject({ aimedAt: 'vip' });
});
