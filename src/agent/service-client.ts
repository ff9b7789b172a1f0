// The agent's one outgoing connection to its service: enrolment, state, chunks.
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { Client } from 'undici';
import type { z } from 'zod';
import {
  agentStateAnswer,
  type AgentState,
  type AgentStateAnswer,
  chunkAnswer,
  enrolment,
  type Enrolment,
} from '../core/agent-messages.ts';
import { AppError, messageOf } from '../core/errors.ts';

/** What became of a chunk: taken; too large for this service; or not understood, and sending it again would not help. */
export type ChunkOutcome =
  { kind: 'taken'; nextSeq: number; isObsolete: boolean } | { kind: 'too-large' } | { kind: 'refused'; why: string };

export type ServiceClientOptions = {
  /** http or https URL, or `unix:/path`. */
  service: string;
  token: string;
  /** PEM of the authority that signed the service's certificate; null: those that Node knows. */
  ca: string | null;
};

const CONNECT_MS = 5_000;
const ANSWER_MS = 15_000;
/** Smaller ones are not worth the packing. */
const PACKED_FROM_BYTES = 16 << 10;
const pack = promisify(gzip);
/** No answer of the service is longer. */
const MAX_ANSWER_BYTES = 1 << 20;

type Answer = { status: number; text: string };

export class ServiceClient implements AsyncDisposable {
  readonly #client: Client;
  readonly #base: string;
  readonly #token: string;
  readonly #service: string;

  constructor({ service, token, ca }: ServiceClientOptions) {
    const isSocket = service.startsWith('unix:');
    const url = new URL(isSocket ? 'http://localhost' : service);
    this.#service = service;
    this.#token = token;
    this.#base = `${url.pathname.replace(/\/+$/, '')}/api/v1/agent`;
    this.#client = new Client(url.origin, {
      ...(isSocket ? { socketPath: service.slice('unix:'.length) } : {}),
      connect: { timeout: CONNECT_MS, ...(ca === null ? {} : { ca }) },
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
      pipelining: 1,
      keepAliveTimeout: 60_000,
    });
  }

  /** @throws AppError SERVICE_UNREACHABLE, SERVICE_REFUSED */
  async enrolment(signal: AbortSignal): Promise<Enrolment> {
    return this.#parsed(await this.#ask('GET', '/enrolment', { signal }), enrolment);
  }

  /** @throws AppError SERVICE_UNREACHABLE, SERVICE_REFUSED */
  async tellState(state: AgentState, signal: AbortSignal): Promise<AgentStateAnswer> {
    return this.#parsed(await this.#ask('POST', '/state', { body: JSON.stringify(state), signal }), agentStateAnswer);
  }

  /** @param body a `Chunk` as JSON; @throws AppError SERVICE_UNREACHABLE, and SERVICE_REFUSED for what another try may mend */
  async sendChunk(body: string, signal: AbortSignal): Promise<ChunkOutcome> {
    const packed = body.length < PACKED_FROM_BYTES ? null : await pack(body, { level: constants.Z_BEST_SPEED });
    const answer = await this.#ask('POST', '/chunks', { body: packed ?? body, signal });
    if (answer.status === 413) return { kind: 'too-large' };
    // 403: the monitor is none of this agent's any more, as one that was moved to another environment.
    if ([400, 403, 422].includes(answer.status)) return { kind: 'refused', why: answer.text.slice(0, 300) };
    return { kind: 'taken', ...this.#parsed(answer, chunkAnswer) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.destroy();
  }

  async #ask(method: 'GET' | 'POST', path: string, { body, signal }: { body?: string | Buffer; signal: AbortSignal }): Promise<Answer> {
    signal.throwIfAborted();
    try {
      const answer = await this.#client.request({
        method,
        path: this.#base + path,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(Buffer.isBuffer(body) ? { 'content-encoding': 'gzip' } : {}),
        },
        body: body ?? null,
        signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS + ANSWER_MS)]),
      });
      return { status: answer.statusCode, text: await bounded(answer.body) };
    } catch (cause) {
      signal.throwIfAborted();
      throw new AppError('SERVICE_UNREACHABLE', `the service at ${this.#service} does not answer: ${messageOf(cause)}`, { cause });
    }
  }

  #parsed<Schema extends z.ZodType>({ status, text }: Answer, schema: Schema): z.output<Schema> {
    if (status === 401 || status === 403) {
      throw new AppError('SERVICE_REFUSED', `the service at ${this.#service} does not accept this agent's token`, {
        remedy: 'make a new token for this agent at the service, and put it where the agent’s file says',
      });
    }
    if (status === 200) {
      const answer = schema.safeParse(jsonOf(text));
      if (answer.success) return answer.data;
    }
    const said = `${String(status)} ${text.slice(0, 200)}`.trim();
    throw new AppError('SERVICE_REFUSED', `the service at ${this.#service} answered what this agent does not understand: ${said}`);
  }
}

async function bounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('its answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told with the text itself
  }
}
