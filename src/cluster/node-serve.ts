// A node of a cluster whose pods go elsewhere: cordoned, and its pods evicted as `kubectl drain --ignore-daemonsets` does, never by force.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type AskingFirst, askingFirst, type NodeChange, type ServeControl } from '../core/capabilities.ts';
import type { ClusterControl, ClusterRef } from '../core/cluster-control.ts';
import { AppError } from '../core/errors.ts';
import { applyChange, type MarkedChange, readChange, readForChange, revertChange, valueAt } from '../core/marked-change.ts';
import { type EvictablePod, podsToEvict } from './drained-pods.ts';
import { missingAccess } from '../core/fault-access.ts';

const ANNOTATION = 'holdfast.io/cordoned-by';
const PATH = ['spec', 'unschedulable'];
/** How long evictions are tried that a PodDisruptionBudget forbids for now. */
const EVICT_MS = 15_000;
const PAUSE_MS = 250;

const nodeState = z.object({ uid: z.string(), unschedulable: z.object({ is: z.unknown() }).nullable() });
type State = z.infer<typeof nodeState>;

export function nodeServe(cluster: ClusterControl): ServeControl & AskingFirst<ServeControl> {
  return {
    async serveState(node, signal): Promise<State> {
      const object = await readForChange(cluster, { ref: refOf(node), annotation: ANNOTATION }, signal);
      return { uid: object.metadata.uid, unschedulable: valueAt(object, PATH) };
    },
    async stopServing(change, signal) {
      const { stubborn } = await podsOf(cluster, change.node, signal);
      if (stubborn.length > 0) throw new AppError('KEEPER_REFUSED', stubborn.join('; '));
      await applyChange(cluster, cordon(change), signal);
      await evictAll(cluster, change.node, signal);
    },
    async restoreServing(change, signal) {
      await revertChange(cluster, cordon(change), signal);
    },
    async readStop(change, signal) {
      const reading = await readChange(cluster, cordon(change), signal);
      const { evictable } = await podsOf(cluster, change.node, signal);
      return { ...reading, isInForce: reading.isInForce && evictable.length === 0 };
    },
    async obstaclesToStop(node, signal) {
      const missing = await missingAccess(
        cluster,
        [
          { verb: 'patch', kind: 'nodes' },
          { verb: 'list', kind: 'pods' },
          { verb: 'create', kind: 'pods', subresource: 'eviction' },
        ],
        signal,
      );
      if (missing.length > 0) return missing;
      await readForChange(cluster, { ref: refOf(node), annotation: ANNOTATION }, signal);
      const { evictable, stubborn } = await podsOf(cluster, node, signal);
      return [...stubborn, ...(await blockedNow(cluster, evictable, signal))];
    },
    askingFirst: (check) => nodeServe(askingFirst(cluster, check)),
  };
}

/** Evicts pod by pod until none is left that is not ending already. A budget is asked again, as it may allow one pod at a time. */
async function evictAll(cluster: ClusterControl, node: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + EVICT_MS;
  for (;;) {
    const { evictable } = await podsOf(cluster, node, signal);
    if (evictable.length === 0) return;
    const blocked: string[] = [];
    for (const pod of evictable) {
      const end = await cluster.evict(pod, { dryRun: false }, signal);
      if (end.kind === 'blocked') blocked.push(sayBlocked(pod, end.why));
    }
    if (performance.now() > until)
      throw new AppError('TIMEOUT', `${node} still has pods after ${String(EVICT_MS / 1_000)} s: ${blocked.join('; ')}`);
    if (blocked.length > 0) await sleep(PAUSE_MS, undefined, { signal });
  }
}

async function blockedNow(cluster: ClusterControl, pods: readonly EvictablePod[], signal: AbortSignal): Promise<string[]> {
  const ends = await Promise.all(pods.map(async (pod) => ({ pod, end: await cluster.evict(pod, { dryRun: true }, signal) })));
  return ends.flatMap(({ pod, end }) => (end.kind === 'blocked' ? [sayBlocked(pod, end.why)] : []));
}

async function podsOf(cluster: ClusterControl, node: string, signal: AbortSignal): Promise<ReturnType<typeof podsToEvict>> {
  return podsToEvict(await cluster.list('pods', { fieldSelector: `spec.nodeName=${node}` }, signal));
}

function cordon({ node, before, mark }: NodeChange): MarkedChange {
  const { uid, unschedulable } = nodeState.parse(before);
  return { ref: refOf(node), uid, annotation: ANNOTATION, mark, path: PATH, before: unschedulable, ours: { is: true } };
}

function sayBlocked({ namespace, name }: EvictablePod, why: string): string {
  return `the eviction of ${namespace}/${name} is not allowed: ${why}`;
}

function refOf(node: string): ClusterRef {
  return { kind: 'nodes', namespace: null, name: node };
}
