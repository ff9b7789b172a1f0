// Several lists that are followed as one picture: it is whole when all of them are seen, and blind as soon as one is not.
import type { KubeClient, KubeObject, Resource, Selection } from './kube-client.ts';

/** What is followed, by a name of one's own; `selections` do not overlap. */
export type Lists<Name extends string> = Record<Name, { resource: Resource; selections: readonly Selection[] }>;
/** The objects of each list; null where the server knows no such kind. */
export type Picture<Name extends string> = Record<Name, readonly KubeObject[] | null>;

export type PictureFollowing<Name extends string> = {
  /** All lists are seen: at first, and again after blindness. */
  onWhole(picture: Picture<Name>): void;
  onChange(picture: Picture<Name>): void;
  /** Once until the next `onWhole`; what changes meanwhile is not told. */
  onBlind(reason: string): void;
};

/** Follows until disposed. @returns after the first `onWhole` or `onBlind` */
export async function followLists<Name extends string>(
  client: KubeClient,
  lists: Lists<Name>,
  following: PictureFollowing<Name>,
): Promise<AsyncDisposable> {
  const names = Object.keys(lists) as Name[];
  const parts = names.flatMap((name) => lists[name].selections.map((selection): Part => ({ name, selection, objects: null })));
  const unseen = new Set(parts);
  let isWhole = false;
  let isBlind = false;
  const picture = () =>
    Object.fromEntries(
      names.map((name) => {
        const own = parts.filter((part) => part.name === name).map(({ objects }) => objects);
        return [name, own.includes(null) ? null : own.flatMap((objects) => [...(objects?.values() ?? [])])];
      }),
    ) as Picture<Name>;
  const tell = () => {
    if (unseen.size > 0) return;
    if (isWhole) following.onChange(picture());
    else following.onWhole(picture());
    isWhole = true;
    isBlind = false;
  };
  const followOne = (part: Part) =>
    client.follow(lists[part.name as Name].resource, part.selection, {
      onSync(items, isKindKnown) {
        part.objects = isKindKnown ? new Map(items.map((item) => [keyOf(item), item])) : null;
        unseen.delete(part);
        tell();
      },
      onChange({ type, object }) {
        if (type === 'DELETED') part.objects?.delete(keyOf(object));
        else part.objects?.set(keyOf(object), object);
        tell();
      },
      onBlind(reason) {
        unseen.add(part);
        isWhole = false;
        if (!isBlind) following.onBlind(reason);
        isBlind = true;
      },
    });
  await using opened = new AsyncDisposableStack();
  const follows = await Promise.allSettled(parts.map(followOne));
  for (const follow of follows) if (follow.status === 'fulfilled') opened.use(follow.value);
  for (const follow of follows) if (follow.status === 'rejected') throw follow.reason;
  return opened.move();
}

/** Null: the server knows no such kind. */
type Part = { name: string; selection: Selection; objects: Map<string, KubeObject> | null };

function keyOf({ metadata }: KubeObject): string {
  return metadata.uid ?? `${metadata.namespace ?? ''}/${metadata.name}`;
}
