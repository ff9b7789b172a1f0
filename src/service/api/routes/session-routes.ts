// Who asks: /me, and the browser's session that a token opens.
import { me, sessionRequest } from '../../../core/api.ts';
import { AppError } from '../../../core/errors.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { closeBrowserSession, openBrowserSession, SESSION_HOURS, sessionCookieName } from '../browser-sessions.ts';
import type { CountFailure } from '../gate.ts';
import { nothing } from '../route-forms.ts';
import { identityOfToken } from '../tokens.ts';
import { callerOf } from '../callers.ts';

export function sessionRoutes(app: App, api: ApiParts, countFailure: CountFailure): void {
  app.get(
    '/me',
    {
      config: { permission: 'any' },
      schema: { tags: ['session'], summary: 'Who asks, and the CSRF token of a session', response: { 200: me } },
    },
    (request) => {
      const { name, role, csrf } = callerOf(request);
      return { name, role, csrf };
    },
  );

  app.post(
    '/session',
    {
      config: { permission: 'public' },
      schema: { tags: ['session'], summary: 'Opens a session of a browser with a token', body: sessionRequest, response: { 204: nothing } },
    },
    async (request, reply) => {
      const identity = await identityOfToken(api.store, api.clock, request.body.token);
      if (identity === null) throw await countFailure(request, reply, 'the token is not valid');
      if (identity.role === 'agent') throw new AppError('FORBIDDEN', 'the token of an agent opens no session');
      if (identity.role === 'keeper') throw new AppError('FORBIDDEN', 'the token of a keeper opens no session');
      const isTls = request.protocol === 'https';
      const value = await openBrowserSession(api.store, api.clock, identity.tokenId);
      return await reply
        .setCookie(sessionCookieName(isTls), value, cookieOptions(isTls, SESSION_HOURS * 3_600))
        .code(204)
        .send(undefined);
    },
  );

  app.delete(
    '/session',
    { config: { permission: 'any' }, schema: { tags: ['session'], summary: 'Ends the session of a browser', response: { 204: nothing } } },
    async (request, reply) => {
      const isTls = request.protocol === 'https';
      const cookie = request.cookies[sessionCookieName(isTls)];
      if (cookie !== undefined) await closeBrowserSession(api.store, cookie);
      return await reply.clearCookie(sessionCookieName(isTls), cookieOptions(isTls)).code(204).send(undefined);
    },
  );
}

function cookieOptions(isTls: boolean, maxAge?: number) {
  return { path: '/', httpOnly: true, secure: isTls, sameSite: 'strict' as const, ...(maxAge === undefined ? {} : { maxAge }) };
}
