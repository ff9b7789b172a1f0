// Requests to an API server over TLS, to its address or through a Unix socket: bounded in time and size, told apart by what became of them.
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import type { Hearing } from './following.ts';
import type { Login } from './login.ts';
import { blockedByBudget, jsonOf, statusOf, unreachable } from './refusals.ts';

export type Request = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query. */
  path: string;
  /** A POST that changes nothing, as a question is. */
  isQuestion?: boolean;
  body?: unknown;
  contentType?: string;
  /** The Kubernetes verb and the object, for messages. */
  verb: string;
  object: string;
  /** Name of the object of which a 404 may say that it is not there; without it a 404 says nothing of any. */
  mayMiss?: string | undefined;
};
export type Answer = { status: number; text: string };

/** An idle connection is closed this soon, before the API server or something between closes it. */
const IDLE_MS = 30_000;
/** No page of a list is longer: 500 objects of 128 KiB. */
const MAX_ANSWER_BYTES = 64 << 20;
/** No line of a watch is longer: etcd holds objects of 1.5 MiB, and text may double in JSON. */
const MAX_LINE_BYTES = 8 << 20;
/** How often a request is repeated that the server was too busy to take (429, not from a disruption budget). */
const MAX_BUSY_TRIES = 3;
const MAX_BUSY_SEC = 5;
const NEWLINE = 0x0a;

export class Requests implements Disposable {
  readonly server: string;
  readonly #readLogin: () => Promise<Login>;
  #login: Login;
  readonly #socket: string | null;
  readonly #callMs: number;
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

  /**
   * @param readLogin reads the login again, for when the one that was known is no longer accepted
   * @param callMs the longest that one request may take, its body included
   */
  constructor(parts: { login: Login; readLogin: () => Promise<Login>; socket: string | null; callMs: number }) {
    this.#login = parts.login;
    this.#readLogin = parts.readLogin;
    this.#socket = parts.socket;
    this.#callMs = parts.callMs;
    this.server = parts.login.server.origin;
  }

  /** The whole answer, whatever its status. @throws AppError CLUSTER_UNREACHABLE; the signal's reason */
  async ask(request: Request, signal: AbortSignal): Promise<Answer> {
    for (let busyTries = 0, isRenewed = false; ;) {
      const { retryAfterSec, ...answer } = await this.askOnce(request, signal);
      if (answer.status === 401 && !isRenewed) {
        isRenewed = true;
        this.#login = await this.#readLogin();
      } else if (answer.status === 429 && busyTries < MAX_BUSY_TRIES && blockedByBudget(statusOf(jsonOf(answer.text))) === null) {
        busyTries += 1;
        await sleep(Math.min(retryAfterSec || 1, MAX_BUSY_SEC) * 1_000, undefined, { signal });
      } else return answer;
    }
  }

  /**
   * An answer as it comes, also one that says that the server is busy, or does not know who asks.
   * @param onReady called once there are credentials, which may take their time
   * @throws AppError CLUSTER_UNREACHABLE; the signal's reason
   */
  async askOnce(request: Request, signal: AbortSignal, onReady?: () => void): Promise<Answer & { retryAfterSec: number }> {
    const read = async (response: IncomingMessage) => {
      const text = await textOf(response);
      return { status: response.statusCode ?? 0, text, retryAfterSec: Number(response.headers['retry-after']) };
    };
    return await this.#open(request, signal, read, onReady);
  }

  /**
   * Hands over the lines of an answer that goes on, as they come.
   * @param silenceMs a connection on which nothing comes for so long is dropped
   * @returns null at the server's own end of it; the answer when the request is refused
   * @throws AppError CLUSTER_UNREACHABLE when it is cut off; the signal's reason; what `hearing` throws
   */
  async follow(request: Request, silenceMs: number, hearing: Hearing, signal: AbortSignal): Promise<Answer | null> {
    return await this.#open(request, signal, async (response, limit) => {
      if (response.statusCode !== 200) return { status: response.statusCode ?? 0, text: await textOf(response) };
      hearing.onOpen();
      const lines = new Lines();
      limit.extend(silenceMs, 'nothing came');
      for await (const part of response as AsyncIterable<Buffer>) {
        limit.extend(silenceMs, 'nothing came');
        for (const line of lines.after(part)) hearing.onLine(line);
      }
      return null;
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #open<Result>(
    request: Request,
    signal: AbortSignal,
    read: (response: IncomingMessage, limit: Limit) => Promise<Result>,
    onReady?: () => void,
  ): Promise<Result> {
    signal.throwIfAborted();
    using limit = new Limit(this.#callMs, signal);
    let response: IncomingMessage | null = null;
    try {
      const options = await limit.bound(this.#optionsOf(request, limit.signal));
      onReady?.();
      response = await send(options, request);
      return await read(response, limit);
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof AppError) throw cause;
      throw unreachable({ server: this.server, verb: request.verb, object: request.object }, limit.why ?? cause);
    } finally {
      if (response?.complete === false) response.destroy();
    }
  }

  async #optionsOf({ method, path, body, contentType, isQuestion = false }: Request, signal: AbortSignal): Promise<RequestOptions> {
    const { server } = this.#login;
    const { headers, ...credentials } = await this.#login.credentials();
    return {
      // What changes something has a connection of its own: its loss then tells of this request alone.
      agent: method === 'GET' || isQuestion ? this.#agent : false,
      ...credentials,
      method,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port || 443,
      path: server.pathname.replace(/\/+$/, '') + path,
      ...(this.#socket === null ? {} : { socketPath: this.#socket }),
      signal,
      headers: {
        ...(headers as Record<string, string> | undefined),
        accept: 'application/json',
        'user-agent': 'holdfast',
        // Node says how long a body is by itself, but not that of a DELETE, which the server then takes for none.
        ...(body === undefined
          ? {}
          : { 'content-type': contentType ?? 'application/json', 'content-length': Buffer.byteLength(JSON.stringify(body)) }),
      },
    };
  }
}

/** Sends it and waits for the head of the answer. */
async function send(options: RequestOptions, request: Request): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    let isAnswered = false;
    const sent = httpsRequest(options, (response) => {
      isAnswered = true;
      resolve(response);
    });
    // It stays on after the head: an error of the socket comes here too, and matters only to whoever reads the body.
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // A connection that was kept may have been closed by the server in this very moment; what changes something never has one.
      const mayRepeat = !isAnswered && sent.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '');
      if (mayRepeat && options.signal?.aborted === false) send({ ...options, agent: false }, request).then(resolve, reject);
      else reject(error);
    });
    sent.end(request.body === undefined ? undefined : JSON.stringify(request.body));
  });
}

/** The time that a request has, and its caller's signal. */
class Limit implements Disposable {
  /** Why it is over; null while it is not, or when the caller ended it. */
  why: Error | null = null;
  readonly #cut = new AbortController();
  readonly #signal: AbortSignal;
  #timer: NodeJS.Timeout;

  constructor(ms: number, signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer = this.#start(ms, 'no answer');
  }

  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  /** Another `ms` from now. */
  extend(ms: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start(ms, what);
  }

  /** For work that knows no signal. */
  async bound<Value>(work: Promise<Value>): Promise<Value> {
    const { signal } = this.#cut;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = () => {
    this.#cut.abort(this.#signal.reason);
  };

  #start(ms: number, what: string): NodeJS.Timeout {
    return setTimeout(() => {
      this.why = new Error(`${what} within ${String(ms / 1_000)} s`);
      this.#cut.abort(this.why);
    }, ms);
  }
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is longer than ${String(MAX_ANSWER_BYTES >> 20)} MiB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Whole lines out of pieces; a last piece without its end is no line. */
class Lines {
  #parts: Buffer[] = [];
  #bytes = 0;

  *after(part: Buffer): Generator<string> {
    let from = 0;
    for (let end = part.indexOf(NEWLINE); end !== -1; end = part.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...this.#parts, part.subarray(from, end)]).toString('utf8');
      this.#parts = [];
      this.#bytes = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    this.#parts.push(part.subarray(from));
    this.#bytes += part.length - from;
    if (this.#bytes > MAX_LINE_BYTES) throw new Error(`an object of it is longer than ${String(MAX_LINE_BYTES >> 20)} MiB`);
  }
}
