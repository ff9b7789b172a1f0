import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { discoverEnvironment, type DiscoverOptions } from '../../src/cluster/discover.ts';
import type { ClusterPicture } from '../../src/cluster/read-objects.ts';
import { environmentFile } from '../../src/core/environment.ts';
import { aCluster, aNode, anEndpoint, aPeer, aPool, aService, aSlice, type RawCluster, reduced, VIP } from './intent/a-cluster.ts';

const OPTIONS: DiscoverOptions = { title: 'Ours: the "big" one', kubeconfig: '/home/a/config', context: null, key: '${file:holdfast.key}' };

function discovered(change: Partial<RawCluster> = {}, more: Partial<ClusterPicture> = {}, options: Partial<DiscoverOptions> = {}) {
  const picture = { ...reduced(aCluster(change)), configurationStates: [], metallbNamespace: 'metallb-system', ...more };
  const found = discoverEnvironment(picture, { ...OPTIONS, ...options });
  return { ...found, file: environmentFile.parse(parse(found.text)) };
}

test('a cluster makes a valid environment with its VIPs, nodes and the way to it', () => {
  const { file, vips, nodes } = discovered();
  expect({ vips, nodes }).toEqual({ vips: 1, nodes: 3 });
  expect(file).toMatchObject({
    title: OPTIONS.title,
    vantages: [{ name: 'here', addresses: [] }],
    vips: [{ name: 'web', address: VIP, port: 7000, policy: 'local', service: { namespace: 'default', name: 'web' } }],
    nodes: ['n1', 'n2', 'n3'].map((name) => ({ name, addresses: ['10.100.0.11'], podCidrs: ['10.244.1.0/24'] })),
    routers: [],
    cluster: { kubeconfig: '/home/a/config', metallbNamespace: 'metallb-system' },
    key: '${file:holdfast.key}',
    observers: ['cluster'],
  });
});

test('it says which nodes should advertise a VIP, why the others should not, and what is left to a person', () => {
  const { text } = discovered({
    endpointSlices: [aSlice([anEndpoint('n1'), anEndpoint('n3')])],
    peers: [aPeer({ holdTime: '9s' })],
  });
  expect(text).toContain(
    [
      '  # Local, pool pool, ports 7000/TCP.',
      '  # Should be advertised by n1 n3.',
      '  # Not by n2: noLocalEndpoints (no endpoint serves on the node, and the policy is Local).',
      '  - name: web',
    ].join('\n'),
  );
  expect(text).toContain('# BGPPeer tor: at 10.100.0.1, AS 64501, from AS 64500, hold time 9s; for n1 n2 n3.\nrouters: []');
  expect(text.match(/TO DO/g)).toHaveLength(5);
});

test('a router is offered for each address of a BGPPeer, and how it spreads flows: uncommented they are valid', () => {
  const peers = [
    aPeer(),
    aPeer({ peerASN: 64_999 }, 'tor-too'),
    aPeer({ peerAddress: 'fd00::1' }, 'spine'),
    aPeer({ peerAddress: null }, 'port'),
  ];
  const { text, file } = discovered({ peers });
  expect(text).toContain(
    [
      'routers: []',
      '#   - name: tor',
      '#     driver: frr',
      '#     addresses: ["10.100.0.1"]',
      '#   - name: spine',
      '#     driver: frr',
      '#     addresses: ["fd00::1"]',
      '#   - name: port',
      '#     driver: frr',
      '',
    ].join('\n'),
  );
  expect(file).not.toHaveProperty('ecmp');
  const chosen = text
    .replace('routers: []', 'routers:')
    .replaceAll(/^#( {3}- | {5}|  *ecmp:)/gm, (_, rest: string) => rest.replace(' ecmp', 'ecmp'));
  expect(environmentFile.parse(parse(chosen))).toMatchObject({
    routers: [
      { name: 'tor', addresses: ['10.100.0.1'] },
      { name: 'spine', addresses: ['fd00::1'] },
      { name: 'port', addresses: [] },
    ],
    ecmp: { hash: 'l4', nextHopGroups: 'hash-threshold' },
  });
});

test('Services of one name, and several addresses of one Service, have names of their own', () => {
  const dual = aService({}, { loadBalancer: { ingress: [{ ip: VIP }, { ip: 'fd00::1' }] } });
  const other = { ...aService({}, { loadBalancer: { ingress: [{ ip: '10.200.0.2' }] } }), metadata: { namespace: 'shop', name: 'web' } };
  const { file } = discovered({ services: [dual, other], pools: [aPool(['10.200.0.0/24', 'fd00::/64'])] });
  expect(file.vips.map(({ name }) => name)).toEqual(['web.default', 'web.default-2', 'web.shop']);
});

test('a load balancer that is not in the file is told with its reason', () => {
  const named = (name: string, spec: object, status: object) => ({ ...aService(spec, status), metadata: { namespace: 'default', name } });
  const services = [
    aService(),
    named('new', {}, {}),
    named('cloud', { loadBalancerClass: 'aws' }, {}),
    named('plain', { type: 'ClusterIP' }, {}),
  ];
  const { text } = discovered({ services });
  expect(text).toContain('# Not here: default/new, has no address.\n  # Not here: default/cloud, of the load balancer class aws.');
  expect(text).not.toContain('plain');
});

test('what the cluster says cannot end a comment or a text, whatever it is', () => {
  const nasty = 'line\nkey: stolen\n';
  const refused = { name: 'speaker-n1', component: 'speaker', node: 'n1', result: 'Invalid', error: nasty } as const;
  const { file, text } = discovered({ nodes: [aNode('on'), aNode('1e3')] }, { configurationStates: [refused] }, { title: nasty });
  expect(file.title).toBe(nasty);
  expect('key' in file && file.key).toBe('${file:holdfast.key}');
  expect('nodes' in file && file.nodes.map(({ name }) => name)).toEqual(['on', '1e3']);
  expect(text).toContain('# MetalLB refuses its configuration (speaker-n1): line key: stolen . The last valid one is in use.');
});

test('without any VIP there is no environment to write', () => {
  expect(() => discovered({ services: [] })).toThrow(/no Service of type LoadBalancer/);
});
