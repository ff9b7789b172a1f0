// A node of a cluster that advertises no VIP: MetalLB's speakers heed the label exclude-from-external-load-balancers.
import { z } from 'zod';
import { type AdvertiseControl, type AskingFirst, askingFirst, type NodeChange } from '../core/capabilities.ts';
import type { ClusterControl, ClusterRef } from '../core/cluster-control.ts';
import { applyChange, type MarkedChange, readChange, readForChange, revertChange, valueAt } from '../core/marked-change.ts';
import { missingAccess } from '../core/fault-access.ts';
import { EXCLUDE_LABEL } from './intent/intent.ts';

const ANNOTATION = 'holdfast.io/excluded-by';
const PATH = ['metadata', 'labels', EXCLUDE_LABEL];

const nodeState = z.object({ uid: z.string(), label: z.object({ is: z.unknown() }).nullable() });
type State = z.infer<typeof nodeState>;

export function nodeAdvertise(cluster: ClusterControl): AdvertiseControl & AskingFirst<AdvertiseControl> {
  return {
    async advertiseState(node, signal): Promise<State> {
      const object = await readForChange(cluster, { ref: refOf(node), annotation: ANNOTATION }, signal);
      return { uid: object.metadata.uid, label: valueAt(object, PATH) };
    },
    async withdraw(change, signal) {
      await applyChange(cluster, labelChange(change), signal);
    },
    async restoreAdvertising(change, signal) {
      await revertChange(cluster, labelChange(change), signal);
    },
    async readWithdrawal(change, signal) {
      return await readChange(cluster, labelChange(change), signal);
    },
    async obstaclesToWithdraw(node, signal) {
      await readForChange(cluster, { ref: refOf(node), annotation: ANNOTATION }, signal);
      return await missingAccess(cluster, [{ verb: 'patch', kind: 'nodes' }], signal);
    },
    askingFirst: (check) => nodeAdvertise(askingFirst(cluster, check)),
  };
}

function labelChange({ node, before, mark }: NodeChange): MarkedChange {
  const { uid, label } = nodeState.parse(before);
  // Whatever the label's value is, it excludes: one that was there before is left as it is.
  return { ref: refOf(node), uid, annotation: ANNOTATION, mark, path: PATH, before: label, ours: label ?? { is: '' } };
}

function refOf(node: string): ClusterRef {
  return { kind: 'nodes', namespace: null, name: node };
}
