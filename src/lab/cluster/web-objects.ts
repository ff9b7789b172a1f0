// What the lab's VIPs lead to, as Kubernetes objects: one Deployment of responders, and a Service for each VIP. Pure.
import type { KubeObject } from '../../cluster/kube-client.ts';
import type { Argv } from '../../io/command.ts';
import type { LabPlan } from '../address-plan.ts';
import { BACKEND_PORT } from '../nat-rules.ts';
import { keyFile } from '../state-folder.ts';

export const WEB = { namespace: 'default', name: 'web' } as const;
const LABELS = { app: WEB.name };

/**
 * A responder for each node, no two on one: a node that is drained leaves one pending.
 * @param program how `holdfast` itself is started
 */
export function webDeployment(plan: LabPlan, program: Argv): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...WEB, labels: LABELS },
    spec: {
      replicas: plan.nodes.length,
      selector: { matchLabels: LABELS },
      // A surplus pod would find no node: the nodes are replaced one after the other.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      template: {
        metadata: { labels: LABELS },
        spec: {
          terminationGracePeriodSeconds: 5,
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: LABELS } },
              ],
            },
          },
          containers: [
            {
              name: 'respond',
              image: 'process/respond',
              command: [
                ...program,
                'respond',
                ...['--port', String(BACKEND_PORT), '--key-file', keyFile(plan.stateFolder)],
                ...['--node', '$(NODE_NAME)', '--backend', '$(POD_NAME)'],
              ],
              env: [
                { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              ],
              ports: [{ containerPort: BACKEND_PORT, protocol: 'TCP' }],
              readinessProbe: { tcpSocket: { port: BACKEND_PORT }, periodSeconds: 1, failureThreshold: 2 },
            },
          ],
        },
      },
    },
  };
}

/** At most one responder is taken away on purpose at a time. */
export function webDisruptionBudget(): KubeObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { ...WEB },
    spec: { maxUnavailable: 1, selector: { matchLabels: LABELS } },
  };
}

/** A Service for each VIP, named like it. */
export function vipServices(plan: LabPlan): KubeObject[] {
  return plan.environment.vips.map(({ name, address, port, policy }, index) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: WEB.namespace, annotations: { 'metallb.io/loadBalancerIPs': address } },
    spec: {
      type: 'LoadBalancer',
      selector: LABELS,
      externalTrafficPolicy: policy === 'local' ? 'Local' : 'Cluster',
      sessionAffinity: plan.file.vips[index]?.affinity === 'client-ip' ? 'ClientIP' : 'None',
      ipFamilyPolicy: 'SingleStack',
      ports: (['TCP', 'UDP'] as const).map((protocol) => ({
        name: protocol.toLowerCase(),
        protocol,
        port,
        targetPort: BACKEND_PORT,
      })),
    },
  }));
}
