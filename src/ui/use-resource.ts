// What a view shows of the API: fetched when the view opens, and again when the service says that it changed.
import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../core/api.ts';
import { ask, type Answer } from './ask.ts';
import { useSession } from './session.ts';

/** `problem` beside a value: the value is older, since asking anew failed. */
export type Resource<Value> = { value: Value | null; problem: Problem | null; isLoading: boolean };

/** Also without word of a change: the stream of changes may be held up by a proxy. */
const AGAIN_MS = 15_000;

/** @param path below /api/v1; null asks for nothing */
export function useResource<Value>(path: string | null, topics: readonly string[]): Resource<Value> {
  return useAsked<Value>(path, topics, (signal) => ask<Value>(path ?? '', { signal }));
}

type Pages<Item> = { items: Item[]; next: string | null };
export type Listed<Item> = Resource<Item[]> & { more: (() => void) | null };

/** A list, newest first; `more` shows what is older. */
export function useList<Item>(path: string | null, topics: readonly string[]): Listed<Item> {
  const [pages, setPages] = useState({ path, count: 1 });
  const count = pages.path === path ? pages.count : 1;
  const listed = useAsked<Pages<Item>>(path === null ? null : `${path}#${String(count)}`, topics, (signal) =>
    askPages<Item>(path ?? '', count, signal),
  );
  const hasMore = typeof listed.value?.next === 'string';
  return {
    ...listed,
    value: listed.value?.items ?? null,
    more: hasMore
      ? () => {
          setPages({ path, count: count + 1 });
        }
      : null,
  };
}

async function askPages<Item>(path: string, count: number, signal: AbortSignal): Promise<Answer<Pages<Item>>> {
  const items: Item[] = [];
  for (let page = 0, cursor: string | null = null; ; page++) {
    const separator = path.includes('?') ? '&' : '?';
    const from: string = cursor === null ? path : `${path}${separator}cursor=${encodeURIComponent(cursor)}`;
    const answer: Answer<Pages<Item>> = await ask<Pages<Item>>(from, { signal });
    if (!answer.isOk) return answer;
    items.push(...answer.value.items);
    cursor = answer.value.next;
    if (cursor === null || page + 1 >= count) return { ...answer, value: { items, next: cursor } };
  }
}

/** @param key what is asked for: when it changes, the old value is forgotten */
function useAsked<Value>(
  key: string | null,
  topics: readonly string[],
  question: (signal: AbortSignal) => Promise<Answer<Value>>,
): Resource<Value> {
  const { live } = useSession();
  const [held, setHeld] = useState<Resource<Value> & { key: string | null }>({ key, value: null, problem: null, isLoading: true });
  useEffect(() => {
    if (key === null) return;
    const ended = new AbortController();
    const look = () => {
      void question(ended.signal).then(
        (answer) => {
          if (ended.signal.aborted) return;
          setHeld((before) => {
            if (answer.isOk) return { key, value: answer.value, problem: null, isLoading: false };
            return { key, value: isSameList(before.key, key) ? before.value : null, problem: answer.problem, isLoading: false };
          });
        },
        () => undefined, // aborted: nobody waits for it
      );
    };
    look();
    const forget = live.onChange((topic) => {
      if (topic === '*' || topics.includes(topic)) look();
    });
    const again = setInterval(look, AGAIN_MS);
    return () => {
      forget();
      clearInterval(again);
      ended.abort();
    };
  }, [key, live]);
  if (!isSameList(held.key, key)) return { value: null, problem: null, isLoading: key !== null };
  return held;
}

/** A longer stretch of the same list replaces the shorter one without a blank between. */
function isSameList(a: string | null, b: string | null): boolean {
  return a?.split('#')[0] === b?.split('#')[0];
}
