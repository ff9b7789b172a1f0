// The page's connection to the service: the overview, fresh every two seconds, and word of each change; says so when it is not fresh.
import type { ChangeEvent, Overview, Problem } from '../core/api.ts';
import { ask } from './ask.ts';

const POLL_MS = 2_000;
const EVENTS_RETRY_MS = 3_000;
const GATHER_MS = 250;

export type LiveState = {
  /** The newest that was answered; null before the first answer. */
  overview: Overview | null;
  /** When that was, Unix ms on the service's clock. */
  asOfMs: number | null;
  /** Null while the service answers. */
  lost: { sinceMs: number; problem: Problem } | null;
  /** The cookie is no longer good. */
  isSignedOut: boolean;
};

export type Live = Disposable & {
  state: () => LiveState;
  /** Now on the service's clock, Unix ms, as far as the last answer told. */
  nowMs: () => number;
  onState: (listener: () => void) => () => void;
  /** Called with the topic of what changed, and with `*` when anything may have. */
  onChange: (listener: (topic: string) => void) => () => void;
  /** We changed something ourselves: everything may be another. */
  changed: () => void;
};

export function openLive(): Live {
  let state: LiveState = { overview: null, asOfMs: null, lost: null, isSignedOut: false };
  /** The service's clock less ours. */
  let aheadMs = 0;
  const ended = new AbortController();
  const stateListeners = new Set<() => void>();
  const changeListeners = new Set<(topic: string) => void>();
  const nowMs = () => Date.now() + aheadMs;

  const put = (next: Partial<LiveState>) => {
    state = { ...state, ...next };
    for (const listener of stateListeners) listener();
  };
  const tell = (topic: string) => {
    for (const listener of changeListeners) listener(topic);
  };

  const look = async () => {
    const answer = await ask<Overview>('/overview', { signal: ended.signal });
    if (!answer.isOk) {
      if (answer.problem.status === 401) put({ isSignedOut: true });
      else put({ lost: { sinceMs: state.lost?.sinceMs ?? nowMs(), problem: answer.problem } });
      return;
    }
    // A header's Date is cut to the second: half of one is what it misses on the average.
    if (answer.atMs !== null) aheadMs = answer.atMs + 500 - Date.now();
    const wasLost = state.lost !== null;
    put({ overview: answer.value, asOfMs: nowMs(), lost: null });
    if (wasLost) tell('*');
  };
  const refresh = oneAtATime(look, ended.signal);

  const poll = setInterval(() => {
    if (document.visibilityState === 'visible') refresh();
  }, POLL_MS);
  const onVisible = () => {
    if (document.visibilityState !== 'visible') return;
    refresh();
    tell('*');
  };
  document.addEventListener('visibilitychange', onVisible, { signal: ended.signal });
  const changed = gathered((topics) => {
    topics.forEach(tell);
    refresh();
  });
  listen({ onTopic: changed, signal: ended.signal });
  refresh();

  return {
    state: () => state,
    nowMs,
    onState: (listener) => added(stateListeners, listener),
    onChange: (listener) => added(changeListeners, listener),
    changed: () => {
      changed('*');
    },
    [Symbol.dispose]: () => {
      clearInterval(poll);
      ended.abort();
    },
  };
}

/** Changes by Server-Sent Events; a stream that was away may have missed some, so its return counts as a change of anything. */
function listen({ onTopic, signal }: { onTopic: (topic: string) => void; signal: AbortSignal }): void {
  let wasAway = false;
  const open = () => {
    if (signal.aborted) return;
    const events = new EventSource('/api/v1/events');
    events.onopen = () => {
      if (wasAway) onTopic('*');
      wasAway = false;
    };
    const onMessage = ({ data }: MessageEvent<string>) => {
      onTopic(topicOf(data));
    };
    events.addEventListener('message', onMessage);
    events.addEventListener('change', onMessage);
    events.onerror = () => {
      wasAway = true;
      if (events.readyState !== EventSource.CLOSED) return; // it tries again by itself
      events.close();
      setTimeout(open, EVENTS_RETRY_MS);
    };
    signal.addEventListener('abort', () => {
      events.close();
    });
  };
  open();
}

function topicOf(data: string): string {
  try {
    return (JSON.parse(data) as ChangeEvent).topic;
  } catch {
    return '*'; // something changed, and we were not told what in a form we know
  }
}

/** What comes in one burst is told together: a thousand findings are no thousand requests. */
function gathered(onTopics: (topics: ReadonlySet<string>) => void): (topic: string) => void {
  let topics = new Set<string>();
  return (topic) => {
    const isFirst = topics.size === 0;
    topics.add(topic);
    if (!isFirst) return;
    setTimeout(() => {
      const told = topics;
      topics = new Set();
      onTopics(told);
    }, GATHER_MS);
  };
}

/** While one is under way, any number of calls become one more after it. */
function oneAtATime(work: () => Promise<void>, signal: AbortSignal): () => void {
  let [isBusy, isWanted] = [false, false];
  const start = () => {
    if (signal.aborted) return;
    isWanted = isBusy;
    if (isBusy) return;
    isBusy = true;
    void work()
      .catch((thrown: unknown) => {
        if (!signal.aborted) throw thrown;
      })
      .finally(() => {
        isBusy = false;
        if (isWanted) start();
      });
  };
  return start;
}

function added<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
