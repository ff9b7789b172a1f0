// What a kubelet has to do, given the pods that the API server binds to its node and those it runs: pure.
import type { PodView } from './pod.ts';

/** A pod that this kubelet knows of. */
export type KnownPod = {
  uid: string;
  /** `running`, also while it is restarted; `ending`: told to end; `over`: no process of it lives, and none will. */
  state: 'running' | 'ending' | 'over';
  /** How long an ending pod was given, at most. */
  graceSeconds: number | null;
  /** What this kubelet last said of it. */
  isReady: boolean;
};

export type Duty =
  | { kind: 'start'; uid: string }
  /** To end it, or to hurry one that is ending. */
  | { kind: 'end'; uid: string; graceSeconds: number }
  /** To take the object away, which was deleted and of which no process lives. */
  | { kind: 'remove-object'; uid: string }
  /** To forget a pod, and what the machine still has of it, that the API server no longer knows. */
  | { kind: 'forget'; uid: string }
  /** Somebody else wrote a status that is not so. */
  | { kind: 'correct'; uid: string };

/** A pod that was removed by force gets this long (kubelet: never less than a second). */
const NO_OBJECT_GRACE_SECONDS = 1;
/** A pod whose status somebody else made final; as the API's default for a deletion. */
const DEFAULT_GRACE_SECONDS = 30;

/** All that is to be done now. Doing it twice does no harm; `bound` must be everything, not a part. */
export function dutiesOf(bound: readonly PodView[], known: readonly KnownPod[]): Duty[] {
  const wanted = new Map(bound.map((pod) => [pod.uid, pod]));
  const have = new Map(known.map((pod) => [pod.uid, pod]));
  return [
    ...bound.flatMap((pod) => dutyTowards(pod, have.get(pod.uid))),
    ...known.filter(({ uid }) => !wanted.has(uid)).flatMap(withoutObject),
  ];
}

function dutyTowards({ uid, deletion, isOver, ready }: PodView, known: KnownPod | undefined): Duty[] {
  if (deletion !== null) {
    if (known === undefined || known.state === 'over') return [{ kind: 'remove-object', uid }];
    const { graceSeconds } = deletion;
    const isNews = known.state === 'running' || graceSeconds < (known.graceSeconds ?? Infinity);
    return isNews ? [{ kind: 'end', uid, graceSeconds }] : [];
  }
  if (known === undefined) return isOver ? [] : [{ kind: 'start', uid }];
  if (isOver && known.state === 'running') return [{ kind: 'end', uid, graceSeconds: DEFAULT_GRACE_SECONDS }];
  const isWrong = known.state === 'running' && ready !== null && ready !== (known.isReady ? 'True' : 'False');
  return isWrong ? [{ kind: 'correct', uid }] : [];
}

function withoutObject({ uid, state, graceSeconds }: KnownPod): Duty[] {
  if (state === 'over') return [{ kind: 'forget', uid }];
  const isNews = state === 'running' || NO_OBJECT_GRACE_SECONDS < (graceSeconds ?? Infinity);
  return isNews ? [{ kind: 'end', uid, graceSeconds: NO_OBJECT_GRACE_SECONDS }] : [];
}
