// A list that is followed: what is there, and each change once, through cut connections, forgotten histories and an API server that is away.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import type { Following, KubeObject } from './kube-client.ts';
import { jsonOf } from './refusals.ts';

/** What following needs of a server. */
export type Followed = {
  /** All that is there now, and the version of it; null when the server knows no such kind. */
  list(signal: AbortSignal): Promise<{ items: KubeObject[]; resourceVersion: string } | null>;
  /** The lines of a watch of every change after `resourceVersion`, until the server ends it; `forgotten`: it no longer knows them all. */
  watch(resourceVersion: string, hearing: Hearing, signal: AbortSignal): Promise<'over' | 'forgotten'>;
  /** Aborts when the server is found not to answer. */
  sight(): AbortSignal;
};
/** `onOpen`: the server has taken the request. */
export type Hearing = { onOpen(): void; onLine(line: string): void };
export type Pauses = { firstMs: number; longestMs: number };

/** A kind that the server does not know may be installed later: it is asked for this often. */
const UNKNOWN_KIND_MS = 10_000;
/** A watch that ends sooner than this is no success: the next one waits. */
const SHORT_WATCH_MS = 1_000;

const object = z.custom<KubeObject>(
  (value) => z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }).safeParse(value).success,
);
const watchEvent = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']), object }),
  z.object({ type: z.literal('ERROR'), object: z.unknown() }),
]);

/**
 * Follows until disposed. A connection that is cut is resumed where it was, unseen; only when that fails is it told as blindness.
 * @returns after the first `onSync` or `onBlind`
 */
export async function follow(followed: Followed, following: Following, pauses: Pauses): Promise<AsyncDisposable> {
  const closing = new AbortController();
  const first = Promise.withResolvers<undefined>();
  const follower = new Follower(followed, following, pauses, () => {
    first.resolve(undefined);
  });
  const ended = follower.run(closing.signal).catch((error: unknown) => {
    if (closing.signal.aborted) return;
    first.resolve(undefined);
    throw error;
  });
  await first.promise;
  return {
    [Symbol.asyncDispose]() {
      closing.abort();
      return ended;
    },
  };
}

class Follower {
  readonly #followed: Followed;
  readonly #following: Following;
  readonly #pauses: Pauses;
  readonly #onTold: () => void;
  /** Versions by uid of the objects that were told. */
  readonly #known = new Map<string, string>();
  /** Up to where changes were told; null: everything must be told anew. */
  #version: string | null = null;
  #isBlind = false;
  #pauseMs: number;
  /** Watches that the server took. */
  #openCount = 0;
  #isKindKnown = true;
  /** What one of the callbacks threw: a mistake of ours, and none of the server's. */
  #mistake: { error: unknown } | null = null;

  constructor(followed: Followed, following: Following, pauses: Pauses, onTold: () => void) {
    this.#followed = followed;
    this.#following = following;
    this.#pauses = pauses;
    this.#onTold = onTold;
    this.#pauseMs = pauses.firstMs;
  }

  /** @throws the reason of `signal`, and nothing for what a server does */
  async run(signal: AbortSignal): Promise<never> {
    let hasFailed = false;
    for (;;) {
      // While blind it is this try that finds out whether the server is back.
      const sight = this.#isBlind ? null : this.#followed.sight();
      const isWatch = this.#version !== null;
      const openBefore = this.#openCount;
      try {
        const attempt = sight === null ? signal : AbortSignal.any([signal, sight]);
        if (this.#version === null) await this.#listAnew(attempt);
        else await this.#watch(this.#version, attempt);
        hasFailed = false;
        if (!this.#isKindKnown) await sleep(UNKNOWN_KIND_MS, undefined, { signal });
      } catch (error) {
        signal.throwIfAborted();
        if (this.#mistake !== null) throw this.#mistake.error;
        // A server that took the request is there, and forgets nothing when its connection is cut.
        if (isWatch && sight?.aborted === false && (this.#openCount > openBefore || !hasFailed)) {
          hasFailed = this.#openCount === openBefore;
          continue;
        }
        this.#tellBlind(sight?.aborted === true ? sight.reason : error);
        await this.#pause(signal);
      }
    }
  }

  async #listAnew(signal: AbortSignal): Promise<void> {
    const page = await this.#followed.list(signal);
    const isNews = page !== null || this.#isKindKnown || this.#isBlind;
    this.#isKindKnown = page !== null;
    this.#isBlind = false;
    this.#version = page?.resourceVersion ?? null;
    this.#known.clear();
    for (const item of page?.items ?? []) this.#known.set(keyOf(item), versionOf(item));
    if (!isNews) return;
    this.#tell(() => {
      this.#following.onSync(page?.items ?? [], page !== null);
    });
    this.#onTold();
  }

  async #watch(version: string, signal: AbortSignal): Promise<void> {
    const startMs = performance.now();
    const openBefore = this.#openCount;
    const hearing: Hearing = {
      onOpen: () => {
        this.#openCount += 1;
      },
      onLine: (line) => {
        this.#hear(line);
      },
    };
    try {
      if ((await this.#followed.watch(version, hearing, signal)) === 'forgotten') this.#version = null;
    } finally {
      if (performance.now() - startMs > SHORT_WATCH_MS) this.#pauseMs = this.#pauses.firstMs;
      else if (this.#openCount > openBefore && !signal.aborted) await this.#pause(signal);
    }
  }

  #hear(line: string): void {
    if (this.#version === null) return; // what follows an error is not told: the next list has it
    const event = watchEvent.safeParse(jsonOf(line)).data;
    if (event === undefined || event.type === 'ERROR') {
      // Mostly a Status of code 410: the changes since then are forgotten.
      this.#version = null;
      return;
    }
    const { type, object } = event;
    this.#version = versionOf(object);
    if (type === 'BOOKMARK') return;
    const key = keyOf(object);
    const before = this.#known.get(key);
    if (type === 'DELETED') {
      if (this.#known.delete(key)) this.#change('DELETED', object);
    } else if (before !== versionOf(object)) {
      this.#known.set(key, versionOf(object));
      this.#change(before === undefined ? 'ADDED' : 'MODIFIED', object);
    }
  }

  #change(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void {
    this.#tell(() => {
      this.#following.onChange({ type, object });
    });
  }

  #tellBlind(error: unknown): void {
    this.#version = null;
    if (this.#isBlind) return;
    this.#isBlind = true;
    this.#tell(() => {
      this.#following.onBlind(messageOf(error));
    });
    this.#onTold();
  }

  #tell(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#mistake = { error };
      throw error;
    }
  }

  /** Grows up to the longest; between half and all of it, so that many followers do not come at once to a server that starts. */
  async #pause(signal: AbortSignal): Promise<void> {
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(2 * ms, this.#pauses.longestMs);
    await sleep(ms * (0.5 + Math.random() / 2), undefined, { signal });
  }
}

function keyOf({ metadata }: KubeObject): string {
  return metadata.uid ?? `${metadata.namespace ?? ''}/${metadata.name}`;
}

function versionOf({ metadata }: KubeObject): string {
  return metadata.resourceVersion ?? '';
}
