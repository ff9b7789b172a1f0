// Deployments and pods, reduced to what tells which stand behind a VIP and how far a rollout is.
import { z } from 'zod';
import { list, metadata, reader } from './intent/reader.ts';
import type { Labels } from './intent/selectors.ts';

export type Deployment = {
  namespace: string;
  name: string;
  /** Of its pods. */
  podLabels: Labels;
  generation: number;
  observedGeneration: number;
  /** As asked for; the others are counts of its status. */
  replicas: number;
  updated: number;
  ready: number;
  available: number;
};
export type SpeakerPod = { namespace: string; name: string; node: string; ready: boolean; terminating: boolean };

const count = z
  .int()
  .nullish()
  .transform((value) => value ?? 0);
const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

export const readDeployment = reader(
  'Deployment',
  z.object({
    metadata: metadata.extend({ generation: count }),
    spec: z.object({ replicas: z.int().nullish(), template: z.object({ metadata: z.object({ labels }).prefault({}) }) }),
    status: z.object({ observedGeneration: count, updatedReplicas: count, readyReplicas: count, availableReplicas: count }).prefault({}),
  }),
  ({ metadata: { name, namespace, generation }, spec, status }): Deployment => ({
    namespace: namespace ?? '',
    name,
    podLabels: spec.template.metadata.labels,
    generation,
    observedGeneration: status.observedGeneration,
    replicas: spec.replicas ?? 1,
    updated: status.updatedReplicas,
    ready: status.readyReplicas,
    available: status.availableReplicas,
  }),
);

/** The labels that a Service selects its pods by; none for one whose endpoints somebody else writes. */
export const readPodSelector = reader('Service', z.object({ spec: z.object({ selector: labels }) }), ({ spec }): Labels => spec.selector);

/** A pod of MetalLB's speaker; null for any other, and while it has no node. */
export const readSpeakerPod = reader(
  'Pod',
  z.object({
    metadata: metadata.extend({ deletionTimestamp: z.string().nullish() }),
    spec: z.object({ nodeName: z.string().nullish() }),
    status: z.object({ conditions: list(z.object({ type: z.string(), status: z.string() })) }).nullish(),
  }),
  ({ metadata: { name, namespace, labels: own, deletionTimestamp }, spec, status }): SpeakerPod | null => {
    // MetalLB's manifests write the one, its Helm chart the other.
    const component = own?.['app.kubernetes.io/component'] ?? own?.component;
    if (component !== 'speaker' || spec.nodeName == null) return null;
    return {
      namespace: namespace ?? '',
      name,
      node: spec.nodeName,
      ready: status?.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false,
      terminating: deletionTimestamp != null,
    };
  },
);
