// One HTTP POST to a destination: guarded, bounded in time and size, no redirect followed, no proxy asked, nothing kept open.
import { lookup } from 'node:dns/promises';
import { Agent, type Dispatcher, request } from 'undici';
import { messageOf } from '../../core/errors.ts';
import { guardedConnector, type Resolve } from './guarded-connector.ts';

/** `gone`: the receiver says that it wants no more of this (410). `failed` is worth another attempt. */
export type PostOutcome =
  { kind: 'delivered' } | { kind: 'failed'; why: string; retryAfterMs: number | null } | { kind: 'gone'; why: string };

export type Post = (url: string, message: { headers: Record<string, string>; body: string }, signal: AbortSignal) => Promise<PostOutcome>;

export type PostLimits = { connectMs: number; headersMs: number; bodyMs: number; totalMs: number };

const LIMITS: PostLimits = { connectMs: 5_000, headersMs: 10_000, bodyMs: 3_000, totalMs: 20_000 };
const MAX_HEADER_BYTES = 16_384;
/** Of an answer that says no, so much is kept for people. */
const MAX_REASON_BYTES = 300;
/** Of an answer that says yes, so much is read before the connection is cut. */
const MAX_IGNORED_BYTES = 16_384;

/** Posts that may reach ordinary addresses of the Internet and those in `allow`. Dispose it to cut what is under way. */
export function openPost(
  allow: readonly string[],
  { resolve = resolveAll, limits = LIMITS, nowMs }: { resolve?: Resolve | undefined; limits?: PostLimits; nowMs: () => number },
): { post: Post } & AsyncDisposable {
  const agent = new Agent({
    connect: guardedConnector(allow, resolve, limits.connectMs),
    headersTimeout: limits.headersMs,
    bodyTimeout: limits.bodyMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    pipelining: 0, // no connection is kept: a reset of an idle one would look like a lost answer
  });
  return {
    post: async (url, { headers, body }, signal) => {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(limits.totalMs)]);
      try {
        const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent, signal: bounded });
        return await outcomeOf(answer, limits, nowMs());
      } catch (error) {
        return { kind: 'failed', why: plain(messageOf(error)), retryAfterMs: null };
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

const resolveAll: Resolve = (hostname) => lookup(hostname, { all: true });

async function outcomeOf(answer: Dispatcher.ResponseData, limits: PostLimits, nowMs: number): Promise<PostOutcome> {
  const { statusCode, headers, body } = answer;
  if (statusCode >= 200 && statusCode < 300) {
    // The status is the answer; whatever becomes of the body, the notification arrived.
    await body.dump({ limit: MAX_IGNORED_BYTES, signal: AbortSignal.timeout(limits.bodyMs) }).catch(() => undefined);
    return { kind: 'delivered' };
  }
  const why = [`answered ${String(statusCode)}`, await reasonIn(body)].filter((part) => part !== '').join(': ');
  if (statusCode === 410) return { kind: 'gone', why };
  return { kind: 'failed', why, retryAfterMs: retryAfterMs(headers['retry-after'], nowMs) };
}

async function reasonIn(body: Dispatcher.ResponseData['body']): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.length >= MAX_REASON_BYTES) break; // leaving the loop destroys the body
    }
  } catch {
    // The status came; a reason cut short is no other failure.
  }
  return plain(text);
}

function plain(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_REASON_BYTES);
}

/** RFC 9110 section 10.2.3: seconds or a date. Null when it is neither. */
function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | null {
  if (typeof header !== 'string') return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
