// Which pods of a node a drain evicts, and which forbid it, as `kubectl drain --ignore-daemonsets` decides without further flags. Pure.
import { z } from 'zod';
import type { ClusterObject } from '../core/cluster-control.ts';

export type EvictablePod = { namespace: string; name: string; uid: string };

/** Set by a kubelet on the API's picture of a static pod, which an eviction would not end. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

const podFields = z.looseObject({
  spec: z.looseObject({ volumes: z.array(z.looseObject({ emptyDir: z.unknown() })).nullish() }).optional(),
  status: z.looseObject({ phase: z.string().optional() }).optional(),
});

/** `stubborn`: why a drain must not begin, pod by pod, as a person would say it. Pods that are ending, or are over, count as gone. */
export function podsToEvict(pods: readonly ClusterObject[]): { evictable: EvictablePod[]; stubborn: string[] } {
  const evictable: EvictablePod[] = [];
  const stubborn: string[] = [];
  for (const pod of pods) {
    const { name, namespace = '', uid = '', deletionTimestamp, annotations, ownerReferences } = pod.metadata;
    const { spec, status } = podFields.parse(pod);
    const owner = ownerReferences?.find(({ controller }) => controller === true);
    if (deletionTimestamp !== undefined || status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
    if (annotations?.[MIRROR_ANNOTATION] !== undefined || owner?.kind === 'DaemonSet') continue;
    if (owner === undefined) stubborn.push(`the pod ${namespace}/${name} has no controller: evicted, it would not come back`);
    else if (spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined))
      stubborn.push(`the pod ${namespace}/${name} has local storage (emptyDir), which an eviction would delete`);
    else evictable.push({ namespace, name, uid });
  }
  return { evictable, stubborn };
}
