// One field of a Kubernetes object, changed under a mark of ours and put back: what to patch, and what the object says of it.
//
// Mark and field change in one patch, both ways. So the mark tells whose the field is: with our mark it is ours to restore, without
// it somebody else's to keep, whatever it holds. The object is pinned by its UID: another one of the same name is never touched.
import { type ClusterControl, type ClusterObject, type ClusterRef, nameOf, type PatchOperation } from './cluster-control.ts';
import type { Reading } from './capabilities.ts';
import { AppError } from './errors.ts';

/** A value of a field; null: the field is absent. */
export type FieldValue = { is: unknown } | null;

export type MarkedChange = {
  ref: ClusterRef;
  uid: string;
  /** Key of our annotation, and its value: run and fault. */
  annotation: string;
  mark: string;
  path: readonly string[];
  before: FieldValue;
  /** Equal to `before`: there is nothing to change, and nothing to put back. */
  ours: FieldValue;
  /**
   * What the server itself puts beside the field as soon as there is something that it stands in. Stated where there was nothing before:
   * that goes with the field then, unless somebody wrote more into it.
   */
  defaultsBeside?: Record<string, unknown>;
  /** Fields that the server changes along with it and that are to be as before as well. */
  along?: { path: readonly string[]; before: FieldValue }[];
};

/** How often a patch is tried that somebody else's change came in between of. */
const TRIES = 20;

/**
 * The object as it is, for a change of `path` to begin with.
 * @throws AppError TARGET_GONE; KEEPER_REFUSED when it bears the mark of another fault, which is in force or was left
 */
export async function readForChange(
  cluster: ClusterControl,
  { ref, annotation }: Pick<MarkedChange, 'ref' | 'annotation'>,
  signal: AbortSignal,
): Promise<ClusterObject & { metadata: { uid: string } }> {
  const object = await cluster.get(ref, signal);
  const uid = object?.metadata.uid;
  if (object === null || uid === undefined) throw gone(ref, 'does not exist');
  const mark = object.metadata.annotations?.[annotation];
  if (mark === undefined) return { ...object, metadata: { ...object.metadata, uid } };
  throw new AppError(
    'KEEPER_REFUSED',
    `${sayRef(ref)} bears the mark ${annotation}: ${mark}, so a fault of that run is in force or was left`,
    {
      remedy: 'let the keeper of that run revert it; if there is none any more, put the object right and remove the annotation',
    },
  );
}

/** Sets the field and our mark, unless that is done. @throws AppError TARGET_GONE; CONFLICT when the field is not as it was before */
export async function applyChange(cluster: ClusterControl, change: MarkedChange, signal: AbortSignal): Promise<void> {
  await patchUntilTaken(cluster, change, (object) => operationsToApply(object, change), signal);
}

/** Puts the field back and removes our mark; without our mark nothing is done. @throws AppError TARGET_GONE */
export async function revertChange(cluster: ClusterControl, change: MarkedChange, signal: AbortSignal): Promise<void> {
  const revert = async (whole: MarkedChange) => {
    await patchUntilTaken(cluster, whole, (object) => operationsToRevert(object, whole), signal);
  };
  try {
    await revert(change);
  } catch (error) {
    // What changed along may be somebody else's by now (a port taken): the fault itself must end all the same, and the reading tells.
    if (!(error instanceof AppError) || error.code !== 'CLUSTER_REFUSED' || !change.along?.length) throw error;
    await revert({ ...change, along: [] });
  }
}

/** Removes our mark and leaves the field as it is, for a change that nobody can take back. @throws AppError TARGET_GONE */
export async function releaseChange(cluster: ClusterControl, change: MarkedChange, signal: AbortSignal): Promise<void> {
  await patchUntilTaken(cluster, change, (object) => (isMarked(object, change) ? operationsToUnmark(object, change) : []), signal);
}

/** What the object says of the change. @throws AppError TARGET_GONE */
export async function readChange(cluster: ClusterControl, change: MarkedChange, signal: AbortSignal): Promise<Reading> {
  return readingOf(await theSame(cluster, change, signal), change);
}

/** Pure. */
export function readingOf(object: ClusterObject, change: MarkedChange): Reading {
  const now = valueAt(object, change.path);
  const isOurs = sameJson(now, change.ours);
  const told = [{ path: change.path, before: change.before }, ...(change.along ?? [])]
    .filter(({ path, before }) => !sameJson(valueAt(object, path), before))
    .map(({ path, before }) => `${path.join('.')} of ${sayRef(change.ref)} was ${say(before)} and now is ${say(valueAt(object, path))}`);
  if (isIdle(change)) return { isInForce: isOurs, isRestored: true, foreign: told };
  if (!isMarked(object, change)) return { isInForce: false, isRestored: true, foreign: told };
  return { isInForce: isOurs, isRestored: false, foreign: isOurs || sameJson(now, change.before) ? [] : told };
}

/** Pure. @throws AppError CONFLICT when somebody changed the field since its pre-state was read */
export function operationsToApply(object: ClusterObject, change: MarkedChange): PatchOperation[] {
  if (isIdle(change) || isMarked(object, change)) return [];
  if (!sameJson(valueAt(object, change.path), change.before)) {
    throw new AppError('CONFLICT', `somebody changed ${change.path.join('.')} of ${sayRef(change.ref)} just now: it is left alone`);
  }
  return [
    ...operationsToSet(object, ['metadata', 'annotations', change.annotation], { is: change.mark }),
    ...operationsToSet(object, change.path, change.ours),
  ];
}

/** Pure. */
export function operationsToRevert(object: ClusterObject, change: MarkedChange): PatchOperation[] {
  if (isIdle(change) || !isMarked(object, change)) return [];
  const unmark = operationsToUnmark(object, change);
  // Somebody else set the field meanwhile: it is theirs.
  if (!sameJson(valueAt(object, change.path), change.ours)) return unmark;
  return [
    ...unmark,
    ...operationsToSet(object, change.path, change.before, change.defaultsBeside ?? null),
    ...(change.along ?? []).flatMap(({ path, before }) => operationsToSet(object, path, before)),
  ];
}

function operationsToUnmark(object: ClusterObject, { annotation }: MarkedChange): PatchOperation[] {
  return operationsToSet(object, ['metadata', 'annotations', annotation], null);
}

/** The value of a field of an object; null when it, or what it stands in, is absent. */
export function valueAt(object: unknown, path: readonly string[]): FieldValue {
  let at: unknown = object;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return null;
    at = (at as Record<string, unknown>)[key];
  }
  return at === undefined ? null : { is: at };
}

/** Equal as JSON; the order of keys does not matter. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

async function patchUntilTaken(
  cluster: ClusterControl,
  change: MarkedChange,
  operations: (object: ClusterObject) => PatchOperation[],
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const object = await theSame(cluster, change, signal);
    const todo = operations(object);
    if (todo.length === 0) return;
    const expected = { uid: change.uid, resourceVersion: object.metadata.resourceVersion ?? '' };
    try {
      await cluster.patch(change.ref, todo, expected, signal);
      return;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'CONFLICT' || tries >= TRIES) throw error;
      signal.throwIfAborted();
    }
  }
}

async function theSame(cluster: ClusterControl, { ref, uid }: MarkedChange, signal: AbortSignal): Promise<ClusterObject> {
  const object = await cluster.get(ref, signal);
  if (object === null) throw gone(ref, 'does not exist any more');
  if (object.metadata.uid !== uid) throw gone(ref, 'is another one of the same name by now: it is not touched');
  return object;
}

/** RFC 6902 has no "make the way there": a map that is missing is added, and one that we leave empty goes, as the server stores neither. */
function operationsToSet(
  object: ClusterObject,
  path: readonly string[],
  value: FieldValue,
  defaultsBeside: MarkedChange['defaultsBeside'] | null = null,
): PatchOperation[] {
  const now = valueAt(object, path);
  if (sameJson(now, value)) return [];
  const parent = path.slice(0, -1);
  const siblings = valueAt(object, parent)?.is;
  if (value === null) {
    const others = Object.entries(siblings ?? {}).filter(([key]) => key !== path.at(-1));
    const areDefaults = others.every(([key, is]) => sameJson(is, defaultsBeside?.[key]));
    const isLast = areDefaults && (parent.length > 1 || defaultsBeside !== null);
    return [{ op: 'remove', path: pointer(isLast ? parent : path) }];
  }
  const makeWay: PatchOperation[] = siblings === undefined ? [{ op: 'add', path: pointer(parent), value: {} }] : [];
  return [...makeWay, { op: 'add', path: pointer(path), value: value.is }];
}

/** RFC 6901. */
function pointer(path: readonly string[]): string {
  return path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function isIdle({ before, ours }: MarkedChange): boolean {
  return sameJson(before, ours);
}

function isMarked(object: ClusterObject, { annotation, mark }: MarkedChange): boolean {
  return object.metadata.annotations?.[annotation] === mark;
}

function gone(ref: ClusterRef, how: string): AppError {
  return new AppError('TARGET_GONE', `${sayRef(ref)} ${how}`);
}

function sayRef(ref: ClusterRef): string {
  return `${ref.kind} ${nameOf(ref)}`;
}

function say(value: FieldValue): string {
  return value === null ? 'absent' : JSON.stringify(value.is);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
