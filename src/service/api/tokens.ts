// Tokens of people, programs and agents: `hf_<id>_<secret>`, shown once, stored as a hash.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import type { Role } from '../store/tables.ts';
import type { Identity } from './permissions.ts';

const SECRET_BYTES = 32;
const FORM = /^hf_([0-9a-f]{16})_[\w-]{43}$/;
/** `last_used_ms` is no finer than this: a write for every request would wear out the disk. */
const USED_STEP_MS = 60_000;

/**
 * Makes a token. Its text is returned here and never again.
 * @param wish `agent`, `keeper`: of the role agent or keeper, the one that it is for
 */
export async function createToken(
  store: Store,
  wish: { name: string; role: Role; agent?: string; keeper?: string; nowMs: number },
): Promise<{ id: string; token: string }> {
  if ((wish.role === 'agent') !== (wish.agent !== undefined) || (wish.role === 'keeper') !== (wish.keeper !== undefined))
    throw new Error('a token of the role agent or keeper names whose it is, others name nobody');
  const id = randomBytes(8).toString('hex');
  const token = `hf_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  await store
    .insertInto('tokens')
    .values({
      ...{ id, name: wish.name, role: wish.role, hash: sha256(token), agent: wish.agent ?? null, keeper: wish.keeper ?? null },
      ...{ created_ms: wish.nowMs, last_used_ms: null, revoked_ms: null },
    })
    .execute();
  return { id, token };
}

/** Who shows this token; null for a wrong or revoked one. */
export async function identityOfToken(store: Store, clock: ServiceClock, token: string): Promise<Identity | null> {
  const id = FORM.exec(token)?.[1];
  if (id === undefined) return null;
  const row = await store.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
  if (row?.revoked_ms !== null || !isSame(sha256(token), row.hash)) return null;
  const nowMs = clock.nowMs();
  if (row.last_used_ms === null || Math.abs(nowMs - row.last_used_ms) >= USED_STEP_MS) {
    await store.updateTable('tokens').set({ last_used_ms: nowMs }).where('id', '=', id).execute();
  }
  return { tokenId: id, name: row.name, role: row.role, agent: row.agent, keeper: row.keeper, csrf: null };
}

/** Ends a token and the browser sessions that it opened, at once. @throws AppError UNKNOWN_NAME */
export async function revokeToken(store: Store, id: string, nowMs: number): Promise<void> {
  const { numUpdatedRows } = await store
    .updateTable('tokens')
    .set({ revoked_ms: nowMs })
    .where('id', '=', id)
    .where('revoked_ms', 'is', null)
    .executeTakeFirst();
  await store.deleteFrom('browser_sessions').where('token_id', '=', id).execute();
  if (numUpdatedRows === 0n) throw new AppError('UNKNOWN_NAME', `there is no valid token with the id ${id}`);
}

/** Hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Whether two texts are the same, in a time that tells nothing about where they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
