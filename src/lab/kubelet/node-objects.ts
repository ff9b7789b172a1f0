// The objects by which a node is known to the API server: Node, its status, its Lease, and Events about pods: pure.
import type { KubeObject } from '../../cluster/kube-client.ts';

export const LEASES = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespaced: true } as const;
export const LEASE_NAMESPACE = 'kube-node-lease';
export const EVENTS = { group: '', version: 'v1', plural: 'events', namespaced: true } as const;

export type NodeFacts = {
  name: string;
  addresses: readonly string[];
  podCidrs: readonly string[];
  /** Of this program. */
  version: string;
  kernel: string;
  /** In Go's words: amd64, arm64. */
  architecture: string;
  bootId: string;
};

/** A kubelet's default: the node counts as lost that long after its last renewal (and a grace of the controller's). */
const LEASE_SECONDS = 40;
/** Enough for every pod of a lab: nothing here is measured against them. */
const CAPACITY = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '10Gi' };

export function nodeObject({ name, podCidrs, architecture }: NodeFacts): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: nodeLabels(name, architecture) },
    spec: { podCIDR: podCidrs[0], podCIDRs: podCidrs },
  };
}

/** Labels that a kubelet keeps on its node. */
export function nodeLabels(name: string, architecture: string): Record<string, string> {
  return {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': architecture,
  };
}

/**
 * What the stand-in says of its node, openly no real machine.
 * @param changes since when each condition is as it is, by type
 */
export function nodeStatus(facts: NodeFacts, now: string, since: Readonly<Record<string, string>>): Record<string, unknown> {
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: since[type] ?? now,
  });
  return {
    addresses: [
      ...facts.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: facts.name },
      // A strategic merge tells addresses apart by their type, and a node has two of one: not merged but replaced, as a kubelet has it.
      { $patch: 'replace' },
    ],
    capacity: CAPACITY,
    allocatable: CAPACITY,
    nodeInfo: {
      kubeletVersion: `v1.35.4-holdfast-lab-${facts.version}`,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: facts.architecture,
      containerRuntimeVersion: `process://${facts.version}`,
      osImage: 'Holdfast lab: a network namespace, pods are processes',
      kernelVersion: facts.kernel,
      bootID: facts.bootId,
      machineID: '',
      systemUUID: '',
    },
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet stand-in: not measured'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet stand-in: not measured'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet stand-in: not measured'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet stand-in is posting ready status'),
    ],
  };
}

/** When each condition of a Node last changed, for those that are as this kubelet would write them. */
export function conditionTimes(node: KubeObject): Record<string, string> {
  return Object.fromEntries(
    conditionsOf(node)
      .filter(({ type, status }) => status === (type === 'Ready' ? 'True' : 'False'))
      .flatMap(({ type, lastTransitionTime }) => (typeof lastTransitionTime === 'string' ? [[type, lastTransitionTime]] : [])),
  );
}

/** Whether somebody else has written that the node is not ready, or nobody that it is. */
export function needsCorrection(node: KubeObject): boolean {
  return conditionsOf(node).find(({ type }) => type === 'Ready')?.status !== 'True';
}

/** @param renewTime RFC 3339 with microseconds, as MicroTime is */
export function leaseSpec(name: string, renewTime: string): Record<string, unknown> {
  return { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
}

export function leaseObject(name: string, renewTime: string): KubeObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: LEASE_NAMESPACE },
    spec: leaseSpec(name, renewTime),
  };
}

/** An Event about a pod, as `kubectl describe` shows it. `id` makes its name unique. */
export function podEvent(
  pod: { uid: string; namespace: string; name: string },
  told: { reason: string; message: string; node: string; now: string; id: string },
): KubeObject {
  const { reason, message, node, now, id } = told;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${pod.name}.${id}`, namespace: pod.namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: pod.namespace, name: pod.name, uid: pod.uid },
    reason,
    message,
    type: 'Warning',
    source: { component: 'kubelet-stand-in', host: node },
    reportingComponent: 'kubelet-stand-in',
    reportingInstance: node,
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}

type Written = { type?: unknown; status?: unknown; lastTransitionTime?: unknown };

function conditionsOf(node: KubeObject): (Written & { type: string })[] {
  const { conditions } = (node.status ?? {}) as { conditions?: Written[] };
  return (conditions ?? []).flatMap((each) => (typeof each.type === 'string' ? [{ ...each, type: each.type }] : []));
}
