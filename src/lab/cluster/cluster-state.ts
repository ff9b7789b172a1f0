// What a cluster's nodes and pods are at, from the API's objects: pure.
import { z } from 'zod';
import type { KubeObject } from '../../cluster/kube-client.ts';
import type { NodeState } from '../lab-kind.ts';
import { METALLB_NAMESPACE } from './metallb-objects.ts';
import { WEB } from './web-objects.ts';

const conditions = z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]);
const nodeObject = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({ unschedulable: z.boolean().default(false) }).default({ unschedulable: false }),
  status: z.looseObject({ conditions }).default({ conditions: [] }),
});
const podObject = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  spec: z.looseObject({ nodeName: z.string().default('') }),
  status: z.looseObject({ conditions }).default({ conditions: [] }),
});

export type NodeReading = NonNullable<NodeState['cluster']> & { isServing: boolean };

/** Of one node by name, given all nodes and pods; kube-proxy is no object, and told beside. */
export function readNode(
  name: string,
  objects: { nodes: readonly KubeObject[]; pods: readonly KubeObject[] },
  isProxyRunning: boolean,
): NodeReading {
  const node = objects.nodes.map((object) => nodeObject.parse(object)).find(({ metadata }) => metadata.name === name);
  const pods = objects.pods.map((object) => podObject.parse(object)).filter(({ spec }) => spec.nodeName === name);
  const isReady = ({ status }: { status: z.output<typeof podObject>['status'] }) => isTrue(status.conditions);
  const has = (namespace: string, labels: Readonly<Record<string, string>>) =>
    pods.some(
      (pod) =>
        pod.metadata.namespace === namespace &&
        Object.entries(labels).every(([key, value]) => pod.metadata.labels[key] === value) &&
        isReady(pod),
    );
  return {
    condition: node === undefined ? 'not registered' : `${readiness(node.status.conditions)}${node.spec.unschedulable ? ', cordoned' : ''}`,
    pods: pods
      .map((pod) => ({ namespace: pod.metadata.namespace, name: pod.metadata.name, isReady: isReady(pod) }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    isSpeakerReady: has(METALLB_NAMESPACE, { component: 'speaker' }),
    isProxyRunning,
    isServing: has(WEB.namespace, { app: WEB.name }),
  };
}

function isTrue(of: z.output<typeof conditions>): boolean {
  return of.some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** kubectl's words: Unknown is a node that is silent. */
function readiness(of: z.output<typeof conditions>): string {
  const status = of.find(({ type }) => type === 'Ready')?.status;
  return status === 'True' ? 'Ready' : status === 'Unknown' ? 'NotReady (silent)' : 'NotReady';
}
