// Monitors: what is held all day, and how it is now.
import { listOf, monitorStatus } from '../../../core/api.ts';
import { AppError } from '../../../core/errors.ts';
import { monitorSpec } from '../../../core/service-file.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { sameName } from '../bodies.ts';
import { wholeList } from '../list-page.ts';
import { byName, nothing } from '../route-forms.ts';

export function monitorRoutes(app: App, { parts }: Pick<ApiParts, 'parts'>): void {
  const tags = ['monitors'];
  const statusOf = (name: string) => {
    const found = parts.monitors.status().find((each) => each.name === name);
    if (found) return found;
    throw new AppError('UNKNOWN_NAME', `there is no monitor ${name}`);
  };

  app.get(
    '/monitors',
    {
      config: { permission: 'viewer' },
      schema: { tags, summary: 'All monitors as they are now', response: { 200: listOf(monitorStatus) } },
    },
    () => wholeList(parts.monitors.status()),
  );
  app.get(
    '/monitors/:name',
    {
      config: { permission: 'viewer' },
      schema: { tags, summary: 'One monitor as it is now', params: byName, response: { 200: monitorStatus } },
    },
    ({ params }) => statusOf(params.name),
  );
  app.put(
    '/monitors/:name',
    {
      config: { permission: 'operator' },
      schema: { tags, summary: 'Makes or changes a monitor', params: byName, body: monitorSpec, response: { 204: nothing } },
    },
    async ({ params, body }, reply) => {
      sameName(params.name, body.name);
      await parts.monitors.put(body, 'api');
      return await reply.code(204).send(undefined);
    },
  );
  app.delete(
    '/monitors/:name',
    { config: { permission: 'operator' }, schema: { tags, summary: 'Ends a monitor', params: byName, response: { 204: nothing } } },
    async ({ params }, reply) => {
      await parts.monitors.remove(params.name);
      return await reply.code(204).send(undefined);
    },
  );
  for (const [act, isPaused] of [['pause', true] as const, ['resume', false] as const]) {
    app.post(
      `/monitors/:name/${act}`,
      {
        config: { permission: 'operator' },
        schema: { tags, summary: isPaused ? 'Stops holding for a while' : 'Holds again', params: byName, response: { 204: nothing } },
      },
      async ({ params }, reply) => {
        statusOf(params.name);
        await parts.monitors.pause(params.name, isPaused);
        return await reply.code(204).send(undefined);
      },
    );
  }
}
