// A run's files as they lie in its folder: reports, flows and the journal, streamed.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import { REPORT_POLICY } from '../answer-headers.ts';
import type { ApiParts, App } from '../api-parts.ts';

/** The only names that are ever opened; what a caller writes is compared with them and never becomes part of a path. */
const FILES = {
  'report.json': 'application/json; charset=utf-8',
  'report.html': 'text/html; charset=utf-8',
  'junit.xml': 'application/xml; charset=utf-8',
  'flows.ndjson': 'application/x-ndjson; charset=utf-8',
  'journal.ndjson': 'application/x-ndjson; charset=utf-8',
} as const;
type RunFile = keyof typeof FILES;

export function runFileRoutes(app: App, { store }: Pick<ApiParts, 'store'>): void {
  app.get(
    '/runs/:id/:file',
    {
      config: { permission: 'viewer' },
      schema: {
        ...{ tags: ['runs'], summary: 'A file of a run; the journal also while it runs' },
        params: z.object({ id: z.string().min(1).max(300), file: z.enum(Object.keys(FILES) as [RunFile, ...RunFile[]]) }),
        response: { 200: z.unknown().meta({ description: 'The file.' }) },
      },
    },
    async ({ params: { id, file } }, reply) => {
      const row = await store.selectFrom('runs').select(['folder', 'state']).where('id', '=', id).executeTakeFirst();
      if (!row) throw new AppError('UNKNOWN_NAME', 'there is no such run; it may have been too old to be kept');
      const handle = row.folder === null ? null : await openFile(join(row.folder, file));
      if (handle === null) throw new AppError('UNKNOWN_NAME', `the run has no ${file}${row.state === 'running' ? ' yet' : ''}`);
      const { size } = await handle.stat();
      if (file === 'report.html') void reply.header('content-security-policy', REPORT_POLICY);
      void reply.type(FILES[file]).header('content-length', String(size));
      // A journal that still grows is told up to where it is now.
      return await reply.send(size === 0 ? await emptied(handle) : handle.createReadStream({ end: size - 1 }));
    },
  );
}

/** Null when it is not there, or is anything but a file: a link in a run's folder leads to nothing of ours. */
async function openFile(path: string): Promise<FileHandle | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return null;
    throw error;
  }
}

async function emptied(handle: FileHandle): Promise<string> {
  await handle.close();
  return '';
}
