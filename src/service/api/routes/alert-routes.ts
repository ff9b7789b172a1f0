// Alerts and what was told of them: deliveries that can be sent again, and samples to a destination.
import { z } from 'zod';
import { alertResource, deliveryResource, listOf } from '../../../core/api.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { listQuery, pageOf, placeOf } from '../list-page.ts';
import { alertOf, deliveryOf } from '../resources.ts';
import { byId, byName, nothing } from '../route-forms.ts';

export function alertRoutes(app: App, { store, parts }: Pick<ApiParts, 'store' | 'parts'>): void {
  const tags = ['alerts'];
  app.get(
    '/alerts',
    {
      config: { permission: 'viewer' },
      schema: {
        ...{ tags, summary: 'Alerts, newest first', response: { 200: listOf(alertResource) } },
        querystring: listQuery.extend({ state: z.enum(['waiting', 'open', 'resolved']).optional() }),
      },
    },
    async ({ query: { cursor, limit, state } }) => {
      const from = placeOf(cursor);
      let query = store.selectFrom('alerts').selectAll();
      if (state !== undefined) query = query.where('state', '=', state);
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
      return pageOf(rows, { limit, place: ({ opened_ms, id }) => ({ ms: opened_ms, id }), item: alertOf });
    },
  );
  app.get(
    '/deliveries',
    {
      config: { permission: 'viewer' },
      schema: {
        ...{ tags, summary: 'Deliveries of the outbox, newest first', response: { 200: listOf(deliveryResource) } },
        querystring: listQuery.extend({ state: deliveryResource.shape.state.optional() }),
      },
    },
    async ({ query: { cursor, limit, state } }) => {
      const from = placeOf(cursor);
      let query = store.selectFrom('deliveries').selectAll();
      if (state !== undefined) query = query.where('state', '=', state);
      if (from !== null) {
        query = query.where((eb) =>
          eb.or([eb('created_ms', '<', from.ms), eb.and([eb('created_ms', '=', from.ms), eb('id', '<', from.id)])]),
        );
      }
      const rows = await query
        .orderBy('created_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, { limit, place: ({ created_ms, id }) => ({ ms: created_ms, id }), item: deliveryOf });
    },
  );
  app.post(
    '/deliveries/:id/resend',
    {
      config: { permission: 'operator' },
      schema: { tags, summary: 'Tries a delivery again now', params: byId, response: { 202: nothing } },
    },
    async ({ params }, reply) => {
      await parts.alerts.resend(params.id);
      return await reply.code(202).send(undefined);
    },
  );
  app.post(
    '/destinations/:name/test',
    {
      config: { permission: 'operator' },
      schema: { tags, summary: 'Sends a sample to a destination', params: byName, response: { 202: z.object({ delivery: z.string() }) } },
    },
    async ({ params }, reply) => reply.code(202).send({ delivery: await parts.alerts.test(params.name) }),
  );
}
