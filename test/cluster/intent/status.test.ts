import { expect, test } from 'vitest';
import { metallbStatusOf, type StatusObjects } from '../../../src/cluster/intent/status.ts';
import { aCluster, aNode, aPeer, reduced, WEB } from './a-cluster.ts';

const NOTHING: StatusObjects = { serviceStatuses: null, configurationStates: null, sessionStates: null };
const oneNode = (peers = [aPeer()]) => reduced(aCluster({ nodes: [aNode('n1')], peers }));
const session = { peer: 'tor', address: '10.100.0.1', myAsn: 64_500, peerAsn: '64501', state: null };

test('where MetalLB writes no status objects nothing is claimed', () => {
  expect(metallbStatusOf(oneNode(), NOTHING, WEB)).toEqual([
    { node: 'n1', announcedTo: null, configuration: null, error: null, sessions: [session] },
  ]);
});

test('a node without a status object announces to nobody, another node’s and another Service’s objects are not its own', () => {
  const status = { name: 'bgp-1', node: 'n1', service: WEB, peers: ['tor'] };
  const of = (one: typeof status) => metallbStatusOf(oneNode(), { ...NOTHING, serviceStatuses: [one] }, WEB)[0]?.announcedTo;
  expect(of(status)).toEqual(['tor']);
  expect(of({ ...status, node: 'n2' })).toEqual([]);
  expect(of({ ...status, service: { ...WEB, name: 'api' } })).toEqual([]);
});

test('a refused configuration is told with its error, of the speaker and not of the controller', () => {
  const refused = { name: 'speaker-n1', component: 'speaker', node: 'n1', result: 'Invalid', error: 'peer tor has …' } as const;
  const controller = { name: 'controller', component: 'controller', node: null, result: 'Valid', error: null } as const;
  const [row] = metallbStatusOf(oneNode(), { ...NOTHING, configurationStates: [controller, refused] }, WEB);
  expect(row).toMatchObject({ configuration: 'Invalid', error: 'peer tor has …' });
});

test('a session is told as its BGPPeer asks for it and as frr-k8s sees it', () => {
  const peers = [aPeer(), aPeer({ peerAddress: '', interface: 'eth1', peerASN: 0, dynamicASN: 'external' }, 'unnumbered')];
  const state = { name: 'x', node: 'n1', vrf: null, bfd: null };
  const sessionStates = [
    { ...state, peer: '10.100.0.1', bgp: 'Established' },
    { ...state, node: 'n2', peer: 'eth1', bgp: 'Idle' },
  ];
  expect(metallbStatusOf(oneNode(peers), { ...NOTHING, sessionStates }, WEB)[0]?.sessions).toEqual([
    { ...session, state: 'Established' },
    { peer: 'unnumbered', address: null, myAsn: 64_500, peerAsn: 'external', state: null },
  ]);
});
