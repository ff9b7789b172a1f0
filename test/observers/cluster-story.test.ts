// What the cluster's observer makes of objects: what stands at first, and later only what differs.
import { expect, it } from 'vitest';
import type { Picture } from '../../src/cluster/followed-lists.ts';
import type { KubeObject } from '../../src/cluster/kube-client.ts';
import type { Vip } from '../../src/core/environment.ts';
import type { ListName } from '../../src/cluster/read-lists.ts';
import { ClusterStory } from '../../src/observers/cluster-story.ts';
import { aCluster, aNode, anAdvertisement, anEndpoint, aPool, aService, aSlice, VIP, WEB } from '../cluster/intent/a-cluster.ts';

const vip: Vip = { name: 'web', address: VIP, family: 4, port: 7000, policy: 'local', service: WEB };
/** The BGPPeer of the cluster, as an intent names it. */
const TOR = { name: 'tor', address: '10.100.0.1' };
const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers';

function aPicture(change: Partial<Picture<ListName>> = {}): Picture<ListName> {
  return {
    ...aCluster({ services: [aService({ selector: { app: 'web' } })] }),
    deployments: [aDeployment()],
    metallbPods: ['n1', 'n2', 'n3'].map((node) => aSpeaker(node)),
    serviceStatuses: [],
    configurationStates: [],
    sessionStates: null,
    ...change,
  };
}

function aDeployment(status: object = { observedGeneration: 1, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 }): KubeObject {
  return {
    metadata: { name: 'web', namespace: 'default', generation: 1 },
    spec: { replicas: 3, template: { metadata: { labels: { app: 'web' } } } },
    status,
  };
}

function aSpeaker(node: string, pod = `speaker-${node}`, isReady = true): KubeObject {
  return {
    metadata: { name: pod, namespace: 'metallb-system', labels: { component: 'speaker' } },
    spec: { nodeName: node },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  };
}

const typesOf = (events: readonly { type: string }[]) => [...new Set(events.map(({ type }) => type))].toSorted();

it('tells at first all that stands, and nothing when nothing changes, in whatever order it is listed', () => {
  const story = new ClusterStory([vip]);
  const first = story.tell(aPicture(), true);
  expect(typesOf(first)).toEqual([
    'cluster.deployment',
    'cluster.endpoints',
    'cluster.intent',
    'cluster.metallb',
    'cluster.metallb-status',
    'cluster.node',
    'cluster.service',
    'cluster.speaker',
  ]);
  expect(first).toContainEqual({
    type: 'cluster.metallb',
    kind: 'IPAddressPool',
    object: 'pool',
    change: 'seen',
    what: 'addresses 10.200.0.0/24',
  });
  const again = aPicture();
  expect(
    story.tell({ ...again, nodes: again.nodes?.toReversed() ?? [], metallbPods: again.metallbPods?.toReversed() ?? [] }, false),
  ).toEqual([]);
});

it('tells of an endpoint that ends, and of the intent that follows from it, and of nothing else', () => {
  const story = new ClusterStory([vip]);
  story.tell(aPicture(), true);
  const ending = anEndpoint('n2', { ready: false, serving: false, terminating: true });
  const news = story.tell(aPicture({ endpointSlices: [aSlice([anEndpoint('n1'), ending, anEndpoint('n3')])] }), false);
  expect(typesOf(news)).toEqual(['cluster.endpoints', 'cluster.intent']);
  expect(news.find((event) => event.type === 'cluster.intent')?.nodes).toEqual([
    { node: 'n1', advertises: true, reason: null, peers: [TOR] },
    { node: 'n2', advertises: false, reason: 'noLocalEndpoints', peers: [] },
    { node: 'n3', advertises: true, reason: null, peers: [TOR] },
  ]);
});

it('tells of a node’s marks, and not of its heartbeats', () => {
  const story = new ClusterStory([vip]);
  story.tell(aPicture(), true);
  const heartbeat = { type: 'MemoryPressure', status: 'False', lastHeartbeatTime: '2026-11-26T00:00:00Z' };
  expect(story.tell(aPicture({ nodes: [aNode('n1'), aNode('n2', { conditions: [heartbeat] }), aNode('n3')] }), false)).toEqual([]);
  const marked = aNode('n2', { labels: { [EXCLUDE]: '' }, unschedulable: true });
  const news = story.tell(aPicture({ nodes: [aNode('n1'), marked, aNode('n3')] }), false);
  expect(news.filter(({ type }) => type === 'cluster.node')).toMatchObject([{ node: 'n2', unschedulable: true, excluded: true }]);
  expect(news.find(({ type }) => type === 'cluster.intent')).toMatchObject({ nodes: [{}, { reason: 'nodeLabeledExcludeBalancers' }, {}] });
});

it('says how a configuration object of MetalLB changed, and what it was before', () => {
  const story = new ClusterStory([vip]);
  story.tell(aPicture(), true);
  const without = anAdvertisement({
    nodeSelectors: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: ['n2'] }] }],
  });
  const changed = story.tell(aPicture({ advertisements: [without] }), false).filter(({ type }) => type === 'cluster.metallb');
  expect(changed).toMatchObject([{ kind: 'BGPAdvertisement', object: 'all', change: 'changed', what: 'nodes n1 n3 (before: all)' }]);
  const replaced = story.tell(aPicture({ advertisements: [without], pools: [aPool(undefined, 'other')] }), false);
  expect(replaced.filter(({ type }) => type === 'cluster.metallb')).toMatchObject([
    { object: 'other', change: 'changed', what: 'is new: addresses 10.200.0.0/24' },
    { object: 'pool', change: 'gone' },
  ]);
});

it('tells once of what is gone: a speaker, a node, a Deployment, the Service', () => {
  const story = new ClusterStory([vip]);
  story.tell(aPicture(), true);
  const less = aPicture({
    services: [],
    deployments: [],
    nodes: [aNode('n1'), aNode('n2')],
    metallbPods: [aSpeaker('n1'), aSpeaker('n2'), aSpeaker('n3', 'speaker-new', false)],
  });
  const news = story.tell(less, false);
  expect(news.filter((event) => 'exists' in event && !event.exists)).toMatchObject([
    { type: 'cluster.node', node: 'n3' },
    { type: 'cluster.service', service: 'default/web', policy: null },
    { type: 'cluster.deployment', deployment: 'default/web' },
    { type: 'cluster.speaker', pod: 'metallb-system/speaker-n3', node: 'n3' },
  ]);
  expect(news).toContainEqual(expect.objectContaining({ type: 'cluster.speaker', pod: 'metallb-system/speaker-new', ready: false }));
  expect(story.tell({ ...less }, false)).toEqual([]);
});

it('tells everything anew after blindness, and what went meanwhile as gone', () => {
  const story = new ClusterStory([vip]);
  const first = story.tell(aPicture(), true);
  const again = story.tell(aPicture({ metallbPods: [aSpeaker('n1'), aSpeaker('n2')] }), true);
  expect(again.filter(({ type }) => type === 'cluster.metallb')).toMatchObject([
    { change: 'seen' },
    { change: 'seen' },
    { change: 'seen' },
  ]);
  expect(again).toHaveLength(first.length);
  expect(again.filter((event) => 'exists' in event && !event.exists)).toMatchObject([{ pod: 'metallb-system/speaker-n3' }]);
});

it('follows a VIP’s own Deployment by its labels, and no other', () => {
  const story = new ClusterStory([vip]);
  const other: KubeObject = { ...aDeployment(), metadata: { name: 'other', namespace: 'default', generation: 1 } };
  Object.assign(other, { spec: { template: { metadata: { labels: { app: 'other' } } } } });
  const told = story.tell(aPicture({ deployments: [aDeployment(), other] }), true).filter(({ type }) => type === 'cluster.deployment');
  expect(told).toMatchObject([{ deployment: 'default/web', replicas: 3, available: 3 }]);
  const rolling = aDeployment({ observedGeneration: 2, updatedReplicas: 1, readyReplicas: 3 });
  expect(story.tell(aPicture({ deployments: [rolling, other] }), false)).toMatchObject([{ updated: 1, available: 0 }]);
});

it('names an object that it cannot read', () => {
  const story = new ClusterStory([vip]);
  const odd: KubeObject = { metadata: { name: 'odd', namespace: 'metallb-system' }, spec: {} };
  expect(() => story.tell(aPicture({ pools: [odd] }), true)).toThrow(/IPAddressPool metallb-system\/odd cannot be read: spec\.addresses/);
});
