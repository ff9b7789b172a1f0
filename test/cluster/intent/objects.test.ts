import { expect, test } from 'vitest';
import { readBgpPeer } from '../../../src/cluster/intent/metallb-objects.ts';
import { readBgpSessionState, readConfigurationState, readServiceBgpStatus } from '../../../src/cluster/intent/metallb-status.ts';
import { readEndpointSlice, readNode, readService } from '../../../src/cluster/intent/objects.ts';
import { selects } from '../../../src/cluster/intent/selectors.ts';
import { aNode, anEndpoint, aPeer, aService, aSlice } from './a-cluster.ts';

test('an object that cannot be read is named, with its field', () => {
  const broken = { ...aService(), spec: { type: 'LoadBalancer', ports: [{ port: 'http' }] } };
  expect(() => readService(broken)).toThrow(/^Service default\/web cannot be read: spec\.ports\[0\]\.port: /);
  expect(() => readBgpPeer(aPeer({ holdTime: 'soon' }))).toThrow(
    'BGPPeer metallb-system/tor cannot be read: spec.holdTime: expected a duration such as 1m30s, found "soon"',
  );
  expect(() => readBgpPeer(aPeer({ peerAddress: 'tor' }))).toThrow(/spec\.peerAddress: expected an IP address/);
});

test('fields that nobody uses may be anything, and lists may be null as Go writes them', () => {
  expect(readService({ ...aService({ ports: null, newThing: 7 }), alien: true })).toMatchObject({ ports: [], policy: 'local' });
  expect(readEndpointSlice(aSlice(null)).endpoints).toEqual([]);
  expect(readNode({ metadata: { name: 'n1' } })).toEqual({
    name: 'n1',
    labels: {},
    addresses: [],
    podCidrs: [],
    ready: 'Unknown',
    unschedulable: false,
    networkUnavailable: false,
  });
});

test('a Service of no stated policy is Cluster, as it is by default', () => {
  expect(readService(aService({ externalTrafficPolicy: undefined })).policy).toBe('cluster');
  expect(readService(aService({ sessionAffinity: 'ClientIP' })).affinity).toBe('client-ip');
});

test('an endpoint is named by its pod, a node by its inner addresses', () => {
  expect(readEndpointSlice(aSlice([anEndpoint('n1')]))).toMatchObject({
    service: 'web',
    endpoints: [{ pod: 'default/web-n1', node: 'n1', ready: true, serving: true, terminating: false }],
  });
  const addresses = [
    { type: 'Hostname', address: 'n1' },
    { type: 'ExternalIP', address: '192.0.2.1' },
    { type: 'InternalIP', address: 'FD00:0::1' },
  ];
  expect(readNode({ ...aNode('n1'), status: { addresses } }).addresses).toEqual(['fd00::1']);
});

test('selectors match as Kubernetes matches them', () => {
  const labels = { tier: 'web', zone: 'a' };
  const by = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', key: string, values?: string[]) =>
    selects({ matchExpressions: [{ key, operator, ...(values && { values }) }] }, labels);
  expect(selects({}, labels)).toBe(true);
  expect(selects({ matchLabels: { tier: 'web' }, matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] }, labels)).toBe(false);
  expect([by('In', 'zone', ['a', 'b']), by('In', 'toString', ['a'])]).toEqual([true, false]);
  expect([by('NotIn', 'zone', ['a']), by('NotIn', 'none', ['a'])]).toEqual([false, true]);
  expect([by('Exists', 'zone'), by('Exists', 'none')]).toEqual([true, false]);
  expect([by('DoesNotExist', 'zone'), by('DoesNotExist', 'none')]).toEqual([false, true]);
});

test('MetalLB’s status objects are read with what they lack while they are new', () => {
  const metadata = { name: 'bgp-x', namespace: 'metallb-system' };
  expect(readServiceBgpStatus({ metadata })).toBeNull();
  expect(
    readServiceBgpStatus({ metadata, status: { node: 'n1', serviceName: 'web', serviceNamespace: 'default', peers: ['tor'] } }),
  ).toEqual({ name: 'bgp-x', node: 'n1', service: { namespace: 'default', name: 'web' }, peers: ['tor'] });
  const labels = { 'metallb.io/component-type': 'speaker', 'metallb.io/node-name': 'n1' };
  const speaker = { name: 'speaker-n1', namespace: 'metallb-system', labels };
  expect(readConfigurationState({ metadata: speaker })).toMatchObject({ component: 'speaker', node: 'n1', result: 'Unknown', error: null });
  expect(readConfigurationState({ metadata: speaker, status: { result: 'Invalid', errorSummary: 'peer x' } })).toMatchObject({
    result: 'Invalid',
    error: 'peer x',
  });
  expect(readBgpSessionState({ metadata, status: { node: 'n1', peer: '10.100.0.1', bgpStatus: 'Established', bfdStatus: 'N/A' } })).toEqual(
    {
      name: 'bgp-x',
      node: 'n1',
      peer: '10.100.0.1',
      vrf: null,
      bgp: 'Established',
      bfd: 'N/A',
    },
  );
});
