// What a node says of itself, and when somebody else's word on it must be corrected.
import { expect, test } from 'vitest';
import { conditionTimes, leaseSpec, needsCorrection, nodeObject, nodeStatus } from '../../../src/lab/kubelet/node-objects.ts';

const FACTS = {
  name: 'n1',
  addresses: ['10.77.1.11', 'fd77:0:0:1::11'],
  podCidrs: ['10.77.21.0/24'],
  version: '0.1.0',
  kernel: '6.12.0',
  architecture: 'amd64',
  bootId: 'b',
};
const NOW = '2026-11-26T01:00:10.000Z';
const withConditions = (conditions: object[]) => ({ metadata: { name: 'n1' }, status: { conditions } });

test('a node has its name as label, its pod addresses, and says openly that it is no machine', () => {
  expect(nodeObject(FACTS)).toMatchObject({
    metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' } },
    spec: { podCIDR: '10.77.21.0/24', podCIDRs: ['10.77.21.0/24'] },
  });
  expect(nodeStatus(FACTS, NOW, {})).toMatchObject({
    addresses: [
      { type: 'InternalIP', address: '10.77.1.11' },
      { type: 'InternalIP', address: 'fd77:0:0:1::11' },
      { type: 'Hostname', address: 'n1' },
      { $patch: 'replace' },
    ],
    nodeInfo: { osImage: expect.stringContaining('pods are processes') as string, kubeletVersion: 'v1.35.4-holdfast-lab-0.1.0' },
  });
});

test.each([
  ['nobody wrote anything', [], true],
  ['it is ready', [{ type: 'Ready', status: 'True' }], false],
  ['somebody wrote that it is not', [{ type: 'Ready', status: 'False' }], true],
  ['the controller has lost it', [{ type: 'Ready', status: 'Unknown' }], true],
])('where %s, the need to correct is said right', (_, conditions, expected) => {
  expect(needsCorrection(withConditions(conditions))).toBe(expected);
});

test('a condition that stays as it was keeps its time; one that somebody else changed gets a new one', () => {
  const old = '2026-11-26T00:00:00Z';
  const node = withConditions([
    { type: 'Ready', status: 'Unknown', lastTransitionTime: old },
    { type: 'DiskPressure', status: 'False', lastTransitionTime: old },
  ]);
  const status = nodeStatus(FACTS, NOW, conditionTimes(node)) as { conditions: { type: string; lastTransitionTime: string }[] };
  const times = Object.fromEntries(status.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
  expect(times).toMatchObject({ Ready: NOW, DiskPressure: old });
});

test('a lease is held by the node for 40 s', () => {
  expect(leaseSpec('n1', NOW)).toEqual({ holderIdentity: 'n1', leaseDurationSeconds: 40, renewTime: NOW });
});
