import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ADVERTISE_REASONS, type AdvertiseReason } from '../../../src/core/advertise-reasons.ts';
import { DEFAULT_SPEAKERS, EXCLUDE_LABEL, intentOf, intentOfVip, peersOf } from '../../../src/cluster/intent/intent.ts';
import {
  aCluster,
  aNode,
  anAdvertisement,
  anEndpoint,
  aPeer,
  aPool,
  aService,
  aSlice,
  type RawCluster,
  reduced,
  VIP,
  WEB,
} from './a-cluster.ts';

/** `announces`, or the reason, per node. */
function answers(change: Partial<RawCluster>, speakers = DEFAULT_SPEAKERS): Answers {
  const intent = intentOfVip(reduced(aCluster(change)), { service: WEB, address: VIP }, speakers);
  return Object.fromEntries(intent.map(({ node, reason }) => [node, reason ?? 'announces']));
}
type Answers = Record<string, AdvertiseReason | 'announces'>;
const everywhere = (answer: AdvertiseReason | 'announces'): Answers => ({ n1: answer, n2: answer, n3: answer });
const butN2 = (answer: AdvertiseReason): Answers => ({ n1: 'announces', n2: answer, n3: 'announces' });
const notN2 = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: ['n2'] }] }];
const cluster = aService({ externalTrafficPolicy: 'Cluster' });
const DRAINING = { ready: false, serving: true, terminating: true };
const NOT_READY = { ready: false, serving: false, terminating: false };

const CASES: { reason: AdvertiseReason; when: string; change: Partial<RawCluster>; expected: Answers }[] = [
  { reason: 'serviceDeleted', when: 'the Service is gone', change: { services: [] }, expected: everywhere('serviceDeleted') },
  {
    reason: 'notLoadBalancer',
    when: 'the Service became a ClusterIP',
    change: { services: [aService({ type: 'ClusterIP' })] },
    expected: everywhere('notLoadBalancer'),
  },
  {
    reason: 'noIPAllocated',
    when: 'the Service has no address yet',
    change: { services: [aService({}, { loadBalancer: {} })] },
    expected: everywhere('noIPAllocated'),
  },
  {
    reason: 'invalidIP',
    when: 'one of its addresses is a host name, whatever the others are',
    change: { services: [aService({}, { loadBalancer: { ingress: [{ ip: VIP }, { hostname: 'lb.example' }] } })] },
    expected: everywhere('invalidIP'),
  },
  {
    reason: 'ipNotAllowed',
    when: 'no pool holds the address',
    change: { pools: [aPool(['10.201.0.0/24'])] },
    expected: everywhere('ipNotAllowed'),
  },
  {
    reason: 'ipNotAllowed',
    when: 'two pools hold the two addresses',
    change: {
      services: [aService({}, { loadBalancer: { ingress: [{ ip: VIP }, { ip: 'fd00::1' }] } })],
      pools: [aPool(), aPool(['fd00::/64'], 'six')],
    },
    expected: everywhere('ipNotAllowed'),
  },
  {
    reason: 'loadBalancerIPChanged',
    when: 'the Service has another address by now',
    change: { services: [aService({}, { loadBalancer: { ingress: [{ ip: '10.200.0.9' }] } })] },
    expected: everywhere('loadBalancerIPChanged'),
  },
  {
    reason: 'notOwner',
    when: 'no advertisement of the pool selects the node',
    change: { advertisements: [anAdvertisement({ nodeSelectors: notN2 })] },
    expected: butN2('notOwner'),
  },
  {
    reason: 'notOwner',
    when: 'the advertisement is for another pool',
    change: { advertisements: [anAdvertisement({ ipAddressPools: ['other'] })] },
    expected: everywhere('notOwner'),
  },
  {
    reason: 'noMatchingAdvertisement',
    when: 'the advertisement selects other Services',
    change: { advertisements: [anAdvertisement({ serviceSelectors: [{ matchLabels: { app: 'api' } }] })] },
    expected: everywhere('noMatchingAdvertisement'),
  },
  {
    reason: 'conflictingAdvertisements',
    when: 'two advertisements of one node give one prefix different preferences',
    change: {
      advertisements: [
        anAdvertisement({ localPref: 100, serviceSelectors: [{ matchLabels: { app: 'web' } }] }, 'a'),
        anAdvertisement({ localPref: 200, nodeSelectors: [{ matchLabels: { 'kubernetes.io/hostname': 'n2' } }] }, 'b'),
      ],
    },
    expected: butN2('conflictingAdvertisements'),
  },
  {
    reason: 'nodeNetworkUnavailable',
    when: 'the node has no network',
    change: { nodes: [aNode('n1'), aNode('n2', { conditions: [{ type: 'NetworkUnavailable', status: 'True' }] }), aNode('n3')] },
    expected: butN2('nodeNetworkUnavailable'),
  },
  {
    reason: 'nodeLabeledExcludeBalancers',
    when: 'the node has the label, whatever its value',
    change: { nodes: [aNode('n1'), aNode('n2', { labels: { [EXCLUDE_LABEL]: 'false' } }), aNode('n3')] },
    expected: butN2('nodeLabeledExcludeBalancers'),
  },
  {
    reason: 'noLocalEndpoints',
    when: 'no pod serves on the node, under Local',
    change: { endpointSlices: [aSlice([anEndpoint('n1'), anEndpoint('n3'), anEndpoint('n2', NOT_READY), anEndpoint(null)])] },
    expected: butN2('noLocalEndpoints'),
  },
  {
    reason: 'noLocalEndpoints',
    when: 'no pod serves anywhere, under Local',
    change: { endpointSlices: [aSlice(null)] },
    expected: everywhere('noLocalEndpoints'),
  },
  {
    reason: 'noEndpoints',
    when: 'no pod serves anywhere, under Cluster',
    change: { services: [cluster], endpointSlices: [aSlice([anEndpoint('n1', NOT_READY)]), aSlice([anEndpoint('n2')], 'another')] },
    expected: everywhere('noEndpoints'),
  },
  {
    reason: 'noPeer',
    when: 'no peer selects the node',
    change: { peers: [aPeer({ nodeSelectors: notN2 })] },
    expected: butN2('noPeer'),
  },
  {
    reason: 'noPeer',
    when: 'the advertisement names another peer',
    change: { advertisements: [anAdvertisement({ peers: ['spine'] })] },
    expected: everywhere('noPeer'),
  },
  {
    reason: 'noPeer',
    when: 'the only session is of the other family',
    change: { peers: [aPeer({ peerAddress: 'fd00::1' })] },
    expected: everywhere('noPeer'),
  },
];

describe('a node does not advertise', () => {
  test.each(CASES)('$reason: $when', ({ change, expected }) => {
    expect(answers(change)).toEqual(expected);
  });

  test('each reason has a case', () => {
    expect(new Set(CASES.map(({ reason }) => reason))).toEqual(new Set(Object.keys(ADVERTISE_REASONS)));
  });
});

describe('a node advertises', () => {
  test.each<[string, Partial<RawCluster>]>([
    ['all being well', {}],
    [
      'while its pod terminates and still serves',
      { endpointSlices: [aSlice(['n1', 'n2', 'n3'].map((node) => anEndpoint(node, DRAINING)))] },
    ],
    ['where the slice says nothing of readiness', { endpointSlices: [aSlice(['n1', 'n2', 'n3'].map((node) => anEndpoint(node, {})))] }],
    [
      'NotReady, cordoned and tainted',
      {
        nodes: ['n1', 'n2', 'n3'].map((name) => ({
          ...aNode(name, { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] }),
          status: {
            conditions: [
              { type: 'Ready', status: 'Unknown' },
              { type: 'NetworkUnavailable', status: 'Unknown' },
            ],
          },
        })),
      },
    ],
    ['without a pod of its own, under Cluster', { services: [cluster], endpointSlices: [aSlice([anEndpoint('n1')])] }],
    [
      'by the label of its pool',
      {
        pools: [aPool(['10.200.0.1-10.200.0.9'], 'pool', { tier: 'x' })],
        advertisements: [anAdvertisement({ ipAddressPoolSelectors: [{ matchLabels: { tier: 'x' } }] })],
      },
    ],
    [
      'by two advertisements that tell different peers different things',
      {
        advertisements: [anAdvertisement({ localPref: 1, peers: ['tor'] }, 'a'), anAdvertisement({ localPref: 2, peers: ['spine'] }, 'b')],
      },
    ],
  ])('%s', (_, change) => {
    expect(answers(change)).toEqual(everywhere('announces'));
  });

  test('with the label, where the speakers ignore it', () => {
    const nodes = ['n1', 'n2', 'n3'].map((name) => aNode(name, { labels: { [EXCLUDE_LABEL]: '' } }));
    expect(answers({ nodes }, { ...DEFAULT_SPEAKERS, ignoreExcludeLabel: true })).toEqual(everywhere('announces'));
  });
});

test('what is advertised to whom: each prefix once, and peers that carry its family', () => {
  const [n1] = intentOfVip(
    reduced(
      aCluster({
        advertisements: [anAdvertisement(), anAdvertisement({ aggregationLength: 24, localPref: 9 }, 'wide')],
        peers: [aPeer(), aPeer({ peerAddress: 'fd00::1' }, 'six'), aPeer({ peerAddress: 'fd00::2', dualStackAddressFamily: true }, 'both')],
      }),
    ),
    { service: WEB, address: VIP },
  );
  expect(n1).toMatchObject({ node: 'n1', advertises: true, reason: null, prefixes: ['10.200.0.1/32', '10.200.0.0/24'] });
  expect(n1?.peers).toEqual([
    { name: 'tor', address: '10.100.0.1' },
    { name: 'both', address: 'fd00::2' },
  ]);
});

test('every address of every Service of MetalLB is a VIP, and only of its class', () => {
  const dual = aService({}, { loadBalancer: { ingress: [{ ip: VIP }, { ip: 'fd00:0::1' }] } });
  const foreign = { ...aService({ loadBalancerClass: 'cloud' }), metadata: { namespace: 'default', name: 'foreign' } };
  const plain = { ...aService({ type: 'ClusterIP' }), metadata: { namespace: 'default', name: 'plain' } };
  const objects = reduced(aCluster({ services: [dual, foreign, plain], pools: [aPool(['10.200.0.0/24', 'fd00::/64'])] }));
  expect(intentOf(objects).map(({ service, address, pool }) => [service.name, address, pool])).toEqual([
    ['web', VIP, 'pool'],
    ['web', 'fd00::1', 'pool'],
  ]);
  expect(intentOf(objects, { ...DEFAULT_SPEAKERS, loadBalancerClass: 'cloud' }).map(({ service }) => service.name)).toEqual(['foreign']);
});

test('a VIP whose Service is of another class is advertised by nobody, and by those who are for that class', () => {
  const objects = reduced(aCluster({ services: [aService({ loadBalancerClass: 'cloud' })] }));
  const vip = { service: WEB, address: VIP };
  expect(new Set(intentOfVip(objects, vip).map(({ reason }) => reason))).toEqual(new Set(['notLoadBalancer']));
  const ofThatClass = { ...DEFAULT_SPEAKERS, loadBalancerClass: 'cloud' };
  expect(intentOfVip(objects, vip, ofThatClass).every(({ advertises }) => advertises)).toBe(true);
  expect(intentOfVip(reduced(aCluster()), vip, ofThatClass).some(({ advertises }) => advertises)).toBe(false);
});

test('a node has sessions with the peers that select it', () => {
  const { peers, nodes } = reduced(
    aCluster({ peers: [aPeer(), aPeer({ nodeSelectors: notN2, holdTime: '1m30s', peerASN: 0, dynamicASN: 'external' }, 'spine')] }),
  );
  expect(nodes.map((node) => peersOf(peers, node).map(({ name }) => name))).toEqual([['tor', 'spine'], ['tor'], ['tor', 'spine']]);
  expect(peers[1]).toMatchObject({ holdTimeMs: 90_000, peerAsn: null, dynamicAsn: 'external', address: '10.100.0.1', port: 179 });
});

describe('whatever the cluster', () => {
  const name = fc.constantFrom('n1', 'n2', 'n3');
  const condition = fc.option(fc.boolean(), { nil: null });
  const endpoint = fc
    .record({ node: fc.option(name, { nil: null }), ready: condition, serving: condition, terminating: condition })
    .map(({ node, ...conditions }) => anEndpoint(node, conditions));
  const nodeSelectors = fc.array(fc.record({ matchLabels: fc.record({ 'kubernetes.io/hostname': name }) }), { maxLength: 2 });
  const raw = fc.record({
    services: fc.constantFrom('Local', 'Cluster').map((externalTrafficPolicy) => [aService({ externalTrafficPolicy })]),
    endpointSlices: fc.array(endpoint, { maxLength: 4 }).map((endpoints) => [aSlice(endpoints)]),
    nodes: fc
      .tuple(fc.boolean(), fc.boolean())
      .map(([excluded, cordoned]) => [
        aNode('n1', { unschedulable: cordoned }),
        aNode('n2', { labels: excluded ? { [EXCLUDE_LABEL]: '' } : {} }),
        aNode('n3'),
      ]),
    advertisements: fc
      .array(nodeSelectors, { maxLength: 2 })
      .map((all) => all.map((selectors) => anAdvertisement({ nodeSelectors: selectors }))),
    peers: nodeSelectors.map((selectors) => [aPeer({ nodeSelectors: selectors })]),
    pools: fc.constant(null).map(() => [aPool()]),
  });
  const advertisers = (change: RawCluster) =>
    intentOfVip(reduced(change), { service: WEB, address: VIP }).flatMap(({ node, advertises }) => (advertises ? [node] : []));

  test('Local advertises on no node where Cluster does not', () => {
    fc.assert(
      fc.property(raw, (change) => {
        const of = (externalTrafficPolicy: string) => advertisers({ ...change, services: [aService({ externalTrafficPolicy })] });
        expect(of('Cluster')).toEqual(expect.arrayContaining(of('Local')));
      }),
    );
  });

  test('cordoning changes nothing, one more endpoint or advertisement takes no route away, and another Service’s endpoints count for nothing', () => {
    fc.assert(
      fc.property(raw, endpoint, (change, more) => {
        const before = advertisers(change);
        const cordoned = change.nodes.map((node) => ({ ...node, spec: { ...(node.spec as object), unschedulable: true } }));
        expect(advertisers({ ...change, nodes: cordoned })).toEqual(before);
        expect(advertisers({ ...change, endpointSlices: [...change.endpointSlices, aSlice([more])] })).toEqual(
          expect.arrayContaining(before),
        );
        expect(advertisers({ ...change, advertisements: [...change.advertisements, anAdvertisement({}, 'more')] })).toEqual(
          expect.arrayContaining(before),
        );
        expect(advertisers({ ...change, endpointSlices: [...change.endpointSlices, aSlice([more], 'other')] })).toEqual(before);
      }),
    );
  });

  test('each node has one answer: peers and prefixes, or the first reason that applies', () => {
    fc.assert(
      fc.property(raw, (change) => {
        const answers = intentOfVip(reduced(change), { service: WEB, address: VIP });
        expect(answers.map(({ node }) => node)).toEqual(['n1', 'n2', 'n3']);
        for (const answer of answers) {
          expect(answer.advertises).toBe(answer.reason === null);
          expect(answer.peers.length > 0).toBe(answer.advertises);
          expect(answer.prefixes).toEqual(answer.advertises ? [`${VIP}/32`] : []);
        }
      }),
    );
  });
});
