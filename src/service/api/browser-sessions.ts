// Sessions of browsers: a cookie that no script can read, and a second secret that no other site can send.
import { randomBytes } from 'node:crypto';
import type { ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import type { Identity } from './permissions.ts';
import { sha256 } from './tokens.ts';

export const SESSION_HOURS = 12;

/** The cookie's name; by its prefix browsers refuse it from anyone but this host over TLS (RFC 6265bis section 4.1.3.2). */
export function sessionCookieName(isTls: boolean): string {
  return isTls ? '__Host-holdfast' : 'holdfast';
}

/** Opens a session for who showed a token. @returns the cookie's value */
export async function openBrowserSession(store: Store, clock: ServiceClock, tokenId: string): Promise<string> {
  const cookie = randomBytes(32).toString('base64url');
  const nowMs = clock.nowMs();
  await store.deleteFrom('browser_sessions').where('expires_ms', '<=', nowMs).execute();
  await store
    .insertInto('browser_sessions')
    .values({
      hash: sha256(cookie),
      token_id: tokenId,
      csrf: randomBytes(24).toString('base64url'),
      expires_ms: nowMs + SESSION_HOURS * 3_600_000,
    })
    .execute();
  return cookie;
}

/** Whose session it is; null when it has ended or its token was revoked. */
export async function identityOfCookie(store: Store, clock: ServiceClock, cookie: string): Promise<Identity | null> {
  const row = await store
    .selectFrom('browser_sessions')
    .innerJoin('tokens', 'tokens.id', 'browser_sessions.token_id')
    .select(['tokens.id', 'tokens.name', 'tokens.role', 'tokens.agent', 'tokens.keeper', 'browser_sessions.csrf'])
    .where('browser_sessions.hash', '=', sha256(cookie))
    .where('browser_sessions.expires_ms', '>', clock.nowMs())
    .where('tokens.revoked_ms', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { id: tokenId, name, role, agent, keeper, csrf } = row;
  return { tokenId, name, role, agent, keeper, csrf };
}

export async function closeBrowserSession(store: Store, cookie: string): Promise<void> {
  await store.deleteFrom('browser_sessions').where('hash', '=', sha256(cookie)).execute();
}
