// Tokens: made, listed and revoked by administrators.
import { z } from 'zod';
import { listOf, tokenResource } from '../../../core/api.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { wholeList } from '../list-page.ts';
import { byId, nothing } from '../route-forms.ts';
import { createToken, revokeToken } from '../tokens.ts';

/** Agents get theirs when they are admitted. */
const tokenRequest = z.strictObject({ name: z.string().min(1).max(63), role: z.enum(['viewer', 'operator', 'admin']) });

export function tokenRoutes(app: App, { store, clock }: Pick<ApiParts, 'store' | 'clock'>): void {
  const tags = ['tokens'];
  app.get(
    '/tokens',
    {
      config: { permission: 'admin' },
      schema: { tags, summary: 'All tokens, without their secrets', response: { 200: listOf(tokenResource) } },
    },
    async () => {
      const rows = await store.selectFrom('tokens').selectAll().orderBy('created_ms', 'desc').orderBy('id').execute();
      return wholeList(
        rows.map(({ id, name, role, agent, created_ms, last_used_ms, revoked_ms }) => ({
          ...{ id, name, role, agent, createdMs: created_ms, lastUsedMs: last_used_ms, revokedMs: revoked_ms },
        })),
      );
    },
  );
  app.post(
    '/tokens',
    {
      config: { permission: 'admin' },
      schema: {
        ...{ tags, summary: 'Makes a token; it is told here once' },
        ...{ body: tokenRequest, response: { 201: z.object({ id: z.string(), token: z.string() }) } },
      },
    },
    async ({ body }, reply) => reply.code(201).send(await createToken(store, { ...body, nowMs: clock.nowMs() })),
  );
  app.delete(
    '/tokens/:id',
    {
      config: { permission: 'admin' },
      schema: { tags, summary: 'Ends a token and its sessions at once', params: byId, response: { 204: nothing } },
    },
    async ({ params }, reply) => {
      await revokeToken(store, params.id, clock.nowMs());
      return await reply.code(204).send(undefined);
    },
  );
}
