// The gate before every route: is the request meant for us, who asks, may they, and have they asked too often?
import { isIP, type Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { ApiParts, App } from './api-parts.ts';
import { identityOfCookie, sessionCookieName } from './browser-sessions.ts';
import { type Identity, isAllowed, type Permission } from './permissions.ts';
import { identityOfToken, isSame } from './tokens.ts';

const MINUTE_MS = 60_000;
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Counts a failed authentication and gives the refusal for it. */
export type CountFailure = (request: FastifyRequest, reply: FastifyReply, why: string) => Promise<AppError>;

/** Counts a call that showed the secret of the hook in its path. @throws AppError TOO_OFTEN */
export type CountHookCall = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Of routes that know callers by a secret of their own. */
export type Counting = { countFailure: CountFailure; countHookCall: CountHookCall };

/** Stands before all routes that are added after it. */
export function addGate(app: App, { store, file, clock, limits }: ApiParts): Counting {
  const names: ReadonlySet<string> = new Set(['localhost', file.listen.host.toLowerCase(), ...file.listen.names]);
  const limiter = (max: number, keyGenerator = callerOf) => app.createRateLimit({ max, timeWindow: MINUTE_MS, keyGenerator });
  const counters = {
    strangers: limiter(limits.strangerPerMinute),
    wrongTokens: limiter(limits.wrongTokensPerMinute),
    callers: limiter(limits.callerPerMinute),
    agents: limiter(limits.agentPerMinute),
    hooks: limiter(limits.hookPerMinute, ({ params }) => (params as { name: string }).name),
  };
  const count = async (counter: keyof typeof counters, request: FastifyRequest, reply: FastifyReply) => {
    const state = await counters[counter](request);
    if (state.isAllowed || !state.isExceeded) return;
    void reply.header('retry-after', String(state.ttlInSeconds));
    throw new AppError('TOO_OFTEN', `more than ${String(state.max)} requests within a minute`, {
      remedy: `wait ${String(state.ttlInSeconds)} s`,
    });
  };
  const countFailure: CountFailure = async (request, reply, why) => {
    // Who shows wrong tokens opens a new connection for each: that slows a search down and costs an honest mistake nothing.
    void reply.header('connection', 'close').header('www-authenticate', 'Bearer realm="holdfast"');
    await count('wrongTokens', request, reply);
    return new AppError('UNAUTHENTICATED', why, { remedy: 'send a valid token as `authorization: Bearer hf_…`, or sign in on the page' });
  };

  app.addHook('onRequest', async (request, reply) => {
    const permission: Permission = request.is404 ? 'public' : (request.routeOptions.config.permission ?? 'admin');
    checkHost(request, names);
    checkOrigin(request);
    // A hook's call shows a secret of the hook, which is no token of ours; it is counted once that is known to be right or wrong, since
    // strangers behind the same proxy may have used up what an address has.
    const shown = permission === 'hook' ? { kind: 'nothing' as const } : await identify(request, { store, clock });
    if (shown.kind === 'known') {
      request.identity = shown.identity;
      await count(shown.identity.role === 'agent' ? 'agents' : 'callers', request, reply);
      if (permission !== 'public') checkCsrf(request, shown.identity);
    } else if (permission !== 'hook') {
      await count('strangers', request, reply);
      if (shown.kind === 'wrong' && permission !== 'public') throw await countFailure(request, reply, 'the token or session is not valid');
    }
    if (isAllowed(permission, request.identity, isFromSocket(request.raw.socket))) return;
    if (request.identity === null) {
      void reply.header('www-authenticate', 'Bearer realm="holdfast"');
      throw new AppError('UNAUTHENTICATED', 'this needs a token', {
        remedy: 'send it as `authorization: Bearer hf_…`, or sign in on the page',
      });
    }
    throw new AppError('FORBIDDEN', `the role ${request.identity.role} may not do this; it needs ${permission}`);
  });
  return { countFailure, countHookCall: (request, reply) => count('hooks', request, reply) };
}

/** Whether who was let in would be let in now: tokens are revoked and sessions end while an answer lasts. */
export async function isStillAllowed(request: FastifyRequest, api: Pick<ApiParts, 'store' | 'clock'>): Promise<boolean> {
  const shown = await identify(request, api);
  const identity = shown.kind === 'known' ? shown.identity : null;
  return isAllowed(request.routeOptions.config.permission ?? 'admin', identity, isFromSocket(request.raw.socket));
}

type Shown = { kind: 'known'; identity: Identity } | { kind: 'wrong' } | { kind: 'nothing' };

async function identify(request: FastifyRequest, { store, clock }: Pick<ApiParts, 'store' | 'clock'>): Promise<Shown> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    return known(token === undefined ? null : await identityOfToken(store, clock, token));
  }
  const cookie = request.cookies[sessionCookieName(request.protocol === 'https')];
  return cookie === undefined ? { kind: 'nothing' } : known(await identityOfCookie(store, clock, cookie));
}

function known(identity: Identity | null): Shown {
  return identity === null ? { kind: 'wrong' } : { kind: 'known', identity };
}

/**
 * A page elsewhere can give its own DNS name our address (DNS rebinding) and is then, to the browser, of our origin: only the name
 * that it asks for tells. An address as name cannot be given away so.
 */
function checkHost(request: FastifyRequest, names: ReadonlySet<string>): void {
  if (isFromSocket(request.raw.socket)) return;
  const host = (request.headers.host ?? '').toLowerCase();
  const bare = host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0 || names.has(bare)) return;
  throw new AppError('FORBIDDEN', 'the service is not known by the name that was asked for', {
    remedy: 'add it to listen.names of serve.yaml, or use the address',
  });
}

/** What changes something must come from our own page, if it comes from a page at all. */
function checkOrigin({ method, headers }: FastifyRequest): void {
  if (READING.has(method)) return;
  const { origin, host } = headers;
  const isForeign = (origin !== undefined && hostOf(origin) !== host) || headers['sec-fetch-site'] === 'cross-site';
  if (isForeign) throw new AppError('FORBIDDEN', 'a page of another origin may not do this');
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null; // `null` is the origin of a page that hides its own
}

/** A browser sends the cookie by itself, whoever made it ask; the second secret only our own page knows. */
function checkCsrf({ method, headers }: FastifyRequest, { csrf }: Identity): void {
  if (csrf === null || READING.has(method)) return;
  const sent = headers['x-csrf-token'];
  if (typeof sent === 'string' && isSame(sent, csrf)) return;
  throw new AppError('FORBIDDEN', 'the header x-csrf-token is missing or wrong', { remedy: 'GET /api/v1/me tells it' });
}

/** Whether it came through the service's Unix socket, which only its own user may open: such a connection has no addresses. */
export function isFromSocket(socket: Pick<Socket, 'remoteAddress' | 'localAddress' | 'destroyed'>): boolean {
  return !socket.destroyed && socket.remoteAddress === undefined && socket.localAddress === undefined;
}

function callerOf(request: FastifyRequest): string {
  const ip = request.ip as string | undefined; // a Unix socket has none
  return request.identity?.tokenId ?? ip ?? 'socket';
}
