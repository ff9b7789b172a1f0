import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { configFile, plantedTree, SERVICE_LIBRARIES } from './planted-tree.ts';

// Every guard must see what it is there for: each is let loose on a small tree in which the violation was planted.

type Violation = { rule: { name: string }; from: string };
type Cruised = { summary: { violations: Violation[]; totalCruised: number; ruleSetUsed: { forbidden: { name: string }[] } } };

const ARROWS = ['--config', configFile('dependency-cruiser.cjs'), '--output-type', 'json', 'src', 'test'];
const SEAM = "import { a } from './a.ts';\nimport { b } from './b.ts';\nexport const LIST = [a, b];\n";
const uses = (path: string) => `import { it } from '${path}';\nexport const that = it;\n`;
const IT = 'export const it = 1;\n';

/** File by file, the one violation that each holds. */
const PLANTED: Readonly<Record<string, { text: string; rule: string }>> = {
  'src/core/reads-lab.ts': { text: uses('../lab/it.ts'), rule: 'arrows-of-core' },
  'src/io/reads-runner.ts': { text: uses('../runner/it.ts'), rule: 'arrows-of-io' },
  'src/analysis/reads-report.ts': { text: uses('../report/it.ts'), rule: 'arrows-of-analysis' },
  'src/report/reads-runner.ts': { text: uses('../runner/it.ts'), rule: 'arrows-of-report' },
  'src/prober/reads-responder.ts': { text: uses('../responder/it.ts'), rule: 'arrows-of-prober' },
  'src/responder/reads-prober.ts': { text: uses('../prober/it.ts'), rule: 'arrows-of-responder' },
  'src/routers/reads-lab.ts': { text: uses('../lab/it.ts'), rule: 'arrows-of-routers' },
  'src/cluster/reads-lab.ts': { text: uses('../lab/it.ts'), rule: 'arrows-of-cluster' },
  'src/observers/reads-routers.ts': { text: uses('../routers/it.ts'), rule: 'arrows-of-observers' },
  'src/lab/reads-keeper.ts': { text: uses('../keeper/it.ts'), rule: 'arrows-of-lab' },
  'src/keeper/reads-runner.ts': { text: uses('../runner/it.ts'), rule: 'arrows-of-keeper' },
  'src/runner/type-of-keeper.ts': {
    text: "import type { It } from '../keeper/it.ts';\nexport type That = It;\n",
    rule: 'arrows-of-runner',
  },
  'src/agent/reads-service.ts': { text: uses('../service/it.ts'), rule: 'arrows-of-agent' },
  'src/service/reads-keeper.ts': { text: uses('../keeper/it.ts'), rule: 'arrows-of-service' },
  'src/ui/reads-service.ts': { text: uses('../service/it.ts'), rule: 'arrows-of-ui' },
  ...Object.fromEntries(
    SERVICE_LIBRARIES.map((library) => [
      `src/lab/speaks-${library.replace('@', 'at-').replace(/\/.*/, '')}.ts`,
      { text: uses(library), rule: `home-of-${library.replace(/\/.*/, '')}` },
    ]),
  ),
  'src/lab/speaks-commander.ts': { text: uses('commander'), rule: 'home-of-commander' },
  'src/lab/speaks-ipaddr.ts': { text: uses('ipaddr.js'), rule: 'home-of-ipaddr.js' },
  'src/cli/speaks-yaml.ts': { text: uses('yaml'), rule: 'home-of-yaml' },
  'src/report/speaks-zod.ts': { text: uses('zod'), rule: 'home-of-zod' },
  'src/cli/speaks-leftpad.ts': { text: uses('leftpad'), rule: 'library-has-a-home' },
  'src/cli/speaks-nothing.ts': { text: uses('./not-there.ts'), rule: 'resolvable' },
  'src/analysis/reads-disk.ts': {
    text: "import { readFileSync } from 'node:fs';\nexport const it = readFileSync;\n",
    rule: 'pure-rooms-know-no-machine',
  },
  'src/attic/it.ts': { text: uses('../core/it.ts'), rule: 'room-is-known' },
  'src/cli/about.ts': { text: "import type { Round } from './round.ts';\nexport type About = Round;\n", rule: 'no-cycles' },
  'src/prober/protocols/b.ts': { text: "import { a } from './a.ts';\nexport const b = a;\n", rule: 'seam-src-prober-protocols' },
  'src/keeper/faults/b.ts': { text: "import { a } from './a.ts';\nexport const b = a;\n", rule: 'seam-src-keeper-faults' },
  'src/routers/b.ts': { text: "import { a } from './a.ts';\nexport const b = a;\n", rule: 'seam-src-routers' },
  'src/observers/b.ts': { text: "import { a } from './a.ts';\nexport const b = a;\n", rule: 'seam-src-observers' },
  'src/service/notifiers/b.ts': { text: "import { a } from './a.ts';\nexport const b = a;\n", rule: 'seam-src-service-notifiers' },
  'test/truth/oracle.ts': { text: uses('../../src/analysis/it.ts'), rule: 'oracle-stands-alone' },
};
const ROOMS = [
  'core',
  'io',
  'analysis',
  'report',
  'prober',
  'responder',
  'routers',
  'cluster',
  'observers',
  'lab',
  'keeper',
  'runner',
  'cli',
  'agent',
  'service',
  'ui',
];
const SEAMS = ['src/prober/protocols', 'src/keeper/faults', 'src/routers', 'src/observers', 'src/service/notifiers'];
const SOUND: Readonly<Record<string, string>> = Object.fromEntries([
  ...ROOMS.map((room) => [`src/${room}/it.ts`, 'export const it = 1;\nexport type It = number;\n'] as const),
  ...SEAMS.flatMap((folder) => [
    [`${folder}/index.ts`, SEAM] as const,
    [`${folder}/a.ts`, 'export const a = 1;\n'] as const,
    [`${folder}/b.ts`, 'export const b = 2;\n'] as const,
  ]),
  ['src/cli/wires.ts', uses('../keeper/it.ts')],
  ['src/cli/round.ts', "import type { About } from './about.ts';\nexport type Round = About;\n"],
  ['src/cli/about.ts', 'export type About = number;\n'],
  ['test/truth/oracle.test.ts', uses('../../src/analysis/it.ts')],
]);

test('every arrow that is drawn nowhere is found, in the file that has it, by the rule that forbids it; no rule is without its proof', async () => {
  using tree = plantedTree({ ...SOUND, ...Object.fromEntries(Object.entries(PLANTED).map(([path, { text }]) => [path, text])) });
  const { output } = await tree.run('depcruise', ARROWS);
  const { violations, ruleSetUsed } = (JSON.parse(output) as Cruised).summary;
  const found = violations.map(({ rule, from }) => `${from}: ${rule.name}`);
  const planted = Object.entries(PLANTED).map(([path, { rule }]) => `${path}: ${rule}`);
  expect([...new Set(found)].sort()).toEqual(planted.sort());
  const proved = new Set(Object.values(PLANTED).map(({ rule }) => rule));
  expect(ruleSetUsed.forbidden.map(({ name }) => name).sort()).toEqual([...proved].sort());
});

test('a sound tree passes, and not because nothing was looked at', async () => {
  using tree = plantedTree(SOUND);
  const { code, output } = await tree.run('depcruise', ARROWS);
  const { summary } = JSON.parse(output) as Cruised;
  expect({ code, violations: summary.violations }).toEqual({ code: 0, violations: [] });
  expect(summary.totalCruised).toBeGreaterThanOrEqual(Object.keys(SOUND).length);
});

test('lint finds what would leak a flow, forget a case, or read the environment outside the cli', async () => {
  const planted: Readonly<Record<string, { text: string; rule: string }>> = {
    'src/lab/forgotten-promise.ts': {
      text: 'export function it(act: () => Promise<void>): void {\n  act();\n}\n',
      rule: '@typescript-eslint/no-floating-promises',
    },
    'src/lab/misused-promise.ts': {
      text: 'export function it(items: string[], act: () => Promise<void>): void {\n  items.forEach(act);\n}\n',
      rule: '@typescript-eslint/no-misused-promises',
    },
    'src/lab/missing-case.ts': {
      text: "export function it(side: 'a' | 'b'): number {\n  switch (side) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}\n",
      rule: '@typescript-eslint/switch-exhaustiveness-check',
    },
    'src/lab/environment.ts': { text: "export const it = process.env['HOME'];\n", rule: 'no-restricted-properties' },
    'src/lab/takes-environment.ts': { text: 'export const { env } = process;\n', rule: 'no-restricted-properties' },
    'src/lab/ends.ts': { text: 'export function it(): void {\n  process.exit(0);\n}\n', rule: 'no-restricted-properties' },
    'src/lab/imports-process.ts': { text: "import { env } from 'node:process';\nexport const it = env;\n", rule: 'no-restricted-imports' },
    'src/lab/default-export.ts': { text: 'export default 1;\n', rule: 'no-restricted-syntax' },
    'src/lab/default-in-disguise.ts': { text: `${IT}export { it as default };\n`, rule: 'no-restricted-syntax' },
    'src/lab/any.ts': { text: 'export const it: any = 1;\n', rule: '@typescript-eslint/no-explicit-any' },
  };
  const allowed = { 'src/cli/it.ts': 'declare const process: { exit(code: number): void };\nprocess.exit(0);\n' };
  using tree = plantedTree({ ...allowed, ...Object.fromEntries(Object.entries(planted).map(([path, { text }]) => [path, text])) });
  const { output } = await tree.run('eslint', ['-c', configFile('eslint.config.js'), '--format', 'json', 'src']);
  const results = JSON.parse(output) as { filePath: string; messages: { ruleId: string }[] }[];
  const rulesIn = (path: string) => results.find(({ filePath }) => filePath.endsWith(path))?.messages.map(({ ruleId }) => ruleId);
  for (const [path, { rule }] of Object.entries(planted)) {
    expect({ path, rules: rulesIn(path) }).toEqual({ path, rules: expect.arrayContaining([rule]) as string[] });
  }
  expect(rulesIn('src/cli/it.ts')).toEqual([]);
});

test('the compiler refuses what Node could not strip', async () => {
  using tree = plantedTree({
    'src/core/it.ts': 'export enum Side {\n  a,\n}\nexport class It {\n  constructor(private a: number) {}\n}\n',
  });
  const { code, output } = await tree.run('tsc', ['-p', '.']);
  expect(code).not.toBe(0);
  expect(output).toMatch(/it\.ts\(1,13\): error TS1294/);
  expect(output).toMatch(/it\.ts\(5,15\): error TS1294/);
});

test('knip finds a file, an export and a dependency that nothing uses', async () => {
  using tree = plantedTree({
    'src/cli/main.ts': "import { used } from '../core/words.ts';\nimport { it } from 'commander';\nconsole.log(used, it);\n",
    'src/core/words.ts': 'export const used = 1;\nexport const unused = 2;\nexport type Unused = string;\n',
    'src/core/orphan.ts': IT,
  });
  const { code, output } = await tree.run('knip', ['--config', configFile('knip.json'), '--reporter', 'json']);
  expect(code).not.toBe(0);
  for (const name of ['orphan.ts', '"unused"', '"Unused"', 'leftpad']) expect(output).toContain(name);
  expect(output).not.toContain('"used"');
});

test('a file that is not laid out as agreed is found', async () => {
  using tree = plantedTree({ 'src/core/it.ts': 'export const it = "1"\n' });
  const { code, output } = await tree.run('prettier', ['--check', 'src']);
  expect({ code, isNamed: output.includes('src/core/it.ts') }).toEqual({ code: 1, isNamed: true });
});

test('the guards look at this repository with the rules that are proved here', () => {
  const { scripts } = createRequire(import.meta.url)('../../package.json') as { scripts: Record<string, string> };
  expect(scripts).toMatchObject({
    lint: expect.stringContaining('-c .config/eslint.config.js --max-warnings 0 src test') as string,
    arrows: 'depcruise --config .config/dependency-cruiser.cjs src test',
    unused: 'knip --config .config/knip.json',
    typecheck: expect.stringMatching(/^tsc -p \. /) as string,
  });
});
