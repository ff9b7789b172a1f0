// Every refusal of the API as Problem Details (RFC 9457): a stable code, what happened, what to do, and nothing of the inside.
import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Problem } from '../../core/api.ts';
import { AppError, type ErrorCode, messageOf } from '../../core/errors.ts';
import { pathText, shown } from '../../core/mistakes.ts';
import { expectation } from '../../core/schema-mistakes.ts';
import type { DeclaredRoute } from './permissions.ts';

export const PROBLEM_TYPE = 'application/problem+json';

const STATUS: Readonly<Record<ErrorCode, number>> = {
  BAD_INPUT: 400,
  BAD_FLAG: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  UNKNOWN_NAME: 404,
  WRONG_METHOD: 405,
  TOO_LARGE: 413,
  TOO_OFTEN: 429,
  // The environment is in no state for it.
  ...{ CONFLICT: 409, CAPABILITY_MISSING: 409, PREFLIGHT: 409, TARGET_GONE: 409, NOT_PERMITTED: 409, PORT_TAKEN: 409 },
  ...{ LAB_EXISTS: 409, LAB_MISSING: 409, LAB_UNSOUND: 409 },
  ...{ KEEPER_DISARMED: 409, KEEPER_BUSY: 409, KEEPER_REFUSED: 409, KEEPER_STALE_EPOCH: 409, KEEPER_UNVERIFIED: 409 },
  // Somebody behind us failed.
  ...{ COMMAND_FAILED: 502, DEVICE_OUTPUT: 502, PEER_GONE: 502, PROTOCOL: 502, KEEPER_UNREACHABLE: 502 },
  ...{ CLUSTER_UNREACHABLE: 502, CLUSTER_REFUSED: 502 },
  ...{ SERVICE_UNREACHABLE: 502, SERVICE_REFUSED: 502, TIMEOUT: 504 },
  // The same request is worth a second try.
  ...{ DISK: 503, STORE: 503, REDIS: 503 },
  ...{ INTERNAL: 500, COMMAND_MISSING: 500, FILE_UNREADABLE: 500 },
};

type Mistakes = NonNullable<Problem['mistakes']>;

/** A body, query or path that is not of its form: every mistake at once. */
export class RequestMistakes extends AppError {
  readonly mistakes: Mistakes;

  constructor(mistakes: Mistakes) {
    super('BAD_INPUT', mistakes.map(({ path, expected }) => `${path === '' ? 'the whole' : path}: expected ${expected}`).join('; '), {
      remedy: 'GET /api/v1/openapi.json has the form of every request',
    });
    this.mistakes = mistakes;
  }
}

/** Parses with every mistake told. @param where what the paths begin with: `body`, `query`, `path`; empty for a bare value @throws RequestMistakes */
export function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, where = ''): z.output<Schema> {
  const result = schema.safeParse(value, { error: (issue) => `expected ${expectation(issue)}` });
  if (result.success) return result.data;
  throw new RequestMistakes(result.error.issues.map((issue) => mistakeOf(issue, value, where)));
}

function mistakeOf(issue: z.core.$ZodIssue, value: unknown, where: string): Mistakes[number] {
  const inner = issue.path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | null | undefined)?.[step], value);
  return {
    path: pathText([...(where === '' ? [] : [where]), ...issue.path]),
    expected: issue.message.replace(/^expected /, ''),
    found: issue.code === 'unrecognized_keys' ? issue.keys.map((key) => shown(key)).join(', ') : shown(inner),
  };
}

/** The problem that an error is to a caller. @param told called for what is our own mistake, with all of it */
export function problemOf(thrown: unknown, told: (thrown: unknown) => void): Problem {
  if (thrown instanceof AppError) {
    const remedy = thrown.remedy === undefined ? {} : { remedy: thrown.remedy };
    const mistakes = thrown instanceof RequestMistakes ? { mistakes: thrown.mistakes } : {};
    return { ...problem(thrown.code, thrown.message), ...remedy, ...mistakes };
  }
  const status = statusOf(thrown);
  if (status === 413) return problem('TOO_LARGE', 'the body is larger than this route takes');
  if (status === 429) return problem('TOO_OFTEN', 'more requests than anybody needs');
  if (status === 404) return problem('UNKNOWN_NAME', 'there is nothing here');
  // Fastify's own words about a body: no JSON, another content type, cut short.
  if (status >= 400 && status < 500)
    return { ...problem('BAD_INPUT', messageOf(thrown)), status, title: STATUS_CODES[status] ?? 'Bad Request' };
  told(thrown);
  return problem('INTERNAL', 'a mistake in Holdfast itself; the log of the service has the details');
}

function problem(code: ErrorCode, detail: string): Problem {
  const status = STATUS[code];
  return { type: `urn:holdfast:problem:${code.toLowerCase()}`, title: STATUS_CODES[status] ?? code, status, code, detail };
}

export function sendProblem(reply: FastifyReply, answer: Problem): FastifyReply {
  return reply.code(answer.status).type(PROBLEM_TYPE).send(JSON.stringify(answer));
}

/** Errors of handlers and of Fastify, unknown paths and wrong methods, all in the one form. */
export function answerProblems(app: FastifyInstance, log: (line: string) => void): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = problemOf(error, (thrown) => {
      log(
        `${request.method} ${JSON.stringify(request.url)} failed: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)}`,
      );
    });
    return sendProblem(reply, answer);
  });
  app.setNotFoundHandler((request: FastifyRequest, reply) => {
    const methods = methodsAt(app.declaredRoutes, request.url);
    const error = methods.includes(request.method) || methods.length === 0 ? unknownPath() : wrongMethod(request.method, methods);
    if (methods.length > 0) void reply.header('allow', methods.join(', '));
    return sendProblem(
      reply,
      problemOf(error, () => undefined),
    );
  });
}

function unknownPath(): AppError {
  return new AppError('UNKNOWN_NAME', 'there is nothing at this path', { remedy: 'GET /api/v1/openapi.json lists every path' });
}

function wrongMethod(method: string, methods: readonly string[]): AppError {
  return new AppError('WRONG_METHOD', `${method} is not possible here`, { remedy: `possible: ${methods.join(', ')}` });
}

/** The methods of the routes that a URL's path fits. Routes that take any path do not count. */
export function methodsAt(routes: readonly DeclaredRoute[], url: string): string[] {
  const steps = (url.split('?', 1)[0] ?? '').split('/');
  const fits = routes.filter((route) => {
    const pattern = route.url.split('/');
    return pattern.length === steps.length && pattern.every((part, index) => part.startsWith(':') || part === steps[index]);
  });
  return [...new Set(fits.map(({ method }) => method))].sort();
}

function statusOf(thrown: unknown): number {
  const status: unknown = (thrown as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : 500;
}
