// A marked change of one field: what is ours is put back exactly, what somebody else did meanwhile is reported and left.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyChange, type MarkedChange, readChange, revertChange, valueAt } from '../../src/core/marked-change.ts';
import { SmallCluster } from '../support/small-cluster.ts';

const signal = new AbortController().signal;
const LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';
const PATH = ['metadata', 'labels', LABEL];

function aNode(rest: { labels?: Record<string, string>; annotations?: Record<string, string> } = {}) {
  const cluster = new SmallCluster([]);
  const { uid } = cluster.put('nodes', { metadata: { name: 'n1', ...rest }, spec: {} }).metadata;
  const object = cluster.get('nodes', 'n1') ?? { metadata: { name: 'n1' } };
  const before = valueAt(object, PATH);
  const change: MarkedChange = {
    ref: { kind: 'nodes', namespace: null, name: 'n1' },
    uid,
    annotation: 'holdfast.io/excluded-by',
    mark: 'run/f1',
    path: PATH,
    before,
    ours: before ?? { is: '' },
  };
  return { cluster, control: cluster.control(), change };
}

const word = fc.stringMatching(/^[a-z/~.]{1,8}$/);
const words = fc.option(fc.dictionary(word, word, { minKeys: 1, maxKeys: 3 }), { nil: undefined });

test('any object is byte for byte as before after any number of changes and reverts', async () => {
  await fc.assert(
    fc.asyncProperty(
      words,
      words,
      fc.option(fc.constantFrom('', 'x')),
      fc.array(fc.boolean(), { maxLength: 6 }),
      async (labels, annotations, value, acts) => {
        const all = value === null ? labels : { ...labels, [LABEL]: value };
        const { cluster, control, change } = aNode({ ...(all && { labels: all }), ...(annotations && { annotations }) });
        const before = cluster.snapshot();
        for (const isRevert of acts) await (isRevert ? revertChange : applyChange)(control, change, signal);
        await revertChange(control, change, signal);
        expect(cluster.snapshot()).toBe(before);
        expect(await readChange(control, change, signal)).toMatchObject({ isRestored: true, foreign: [] });
      },
    ),
  );
});

test('changes of others to other fields, in between and at the same time, stay and stand in nobody’s way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 15 }), async (conflicts) => {
      const { cluster, control, change } = aNode();
      let left = conflicts;
      cluster.beforePatch = () => {
        if (left-- > 0)
          cluster.edit('nodes', [null, 'n1'], ({ metadata }) => (metadata.labels = { ...metadata.labels, theirs: String(left) }));
      };
      await applyChange(control, change, signal);
      expect(await readChange(control, change, signal)).toEqual({ isInForce: true, isRestored: false, foreign: [] });
      left = conflicts;
      await revertChange(control, change, signal);
      expect(cluster.get('nodes', 'n1')?.metadata.labels).toEqual(conflicts > 0 ? { theirs: '0' } : undefined);
    }),
    { numRuns: 20 },
  );
});

test('a value that somebody else set meanwhile is reported and stays; only our mark goes', async () => {
  const { cluster, control, change } = aNode();
  await applyChange(control, change, signal);
  cluster.edit('nodes', [null, 'n1'], ({ metadata }) => (metadata.labels = { [LABEL]: 'theirs' }));
  const told = [`metadata.labels.${LABEL} of nodes n1 was absent and now is "theirs"`];
  expect(await readChange(control, change, signal)).toEqual({ isInForce: false, isRestored: false, foreign: told });
  await revertChange(control, change, signal);
  expect(await readChange(control, change, signal)).toEqual({ isInForce: false, isRestored: true, foreign: told });
  expect(cluster.get('nodes', 'n1')?.metadata).toMatchObject({ labels: { [LABEL]: 'theirs' } });
  expect(cluster.get('nodes', 'n1')?.metadata.annotations).toBeUndefined();
});

test('a value like ours without our mark is somebody else’s: the operator who set it after our revert keeps it', async () => {
  const { cluster, control, change } = aNode();
  await applyChange(control, change, signal);
  await revertChange(control, change, signal);
  cluster.edit('nodes', [null, 'n1'], ({ metadata }) => (metadata.labels = { [LABEL]: '' }));
  await revertChange(control, change, signal);
  expect(cluster.get('nodes', 'n1')?.metadata.labels).toEqual({ [LABEL]: '' });
  expect(await readChange(control, change, signal)).toMatchObject({ isRestored: true, foreign: [expect.stringContaining('now is ""')] });
});

test('what somebody changed between our reading and our change is not overwritten', async () => {
  const { cluster, control, change } = aNode();
  cluster.edit('nodes', [null, 'n1'], ({ metadata }) => (metadata.labels = { [LABEL]: 'theirs' }));
  await expect(applyChange(control, change, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(cluster.get('nodes', 'n1')?.metadata.labels).toEqual({ [LABEL]: 'theirs' });
});

test('another object of the same name is never touched: the one that was meant is gone', async () => {
  const { cluster, control, change } = aNode();
  await applyChange(control, change, signal);
  cluster.replace('nodes', [null, 'n1']);
  const before = cluster.snapshot();
  await expect(revertChange(control, change, signal)).rejects.toMatchObject({ code: 'TARGET_GONE' });
  await expect(applyChange(control, change, signal)).rejects.toMatchObject({ code: 'TARGET_GONE' });
  expect(cluster.snapshot()).toBe(before);
  cluster.delete('nodes', [null, 'n1']);
  await expect(readChange(control, change, signal)).rejects.toMatchObject({ code: 'TARGET_GONE' });
});
