// A tiny repository in a temporary folder, with mistakes planted in it, on which the real guards are let loose.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { tryCommand } from '../../src/io/command.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/** Libraries that have one home in src/cluster, src/service or src/ui, by which each is planted elsewhere. */
export const SERVICE_LIBRARIES = [
  '@fastify/cookie',
  '@kubernetes/client-node',
  'bullmq',
  'croner',
  'fastify',
  'fastify-type-provider-zod',
  'ioredis',
  'kysely',
  'preact',
  'prom-client',
  'standardwebhooks',
  'undici',
] as const;
const LIBRARIES = ['commander', 'ipaddr.js', 'yaml', 'zod', 'leftpad', ...SERVICE_LIBRARIES];

const COMMON = {
  'package.json': JSON.stringify({
    name: 'planted',
    type: 'module',
    scripts: { holdfast: 'node src/cli/main.ts' },
    dependencies: Object.fromEntries(LIBRARIES.map((library) => [library, '1.0.0'])),
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      strict: true,
      target: 'es2024',
      module: 'nodenext',
      noEmit: true,
      types: [],
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      noUncheckedIndexedAccess: true,
    },
    include: ['src', 'test'],
  }),
};

export type PlantedTree = {
  /** Runs one of this repository's tools in the tree, with this repository's configuration. */
  run(tool: string, args: readonly string[]): Promise<{ code: number; output: string }>;
  [Symbol.dispose](): void;
};

/** `files` by path; each is written as it is. */
export function plantedTree(files: Readonly<Record<string, string>>): PlantedTree {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-planted-'));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const [path, text] of Object.entries({ ...COMMON, ...files })) write(path, text);
  for (const library of LIBRARIES) {
    write(
      `node_modules/${library}/package.json`,
      JSON.stringify({ name: library, version: '1.0.0', type: 'module', exports: './index.js' }),
    );
    write(`node_modules/${library}/index.js`, 'export const it = 1;\n');
  }
  return {
    async run(tool, args) {
      const argv = ['env', '-C', folder, join(REPOSITORY, 'node_modules/.bin', tool), ...args] as const;
      const { code, stdout, stderr } = await tryCommand(argv, { timeoutMs: 60_000 });
      return { code, output: stdout + stderr };
    },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true });
    },
  };
}

/** A file of this repository's own configuration. */
export function configFile(name: string): string {
  return join(REPOSITORY, '.config', name);
}
