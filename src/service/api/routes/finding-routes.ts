// Findings: what monitors saw, newest first, and each with its windows and ledgers.
import { finding } from '../../../core/finding.ts';
import { findingQuery, listOf } from '../../../core/api.ts';
import { AppError } from '../../../core/errors.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { listQuery, pageOf, placeOf } from '../list-page.ts';
import { findingOf } from '../resources.ts';
import { byId } from '../route-forms.ts';

export function findingRoutes(app: App, api: Pick<ApiParts, 'store'>): void {
  const tags = ['findings'];
  app.get(
    '/findings',
    {
      config: { permission: 'viewer' },
      schema: {
        ...{ tags, summary: 'Findings, newest first, without their windows' },
        ...{ querystring: listQuery.extend(findingQuery.shape), response: { 200: listOf(finding) } },
      },
    },
    async ({ query: { cursor, limit, state, monitor, kind } }) => {
      const from = placeOf(cursor);
      let query = api.store.selectFrom('findings').select(['id', 'opened_ms', 'json']);
      if (state !== undefined) query = query.where('state', '=', state);
      if (monitor !== undefined) query = query.where('monitor', '=', monitor);
      if (kind !== undefined) query = query.where('kind', '=', kind);
      if (from !== null) {
        query = query.where((eb) =>
          eb.or([eb('opened_ms', '<', from.ms), eb.and([eb('opened_ms', '=', from.ms), eb('id', '<', from.id)])]),
        );
      }
      const rows = await query
        .orderBy('opened_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, { limit, place: ({ opened_ms, id }) => ({ ms: opened_ms, id }), item: (row) => findingOf(row, false) });
    },
  );
  app.get(
    '/findings/:id',
    {
      config: { permission: 'viewer' },
      schema: { tags, summary: 'One finding with its windows', params: byId, response: { 200: finding } },
    },
    async ({ params: { id } }) => {
      const row = await api.store.selectFrom('findings').select('json').where('id', '=', id).executeTakeFirst();
      if (row) return findingOf(row, true);
      throw new AppError('UNKNOWN_NAME', 'there is no such finding; it may have been too old to be kept');
    },
  );
}
