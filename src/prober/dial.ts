// One dial: from a 5-tuple to a conversation whose other end has said who it is, or to the reason why not.
import type { DialFailure } from '../core/journal.ts';
import type { Answer } from '../core/wire.ts';
import { afterPoll } from './after-poll.ts';
import type { Conversation, Protocol, Target, Tools, Trouble } from './protocols/protocol.ts';

export type DialOutcome =
  | { kind: 'opened'; conversation: Conversation; answer: Answer; rttMs: number }
  | { kind: 'failed'; failure: DialFailure; evidence: string }
  /** The prober's own failure: the port is in use, its address is gone, there are no file descriptors. */
  | { kind: 'own'; evidence: string }
  | { kind: 'cancelled' };

export type DialLimits = {
  timeoutMs: number;
  signal: AbortSignal;
  /** For how long the prober itself stood still since `fromMs` (its own clock): not held against the path. */
  stoodStillMs: (fromMs: number) => number;
};

/** Dials once. Whoever gets an opened conversation must set its listener at once and reset it in the end. */
export function dial(protocol: Protocol, target: Target, tools: Tools, limits: DialLimits): Promise<DialOutcome> {
  const { promise, resolve } = Promise.withResolvers<DialOutcome>();
  const startedMs = tools.now();
  let isSettled = false;
  if (limits.signal.aborted) return Promise.resolve({ kind: 'cancelled' });
  const conversation = protocol.dial(target, tools, {
    onAnswer: (answer, rttMs) => {
      settle({ kind: 'opened', conversation, answer, rttMs });
    },
    onEcho: () => undefined,
    onUnsent: () => undefined,
    onTrouble: (trouble) => {
      conversation.reset();
      settle(outcomeOf(trouble));
    },
  });
  let timer = setTimeout(judge, limits.timeoutMs);
  limits.signal.addEventListener('abort', cancel, { once: true });
  return promise;

  function judge(): void {
    afterPoll(() => {
      if (isSettled) return;
      const leftMs = startedMs + limits.timeoutMs + limits.stoodStillMs(startedMs) - tools.now();
      if (leftMs > 1) {
        timer = setTimeout(judge, leftMs);
        return;
      }
      conversation.reset();
      settle({ kind: 'failed', failure: 'timeout', evidence: `no answer in ${String(limits.timeoutMs)} ms` });
    });
  }

  function cancel(): void {
    conversation.reset();
    settle({ kind: 'cancelled' });
  }

  function settle(outcome: DialOutcome): void {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(timer);
    limits.signal.removeEventListener('abort', cancel);
    resolve(outcome);
  }
}

/** Whether another port might serve. The kernel has one code for a 5-tuple in use and for a source address that it does not have. */
export function isOfPort({ evidence }: { evidence: string }): boolean {
  return evidence === 'EADDRINUSE' || evidence === 'EADDRNOTAVAIL';
}

function outcomeOf(trouble: Trouble): DialOutcome {
  switch (trouble.kind) {
    case 'own':
      return { kind: 'own', evidence: trouble.evidence };
    // A reset or close instead of an answer: somebody is there, and does not want us.
    case 'refused':
    case 'reset':
    case 'closed':
      return { kind: 'failed', failure: 'refused', evidence: trouble.evidence };
    case 'timeout':
      return { kind: 'failed', failure: 'timeout', evidence: trouble.evidence };
    case 'unreachable':
      return { kind: 'failed', failure: 'unreachable', evidence: trouble.evidence };
  }
}
