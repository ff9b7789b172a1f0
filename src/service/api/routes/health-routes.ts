// Is the service alive, is it ready, and its metrics: what supervisors and Prometheus ask.
import { z } from 'zod';
import type { ApiParts, App } from '../api-parts.ts';
import { healthOf } from './overview-routes.ts';
import { isAllowed } from '../permissions.ts';

const text = z.string().meta({ description: 'A line.' });

export function healthRoutes(app: App, api: ApiParts): void {
  const tags = ['health'];
  app.get(
    '/healthz',
    { config: { permission: 'public' }, schema: { tags, summary: 'Alive', response: { 200: text } } },
    async (_request, reply) => await reply.type('text/plain').send('ok\n'),
  );
  app.get(
    '/readyz',
    {
      config: { permission: 'public' },
      schema: { tags, summary: 'Ready; to a viewer also why not', response: { 200: text, 503: text } },
    },
    async (request, reply) => {
      const { isReady, problems } = await readiness(api);
      // Strangers are told no more than they need; what ails us names nodes and queues.
      const told = isAllowed('viewer', request.identity, false) ? problems : [];
      return await reply
        .code(isReady ? 200 : 503)
        .type('text/plain')
        .send([isReady ? 'ready' : 'not ready', ...told, ''].join('\n'));
    },
  );
  app.get(
    '/metrics',
    {
      config: { permission: 'viewer-or-socket' },
      schema: { tags, summary: 'Metrics for Prometheus, with a viewer’s token or on the service’s Unix socket', response: { 200: text } },
    },
    async (_request, reply) => reply.type(api.metrics.contentType).send(await api.metrics.text()),
  );
}

async function readiness(api: ApiParts): Promise<{ isReady: boolean; problems: string[] }> {
  try {
    const { problems } = await healthOf(api);
    return { isReady: api.parts.queues.isRedisUp(), problems };
  } catch (error) {
    api.log(`the store does not answer: ${error instanceof Error ? error.message : String(error)}`);
    return { isReady: false, problems: ['The history store does not answer.'] };
  }
}
