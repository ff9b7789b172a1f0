// Statuses as a kubelet writes them, from which EndpointSlices get ready, serving and terminating right.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ContainerState, type PodFacts, podStatus, refusedStatus } from '../../../src/lab/kubelet/pod-status.ts';
import { aPodPlan } from '../../support/a-pod.ts';

const NOW = '2026-11-26T01:00:10Z';
const LATER = '2026-11-26T01:00:20Z';
const HOW = { code: 0, startedAt: NOW, finishedAt: NOW };
const facts = (changes: Partial<PodFacts> = {}): PodFacts => ({
  plan: aPodPlan(),
  startTime: '2026-11-26T01:00:00Z',
  hostIps: ['10.77.1.11'],
  podIps: ['10.77.21.4'],
  container: { kind: 'running', startedAt: NOW },
  lastTermination: null,
  restarts: 0,
  isReady: true,
  ...changes,
});
const conditions = (changes: Partial<PodFacts>) =>
  Object.fromEntries(podStatus(facts(changes), null, NOW).conditions.map(({ type, status }) => [type, status]));

test('a pod that runs and answers is ready in every condition', () => {
  expect(podStatus(facts(), null, NOW)).toMatchObject({
    phase: 'Running',
    podIP: '10.77.21.4',
    podIPs: [{ ip: '10.77.21.4' }, { $patch: 'replace' }],
    hostIP: '10.77.1.11',
    containerStatuses: [{ name: 'web', ready: true, started: true, restartCount: 0, state: { running: { startedAt: NOW } } }],
  });
  expect(conditions({})).toEqual({
    PodReadyToStartContainers: 'True',
    Initialized: 'True',
    Ready: 'True',
    ContainersReady: 'True',
    PodScheduled: 'True',
  });
});

test.each<[string, Partial<PodFacts>, object]>([
  ['that has no network yet', { container: { kind: 'creating' }, podIps: [], isReady: false }, { phase: 'Pending' }],
  ['that waits for its restart', { container: { kind: 'waiting', delayMs: 4_000 }, isReady: false, restarts: 2 }, { phase: 'Running' }],
  ['that ended well', { container: { kind: 'ended', how: HOW } }, { phase: 'Succeeded' }],
  ['that was killed', { container: { kind: 'ended', how: { ...HOW, code: 137 } } }, { phase: 'Failed' }],
  ['whose end nobody saw', { container: { kind: 'ended', how: { ...HOW, code: null } } }, { phase: 'Failed' }],
])('a pod %s is not ready', (_, changes, expected) => {
  expect(podStatus(facts(changes), null, NOW)).toMatchObject(expected);
  expect(conditions(changes)).toMatchObject({ Ready: 'False', ContainersReady: 'False' });
});

test('without its network a pod has no address, not even a former one', () => {
  const status = podStatus(facts({ container: { kind: 'creating' }, podIps: [] }), null, NOW);
  expect(status).toMatchObject({ podIP: null, podIPs: [{ $patch: 'replace' }] });
});

test('what ended, and why the next start waits, stands in the container’s states', () => {
  const waiting = facts({ container: { kind: 'waiting', delayMs: 4_000 }, lastTermination: { ...HOW, code: 3 }, isReady: false });
  expect(podStatus(waiting, null, NOW)).toMatchObject({
    containerStatuses: [
      { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 3, reason: 'Error' } } },
    ],
  });
  const unseen = facts({ container: { kind: 'ended', how: { ...HOW, code: null } } });
  expect(podStatus(unseen, null, NOW)).toMatchObject({
    containerStatuses: [{ state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } }],
  });
});

test('a condition keeps the time of its last change, and gets a new one with a change alone', () => {
  const before = podStatus(facts(), null, NOW);
  const after = podStatus(facts({ isReady: false }), before, LATER);
  const times = Object.fromEntries(after.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
  expect(times).toMatchObject({ Ready: LATER, ContainersReady: LATER, Initialized: NOW, PodScheduled: NOW });
});

const states: fc.Arbitrary<ContainerState> = fc.oneof(
  fc.constant({ kind: 'creating' } as const),
  fc.constant({ kind: 'running', startedAt: NOW } as const),
  fc.constant({ kind: 'waiting', delayMs: 1_000 } as const),
  fc.constant({ kind: 'ended', how: HOW } as const),
);

test('whatever a pod does, Ready and ContainersReady and its container agree, and only a running one is ready', () => {
  fc.assert(
    fc.property(states, fc.boolean(), (container, isReady) => {
      const status = podStatus(facts({ container, isReady }), null, NOW);
      const expected = container.kind === 'running' && isReady;
      expect(conditions({ container, isReady })).toMatchObject({
        Ready: expected ? 'True' : 'False',
        ContainersReady: expected ? 'True' : 'False',
      });
      expect(status.containerStatuses).toMatchObject([{ ready: expected }]);
    }),
  );
});

test('the same facts give the same status, so that nothing is written twice', () => {
  fc.assert(
    fc.property(states, fc.boolean(), (container, isReady) => {
      const status = podStatus(facts({ container, isReady }), null, NOW);
      expect(podStatus(facts({ container, isReady }), status, LATER)).toEqual(status);
    }),
  );
});

test('a refused pod has failed, says why, and is not ready', () => {
  expect(refusedStatus('pods are processes here', NOW)).toMatchObject({
    phase: 'Failed',
    message: 'pods are processes here',
    conditions: [
      { type: 'Ready', status: 'False' },
      { type: 'ContainersReady', status: 'False' },
    ],
  });
});
