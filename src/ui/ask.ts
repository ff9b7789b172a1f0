// Asks the service's API. Every answer is a value or a problem that can be shown to a person; nothing is thrown but an abort.
import type { Problem } from '../core/api.ts';
import { withPlainTexts } from '../report/plain-text.ts';

export type Answer<Value> =
  | {
      isOk: true;
      /** Names in it come from other people's systems: control and direction characters are replaced. */
      value: Value;
      /** Instant of the answer on the service's clock, Unix ms, to the second; null when it did not say. */
      atMs: number | null;
    }
  | { isOk: false; problem: Problem };

export type Question = {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  csrf?: string | null;
  signal?: AbortSignal;
};

const TIMEOUT_MS = 8_000;
/** A plan asks the router; it may take longer. */
const ACT_TIMEOUT_MS = 30_000;

/** @param path below /api/v1, such as `/runs` */
export async function ask<Value>(path: string, question: Question = {}): Promise<Answer<Value>> {
  const { method = 'GET', body, csrf = null, signal } = question;
  const timeout = AbortSignal.timeout(method === 'GET' ? TIMEOUT_MS : ACT_TIMEOUT_MS);
  try {
    const response = await fetch(`/api/v1${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(csrf === null ? {} : { 'x-csrf-token': csrf }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const told: unknown = response.status === 204 ? null : await response.json().catch(() => null);
    if (response.ok) return { isOk: true, value: plain(told) as Value, atMs: answeredAt(response) };
    return { isOk: false, problem: problemOf(response.status, plain(told)) };
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    const why = timeout.aborted ? 'it did not answer in time' : 'it could not be reached';
    return { isOk: false, problem: madeUp(0, `The service cannot be asked: ${why}.`) };
  }
}

/** Line ends are kept: a plan has many lines. */
function plain(told: unknown): unknown {
  if (typeof told === 'object' && told !== null && 'text' in told && typeof told.text === 'string')
    return { ...told, text: told.text.split('\n').map(withPlainTexts).join('\n') };
  return withPlainTexts(told);
}

function problemOf(status: number, told: unknown): Problem {
  const isProblem = typeof told === 'object' && told !== null && 'code' in told && 'detail' in told;
  return isProblem ? (told as Problem) : madeUp(status, `The service answered with status ${String(status)} and did not say why.`);
}

function madeUp(status: number, detail: string): Problem {
  return { type: 'about:blank', title: 'No answer', status, code: 'SERVICE_UNREACHABLE', detail };
}

function answeredAt(response: Response): number | null {
  const atMs = Date.parse(response.headers.get('date') ?? '');
  return Number.isFinite(atMs) ? atMs : null;
}
