// Asking a service's API from the command line: over TCP, TLS or its Unix socket.
import { Client } from 'undici';
import type { z } from 'zod';
import { problem } from '../core/api.ts';
import { AppError, ERROR_CODES, type ErrorCode, messageOf } from '../core/errors.ts';

export type Question<Schema extends z.ZodType> = {
  method: 'GET' | 'POST';
  /** Below /api/v1, such as `/runs`. */
  path: string;
  body?: unknown;
  /** Of the answer. */
  schema: Schema;
  signal: AbortSignal;
};

export type ServiceClient = AsyncDisposable & {
  /** @throws AppError SERVICE_UNREACHABLE; the service's own refusal with its code; PROTOCOL for an answer of another form */
  ask<Schema extends z.ZodType>(question: Question<Schema>): Promise<z.output<Schema>>;
};

const ANSWER_MS = 30_000;
const CONNECT_MS = 5_000;

/**
 * @param service `http://host:port`, `https://…` (a prefix of the path is kept) or `unix:/path/of/api.sock`
 * @throws AppError BAD_FLAG for anything else
 */
export function serviceClient(service: string, token: string): ServiceClient {
  const { origin, prefix, socketPath } = addressOf(service);
  const client = new Client(origin, {
    ...{ connectTimeout: CONNECT_MS, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS },
    ...(socketPath === undefined ? {} : { socketPath }),
  });
  return {
    ask: async ({ method, path, body, schema, signal }) => {
      const { status, text } = await exchange(async () => {
        const response = await client.request({
          ...{ method, path: `${prefix}/api/v1${path}`, signal },
          headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return { status: response.statusCode, text: await response.body.text() };
      });
      if (status < 200 || status > 299) throw refusalOf(status, text);
      const answer = schema.safeParse(jsonOf(text));
      if (answer.success) return answer.data;
      throw new AppError('PROTOCOL', `${service} answered in a form that is not understood: ${text.slice(0, 200)}`, {
        remedy: 'use the same version of Holdfast as the service',
        cause: answer.error,
      });
    },
    [Symbol.asyncDispose]: () => client.destroy(),
  };

  async function exchange<Answer>(act: () => Promise<Answer>): Promise<Answer> {
    try {
      return await act();
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'AbortError') throw cause;
      throw new AppError('SERVICE_UNREACHABLE', `${service} cannot be asked: ${messageOf(cause)}`, {
        remedy: 'check --service, and that `holdfast serve` runs there',
        cause,
      });
    }
  }
}

function addressOf(service: string): { origin: string; prefix: string; socketPath?: string } {
  const socketPath = /^unix:(\/.+)$/.exec(service)?.[1];
  if (socketPath !== undefined) return { origin: 'http://localhost', prefix: '', socketPath };
  if (/^https?:\/\//.test(service) && URL.canParse(service)) {
    const { origin, pathname } = new URL(service);
    return { origin, prefix: pathname.replace(/\/+$/, '') };
  }
  throw new AppError('BAD_FLAG', `--service ${service} is no address of a service`, {
    remedy: 'give http://HOST:PORT, https://HOST:PORT or unix:/PATH/OF/api.sock',
  });
}

function refusalOf(status: number, text: string): AppError {
  const told = problem.safeParse(jsonOf(text));
  if (!told.success) return new AppError('SERVICE_REFUSED', `the service answered with status ${String(status)}: ${text.slice(0, 200)}`);
  const { code, detail, remedy } = told.data;
  const known: ErrorCode = code in ERROR_CODES ? (code as ErrorCode) : 'SERVICE_REFUSED';
  return new AppError(known, `the service refuses: ${detail}`, remedy === undefined ? {} : { remedy });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // its schema refuses it
  }
}
