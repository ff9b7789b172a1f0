// Pods as an API server serves them, for tests of the kubelet's stand-in.
import type { KubeObject } from '../../src/cluster/kube-client.ts';
import { type PodPlan, readPod } from '../../src/lab/kubelet/pod.ts';

export type PodParts = { metadata?: object; spec?: object; container?: object; status?: object };

/** A pod of n1 with one process; parts given replace ours. */
export function aPod(parts: PodParts = {}): KubeObject {
  const container = { name: 'web', image: 'process/web', command: ['sleep', '1000'], ...parts.container };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'default', uid: 'u-1', ...parts.metadata },
    spec: { nodeName: 'n1', restartPolicy: 'Always', containers: [container], ...parts.spec },
    status: { phase: 'Pending', ...parts.status },
  };
}

/** The same as it is to be run. */
export function aPodPlan(parts: PodParts = {}): PodPlan {
  const reading = readPod(aPod(parts));
  if (reading.kind === 'refused') throw new Error(reading.why);
  return reading.plan;
}
