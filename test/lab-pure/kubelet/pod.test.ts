// What the kubelet stand-in runs, and what it refuses with a reason.
import { expect, test } from 'vitest';
import { readPod, viewOf } from '../../../src/lab/kubelet/pod.ts';
import { aPod, aPodPlan, type PodParts } from '../../support/a-pod.ts';

const why = (parts: PodParts) => {
  const reading = readPod(aPod(parts));
  return reading.kind === 'refused' ? reading.why : null;
};

test.each<[string, PodParts, RegExp]>([
  ['an image that is no process', { container: { image: 'nginx:1.29' } }, /pods are processes here.*"nginx:1\.29"/],
  ['no image at all', { container: { image: undefined } }, /pods are processes here/],
  ['a second container', { spec: { containers: [{ name: 'a', image: 'process/a', command: ['a'] }, { name: 'b' }] } }, /one container/],
  ['an init container', { spec: { initContainers: [{ name: 'first' }] } }, /no init containers/],
  ['a container without a command', { container: { command: [] } }, /must name its own/],
  ['a liveness probe', { container: { livenessProbe: {} } }, /only readiness/],
  ['a probe of a port that nobody named', { container: { readinessProbe: { tcpSocket: { port: 'metrics' } } } }, /readiness probe/],
  ['a gRPC probe', { container: { readinessProbe: { grpc: { port: 1 } } } }, /readiness probe/],
  ['a variable from a Secret', { container: { env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 's' } } }] } }, /KEY/],
  ['a field nobody knows', { container: { env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath: 'spec.hostname' } } }] } }, /X/],
  ['variables by the dozen', { container: { envFrom: [{}] } }, /no envFrom/],
  ['a preStop by HTTP', { container: { lifecycle: { preStop: { httpGet: { port: 1 } } } } }, /sleep or exec/],
])('it refuses %s', (_, parts, expected) => {
  expect(why(parts)).toMatch(expected);
});

test('volumes, resources and security contexts, which every pod of a cluster has, are no reason to refuse', () => {
  expect(why({ container: { volumeMounts: [{ name: 'token' }], resources: {}, securityContext: {} } })).toBeNull();
});

test('a probe names its port by number or by name, and has the defaults of Kubernetes', () => {
  const probe = aPodPlan({
    container: { ports: [{ name: 'echo', containerPort: 7000 }], readinessProbe: { tcpSocket: { port: 'echo' } } },
  }).container.readiness;
  expect(probe).toEqual({
    how: { kind: 'tcp', host: null, port: 7000 },
    initialDelaySeconds: 0,
    periodSeconds: 10,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  });
  const http = { scheme: 'HTTPS', port: 9120, path: '/metrics', httpHeaders: [{ name: 'A', value: 'b' }] };
  expect(aPodPlan({ container: { readinessProbe: { httpGet: http } } }).container.readiness?.how).toEqual({
    kind: 'http',
    scheme: 'https',
    host: null,
    port: 9120,
    path: '/metrics',
    headers: { A: 'b' },
  });
});

test('a view tells of a deletion and its grace, of an end for good, and of what was written as Ready', () => {
  expect(viewOf(aPod())).toMatchObject({ uid: 'u-1', isOver: false, deletion: null, ready: null });
  const deleted = { deletionTimestamp: '2026-11-26T01:00:00Z', deletionGracePeriodSeconds: 7 };
  expect(viewOf(aPod({ metadata: { uid: 'u-1', namespace: 'default', name: 'web-1', ...deleted } })).deletion).toEqual({ graceSeconds: 7 });
  const status = { phase: 'Failed', conditions: [{ type: 'Ready', status: 'False' }] };
  expect(viewOf(aPod({ status }))).toMatchObject({ isOver: true, ready: 'False' });
});
