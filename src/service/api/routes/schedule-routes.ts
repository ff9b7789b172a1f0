// Schedules: what runs by the clock; and periods: when alerts are annotated or no fault starts.
import { listOf, periodResource, type ScheduleResource, scheduleResource } from '../../../core/api.ts';
import { AppError } from '../../../core/errors.ts';
import { type PeriodSpec, periodSpec, type ScheduleSpec, scheduleSpec } from '../../../core/service-file.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { knownNames, sameName } from '../bodies.ts';
import { wholeList } from '../list-page.ts';
import { runOf } from '../resources.ts';
import { byName, nothing } from '../route-forms.ts';

type Deps = Pick<ApiParts, 'store' | 'parts' | 'catalogue' | 'clock'>;

export function scheduleRoutes(app: App, { store, parts, catalogue }: Deps): void {
  const tags = ['schedules'];
  const schedules = async (): Promise<ScheduleResource[]> => {
    const rows = await store.selectFrom('schedules').selectAll().orderBy('name').execute();
    return await Promise.all(
      rows.map(async (row) => {
        const spec = JSON.parse(row.spec) as ScheduleSpec;
        const last = await store
          .selectFrom('runs')
          .selectAll()
          .where('trigger', '=', `schedule ${row.name}`)
          .orderBy('due_ms', 'desc')
          .limit(1)
          .executeTakeFirst();
        const nextTickMs = parts.schedules.nextTickMs(spec);
        return { spec, origin: row.origin, lastTickMs: row.last_tick_ms, nextTickMs, lastRun: last ? runOf(last) : null };
      }),
    );
  };
  app.get(
    '/schedules',
    {
      config: { permission: 'viewer' },
      schema: { tags, summary: 'Schedules with their last run and next tick', response: { 200: listOf(scheduleResource) } },
    },
    async () => wholeList(await schedules()),
  );
  app.get(
    '/schedules/:name',
    { config: { permission: 'viewer' }, schema: { tags, summary: 'One schedule', params: byName, response: { 200: scheduleResource } } },
    async ({ params }) => {
      const found = (await schedules()).find(({ spec }) => spec.name === params.name);
      if (found) return found;
      throw new AppError('UNKNOWN_NAME', `there is no schedule ${params.name}`);
    },
  );
  app.put(
    '/schedules/:name',
    {
      config: { permission: 'operator' },
      schema: { tags, summary: 'Makes or changes a schedule', params: byName, body: scheduleSpec, response: { 204: nothing } },
    },
    async ({ params, body }, reply) => {
      sameName(params.name, body.name);
      knownNames([
        { path: 'body.scenario', name: body.scenario, known: catalogue.scenarios.keys(), what: 'a scenario' },
        { path: 'body.environment', name: body.environment, known: catalogue.environments.keys(), what: 'an environment' },
      ]);
      await parts.schedules.put(body, 'api');
      return await reply.code(204).send(undefined);
    },
  );
  app.delete(
    '/schedules/:name',
    { config: { permission: 'operator' }, schema: { tags, summary: 'Ends a schedule', params: byName, response: { 204: nothing } } },
    async ({ params }, reply) => {
      await parts.schedules.remove(params.name);
      return await reply.code(204).send(undefined);
    },
  );
}

export function periodRoutes(app: App, { store, parts, clock }: Deps): void {
  const tags = ['periods'];
  app.get(
    '/periods',
    {
      config: { permission: 'viewer' },
      schema: { tags, summary: 'Maintenance and freeze periods', response: { 200: listOf(periodResource) } },
    },
    async () => {
      const nowMs = clock.nowMs();
      const rows = await store.selectFrom('periods').selectAll().orderBy('from_ms', 'desc').orderBy('name').execute();
      return wholeList(
        rows.map(({ spec, origin, from_ms, until_ms }) => ({
          ...{ spec: JSON.parse(spec) as PeriodSpec, origin },
          isNow: from_ms <= nowMs && nowMs < until_ms,
        })),
      );
    },
  );
  app.put(
    '/periods/:name',
    {
      config: { permission: 'operator' },
      schema: { tags, summary: 'Makes or changes a period', params: byName, body: periodSpec, response: { 204: nothing } },
    },
    async ({ params, body }, reply) => {
      sameName(params.name, body.name);
      await parts.alerts.putPeriod(body, 'api');
      return await reply.code(204).send(undefined);
    },
  );
  app.delete(
    '/periods/:name',
    { config: { permission: 'operator' }, schema: { tags, summary: 'Ends a period', params: byName, response: { 204: nothing } } },
    async ({ params }, reply) => {
      await parts.alerts.removePeriod(params.name);
      return await reply.code(204).send(undefined);
    },
  );
}
