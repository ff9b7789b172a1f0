// The page: files that Vite built, public, since all they show is asked from the API.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { AppError } from '../../../core/errors.ts';
import type { ApiParts, App } from '../api-parts.ts';

export async function pageRoutes(app: App, { uiFolder }: Pick<ApiParts, 'uiFolder'>): Promise<void> {
  // Only its `sendFile` is used: routes of its own would declare no permission.
  await app.register(fastifyStatic, { root: uiFolder, serve: false, dotfiles: 'ignore', index: false });
  const page = { config: { permission: 'public' as const }, schema: { hide: true } };
  app.get('/', page, (_request, reply) => {
    if (!existsSync(join(uiFolder, 'index.html'))) {
      throw new AppError('CONFLICT', 'the page is not built; the API below /api/v1 works without it', { remedy: 'npm run page' });
    }
    return reply.sendFile('index.html', { cacheControl: false });
  });
  app.get<{ Params: { '*': string } }>('/*', page, (request, reply) => {
    const file = request.params['*'];
    if (file === '' || file.startsWith('api/') || file.startsWith('hooks/')) {
      reply.callNotFound();
      return reply;
    }
    // Built files are named after their content: such a name never means anything else.
    const isForever = file.startsWith('assets/');
    return reply.sendFile(file, isForever ? { maxAge: '365d', immutable: true } : { cacheControl: false });
  });
}
