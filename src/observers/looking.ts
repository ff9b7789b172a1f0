// Looking again and again at something that may be out of sight for a while.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { observerOf, type RouterContext } from './observer.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Sight that lasts this long ends the growth of pauses: shorter, and a source that dies at every start would be told tenfold a second. */
const TRUSTED_AFTER_MS = 10_000;

export type Gaze = {
  /** One look; throws when it could not see. `isFirst`: nothing was seen yet, or the look before was blind: tell everything. */
  look(isFirst: boolean, signal: AbortSignal): Promise<void>;
  /** Ends when it is time for the next look. */
  pause(signal: AbortSignal): Promise<void>;
};

/**
 * Looks until it is disposed. A look that fails is told as `observer.blind`, once until the next good one, and repeated after pauses
 * that grow from 0.1 to 5 s.
 * @returns after the first look, good or blind; disposing waits for the look under way
 */
export async function keepLooking(observer: string, context: RouterContext, gaze: Gaze): Promise<AsyncDisposable> {
  const closing = new AbortController();
  const { signal } = closing;
  let isBlind = false;
  let isFirst = true;
  let pauseMs = FIRST_PAUSE_MS;
  let sightSinceT = context.t();

  const lookOnce = async () => {
    try {
      await gaze.look(isFirst, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isBlind) {
        context.emit({ type: 'observer.blind', t: context.t(), from: observerOf(context.router), observer, reason: messageOf(error) });
      }
      isBlind = isFirst = true;
      return;
    }
    if (isFirst) sightSinceT = context.t();
    else if (context.t() > sightSinceT + TRUSTED_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
    isBlind = isFirst = false;
  };
  const rest = async () => {
    if (!isBlind) {
      await gaze.pause(signal);
      return;
    }
    await sleep(pauseMs, undefined, { signal });
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  };
  const keepOn = async () => {
    try {
      for (;;) {
        await rest();
        await lookOnce();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };

  await lookOnce();
  const ended = keepOn();
  return {
    [Symbol.asyncDispose]() {
      closing.abort();
      return ended;
    },
  };
}
