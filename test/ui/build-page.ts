// Builds the page into a folder of its own, as `npm run page` does into dist/ui.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

export type BuiltPage = AsyncDisposable & { folder: string };

export async function buildPage(): Promise<BuiltPage> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-ui-'));
  const options = ['--config', '.config/vite.config.ts', '--logLevel', 'warn', '--outDir', folder, '--emptyOutDir'];
  // A test's NODE_ENV would build another page than people get.
  const env = { ...process.env, NODE_ENV: 'production' };
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/vite'), ['build', ...options], { cwd: ROOT, env });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
