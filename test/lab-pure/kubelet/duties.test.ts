// What a kubelet does about pods that are wanted, deleted, gone, or its own.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Duty, dutiesOf, type KnownPod } from '../../../src/lab/kubelet/duties.ts';
import type { PodView } from '../../../src/lab/kubelet/pod.ts';

const bound = (changes: Partial<PodView> = {}): PodView => ({
  uid: 'u',
  namespace: 'default',
  name: 'web-1',
  isOver: false,
  deletion: null,
  ready: null,
  ...changes,
});
const known = (changes: Partial<KnownPod> = {}): KnownPod => ({
  uid: 'u',
  state: 'running',
  graceSeconds: null,
  isReady: true,
  ...changes,
});
const deletion = { graceSeconds: 5 };

test.each<[string, PodView[], KnownPod[], Duty[]]>([
  ['a new pod is started', [bound()], [], [{ kind: 'start', uid: 'u' }]],
  ['one that runs is left alone', [bound({ ready: 'True' })], [known()], []],
  ['one that nobody has told of yet is left alone', [bound()], [known()], []],
  ['one that has ended for good is never started', [bound({ isOver: true })], [], []],
  ['a deleted one is ended within its grace', [bound({ deletion })], [known()], [{ kind: 'end', uid: 'u', graceSeconds: 5 }]],
  ['one that is ending is not told again', [bound({ deletion })], [known({ state: 'ending', graceSeconds: 5 })], []],
  [
    'a shorter grace hurries it',
    [bound({ deletion })],
    [known({ state: 'ending', graceSeconds: 30 })],
    [{ kind: 'end', uid: 'u', graceSeconds: 5 }],
  ],
  ['a longer one does not', [bound({ deletion })], [known({ state: 'ending', graceSeconds: 1 })], []],
  ['deleted and ended, its object goes', [bound({ deletion })], [known({ state: 'over' })], [{ kind: 'remove-object', uid: 'u' }]],
  ['deleted before it was ever seen, its object goes', [bound({ deletion })], [], [{ kind: 'remove-object', uid: 'u' }]],
  ['one without an object is ended within a second', [], [known()], [{ kind: 'end', uid: 'u', graceSeconds: 1 }]],
  [
    'one without an object that is ending is hurried',
    [],
    [known({ state: 'ending', graceSeconds: 30 })],
    [{ kind: 'end', uid: 'u', graceSeconds: 1 }],
  ],
  ['one without an object or a process is forgotten', [], [known({ state: 'over' })], [{ kind: 'forget', uid: 'u' }]],
  ['a foreign word on its readiness is corrected', [bound({ ready: 'False' })], [known()], [{ kind: 'correct', uid: 'u' }]],
  ['also one that is too good', [bound({ ready: 'True' })], [known({ isReady: false })], [{ kind: 'correct', uid: 'u' }]],
  ['a pod that somebody else called final is ended', [bound({ isOver: true })], [known()], [{ kind: 'end', uid: 'u', graceSeconds: 30 }]],
  [
    'another pod of the same name is another',
    [bound({ uid: 'v' })],
    [known({ state: 'over' })],
    [
      { kind: 'start', uid: 'v' },
      { kind: 'forget', uid: 'u' },
    ],
  ],
])('%s', (_, wanted, have, duties) => {
  expect(dutiesOf(wanted, have)).toEqual(duties);
});

const uid = fc.constantFrom('a', 'b', 'c');
const views = fc.uniqueArray(
  fc.record({
    uid,
    namespace: fc.constant('default'),
    name: uid,
    isOver: fc.boolean(),
    deletion: fc.option(fc.record({ graceSeconds: fc.nat(60) })),
    ready: fc.constantFrom(null, 'True', 'False', 'Unknown'),
  }),
  { selector: (view) => view.uid },
);
const knownPods = fc.uniqueArray(
  fc.record({
    uid,
    state: fc.constantFrom('running', 'ending', 'over'),
    graceSeconds: fc.option(fc.nat(60)),
    isReady: fc.boolean(),
  }),
  { selector: (pod) => pod.uid },
);

test('no pod is ever started that this kubelet knows, nor one that is deleted or over', () => {
  fc.assert(
    fc.property(views, knownPods, (wanted, have) => {
      for (const duty of dutiesOf(wanted, have)) {
        if (duty.kind !== 'start') continue;
        expect(have.map((pod) => pod.uid)).not.toContain(duty.uid);
        expect(wanted.find((view) => view.uid === duty.uid)).toMatchObject({ deletion: null, isOver: false });
      }
    }),
  );
});

test('carried out, what is to be done settles: nothing is asked again without news', () => {
  fc.assert(
    fc.property(views, knownPods, (wanted, have) => {
      const after = new Map<string, KnownPod>(have.map((pod) => [pod.uid, pod]));
      let objects = wanted;
      for (let round = 0; round < 6; round += 1) {
        for (const duty of dutiesOf(objects, [...after.values()])) {
          const pod = after.get(duty.uid);
          if (duty.kind === 'start') after.set(duty.uid, { uid: duty.uid, state: 'running', graceSeconds: null, isReady: false });
          if (duty.kind === 'end' && pod) after.set(duty.uid, { ...pod, state: 'over', graceSeconds: duty.graceSeconds });
          if (duty.kind === 'forget') after.delete(duty.uid);
          if (duty.kind === 'remove-object') objects = objects.filter((view) => view.uid !== duty.uid);
          if (duty.kind === 'correct' && pod) {
            objects = objects.map((view) => (view.uid === duty.uid ? { ...view, ready: pod.isReady ? 'True' : 'False' } : view));
          }
        }
        // Told to end, it ends.
        for (const pod of after.values()) if (pod.state === 'ending') after.set(pod.uid, { ...pod, state: 'over' });
      }
      expect(dutiesOf(objects, [...after.values()])).toEqual([]);
    }),
  );
});
