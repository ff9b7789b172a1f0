import { expect, test } from 'vitest';
import { readNode } from '../../../src/lab/cluster/cluster-state.ts';
import { isProxied } from '../../../src/lab/cluster/proxy-rules.ts';

const node = (name: string, ready: string, spec: object = {}) => ({
  metadata: { name },
  spec,
  status: { conditions: [{ type: 'Ready', status: ready }] },
});
const pod = (name: string, nodeName: string, ready: string) => ({
  metadata: {
    name,
    namespace: name.startsWith('speaker') ? 'metallb-system' : 'default',
    labels: name.startsWith('speaker') ? { app: 'metallb', component: 'speaker' } : { app: 'web' },
  },
  spec: { nodeName },
  status: { conditions: [{ type: 'Ready', status: ready }] },
});

test('a node is told by its condition and by its own pods', () => {
  const objects = {
    nodes: [node('n1', 'True'), node('n2', 'Unknown'), node('n3', 'True', { unschedulable: true })],
    pods: [pod('web-a', 'n1', 'True'), pod('speaker-a', 'n1', 'True'), pod('web-b', 'n2', 'False'), pod('speaker-b', 'n2', 'True')],
  };
  expect(readNode('n1', objects, true)).toEqual({
    condition: 'Ready',
    pods: [
      { namespace: 'metallb-system', name: 'speaker-a', isReady: true },
      { namespace: 'default', name: 'web-a', isReady: true },
    ],
    isSpeakerReady: true,
    isProxyRunning: true,
    isServing: true,
  });
  expect(readNode('n2', objects, false)).toMatchObject({ condition: 'NotReady (silent)', isServing: false, isSpeakerReady: true });
  expect(readNode('n3', objects, true)).toMatchObject({ condition: 'Ready, cordoned', pods: [], isSpeakerReady: false });
  expect(readNode('n4', objects, true)).toMatchObject({ condition: 'not registered' });
});

test('a Service counts as known to kube-proxy once it is sent to endpoints', () => {
  const nftables = `table ip kube-proxy {
	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.77.64.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https,
			     10.77.10.1 . tcp . 7000 : goto external-FO6HJJ4B-default/web/tcp/tcp }
	}
}`;
  expect(isProxied('nftables', nftables, '10.77.10.1')).toBe(true);
  expect(isProxied('nftables', nftables, '10.77.10.11')).toBe(false);
  expect(isProxied('nftables', nftables, '0.77.10.1')).toBe(false);
  const iptables =
    '-A KUBE-SERVICES -d 10.77.10.1/32 -p tcp -m comment --comment "default/web:tcp loadbalancer IP" -m tcp --dport 7000 -j KUBE-EXT-NVNLZVDQSGQUD3NM\n';
  expect(isProxied('iptables', iptables, '10.77.10.1')).toBe(true);
  expect(isProxied('iptables', iptables, '10.77.10.2')).toBe(false);
  expect(isProxied('iptables', '', '10.77.10.1')).toBe(false);
});
