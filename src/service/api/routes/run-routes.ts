// Runs: their history, what one would do, starting and cancelling.
import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { listOf, runPlan, runRequest, runResource } from '../../../core/api.ts';
import { AppError } from '../../../core/errors.ts';
import { RUN_STATES } from '../../store/tables.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { knownNames } from '../bodies.ts';
import { callerOf } from '../callers.ts';
import { listQuery, pageOf, placeOf } from '../list-page.ts';
import { runOf } from '../resources.ts';
import { byId, nothing } from '../route-forms.ts';

const filters = z.object({
  state: z.enum(RUN_STATES).optional(),
  scenario: z.string().max(63).optional(),
  environment: z.string().max(63).optional(),
});
const planRequest = runRequest.pick({ scenario: true, environment: true, seed: true });

export function runRoutes(app: App, api: ApiParts): void {
  const { store, parts } = api;
  const tags = ['runs'];
  app.get(
    '/runs',
    {
      config: { permission: 'viewer' },
      schema: {
        ...{ tags, summary: 'Runs, newest first' },
        ...{ querystring: listQuery.extend(filters.shape), response: { 200: listOf(runResource) } },
      },
    },
    async ({ query: { cursor, limit, state, scenario, environment } }) => {
      const from = placeOf(cursor);
      let query = store.selectFrom('runs').selectAll();
      if (state !== undefined) query = query.where('state', '=', state);
      if (scenario !== undefined) query = query.where('scenario', '=', scenario);
      if (environment !== undefined) query = query.where('environment', '=', environment);
      if (from !== null) {
        query = query.where((eb) => eb.or([eb('due_ms', '<', from.ms), eb.and([eb('due_ms', '=', from.ms), eb('id', '<', from.id)])]));
      }
      const rows = await query
        .orderBy('due_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, { limit, place: ({ due_ms, id }) => ({ ms: due_ms, id }), item: runOf });
    },
  );
  app.get(
    '/runs/:id',
    { config: { permission: 'viewer' }, schema: { tags, summary: 'One run', params: byId, response: { 200: runResource } } },
    ({ params }) => runWithId(api, params.id),
  );
  app.post(
    '/runs/plan',
    {
      config: { permission: 'operator' },
      schema: { tags, summary: 'What a run would do and whether its keeper would let it', body: planRequest, response: { 200: runPlan } },
    },
    async ({ body: { scenario, environment, seed } }) => {
      checkNames(api, { scenario, environment });
      return { text: await parts.runs.plan(scenario, environment, seed ?? 1) };
    },
  );
  app.post(
    '/runs',
    {
      config: { permission: 'operator' },
      schema: {
        ...{ tags, summary: 'Starts a run, once for an idempotency key (also as the header Idempotency-Key)' },
        ...{ body: runRequest, response: { 200: runResource, 201: runResource } },
      },
    },
    async (request, reply) => {
      const { scenario, environment, overlap } = request.body;
      checkNames(api, { scenario, environment });
      const caller = callerOf(request);
      const id = runId(caller.tokenId, keyOf(request.headers['idempotency-key']) ?? request.body.idempotencyKey);
      const { isNew } = await parts.runs.request({
        ...{ id, scenario, environment, overlap, trigger: `token ${caller.name}`, dueMs: api.clock.nowMs() },
        seed: request.body.seed ?? seedOf(id),
      });
      const run = await runWithId(api, id);
      if (run.scenario !== scenario || run.environment !== environment) {
        throw new AppError('CONFLICT', `this idempotency key started ${run.scenario} on ${run.environment}`, { remedy: 'use a new key' });
      }
      return await reply.code(isNew ? 201 : 200).send(run);
    },
  );
  app.post(
    '/runs/:id/cancel',
    {
      config: { permission: 'operator' },
      schema: { tags, summary: 'Reverts what the run broke, then ends it with its report', params: byId, response: { 202: nothing } },
    },
    async (request, reply) => {
      await parts.runs.cancel(request.params.id, callerOf(request).name);
      return await reply.code(202).send(undefined);
    },
  );
}

/** @throws AppError UNKNOWN_NAME */
async function runWithId({ store }: Pick<ApiParts, 'store'>, id: string) {
  const row = await store.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
  if (row) return runOf(row);
  throw new AppError('UNKNOWN_NAME', 'there is no such run; it may have been too old to be kept');
}

function checkNames(
  { catalogue }: Pick<ApiParts, 'catalogue'>,
  { scenario, environment }: { scenario: string; environment: string },
): void {
  knownNames([
    { path: 'body.scenario', name: scenario, known: catalogue.scenarios.keys(), what: 'a scenario' },
    { path: 'body.environment', name: environment, known: catalogue.environments.keys(), what: 'an environment' },
  ]);
}

function keyOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header.slice(0, 128) : undefined;
}

/** The same for the same key of the same caller: the second request finds the first one's run. */
function runId(caller: string, key: string | undefined): string {
  if (key === undefined) return `api-${randomUUID()}`;
  return `api-${createHash('sha256').update(`${caller} ${key}`).digest('hex').slice(0, 32)}`;
}

/** A seed for who names none; it stands in the run and its journal. */
export function seedOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0);
}
