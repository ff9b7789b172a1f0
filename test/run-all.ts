// `npm test`: every guard, then every test that needs neither a service nor a cluster; `npm run test:service` and `npm run test:cluster`: those.
// Ends with one line that says how many passed, failed and were skipped.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Counts = { passed: number; failed: number; skipped: string[] };
type Step = { name: string; argv: readonly [string, ...string[]] };
type Outcome = { name: string; counts: Counts; seconds: number; output: string };

const GUARDS: readonly Step[] = [
  { name: 'lint', argv: ['npm', 'run', '-s', 'lint'] },
  { name: 'format', argv: ['npm', 'run', '-s', 'format:check'] },
  { name: 'types', argv: ['npm', 'run', '-s', 'typecheck'] },
  { name: 'arrows', argv: ['npm', 'run', '-s', 'arrows'] },
  { name: 'unused code', argv: ['npm', 'run', '-s', 'unused'] },
];
/** Labs of an ordinary user need namespaces of their own. */
const IN_LAB_HOST = ['node', 'test/support/in-lab-host.ts', 'vitest'] as const;
const PROJECTS = { unit: ['vitest'], lab: IN_LAB_HOST, service: IN_LAB_HOST, cluster: IN_LAB_HOST } as const;
const OF_NPM_TEST = ['guards', 'unit', 'lab'] as const;
const ELSEWHERE = ['service', 'cluster'] as const;

async function main(only: string | undefined): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const part of only === undefined ? OF_NPM_TEST : [...OF_NPM_TEST, ...ELSEWHERE].filter((each) => each === only)) {
    outcomes.push(...(part === 'guards' ? await inTwoLanes(GUARDS.map((step) => () => guard(step))) : [await tests(part)]));
  }
  process.stdout.write(`\n${outcomes.map(line).join('\n')}\n`);
  const skipped = outcomes.flatMap(({ counts }) => counts.skipped);
  for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
  if (only === undefined) {
    process.stdout.write('not run here: tests of the service (npm run test:service) and of a real cluster (npm run test:cluster)\n');
  }
  const sum = (key: 'passed' | 'failed') => outcomes.reduce((total, { counts }) => total + counts[key], 0);
  process.stdout.write(`${String(sum('passed'))} passed, ${String(sum('failed'))} failed, ${String(skipped.length)} skipped\n`);
  process.exitCode = sum('failed') === 0 && outcomes.length > 0 ? 0 : 1;
}

/** Two at a time: small machines have two cores. Outcomes in the order of the work. */
async function inTwoLanes(work: readonly (() => Promise<Outcome>)[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...work.entries()];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) outcomes[next[0]] = await next[1]();
  };
  await Promise.all([lane(), lane()]);
  return outcomes;
}

async function guard({ name, argv }: Step): Promise<Outcome> {
  const { code, output, seconds } = await run(argv, 'quiet');
  const outcome = { name, seconds, output, counts: { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: [] } };
  process.stdout.write(`${line(outcome)}\n${code === 0 ? '' : output}`);
  return outcome;
}

async function tests(project: keyof typeof PROJECTS): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tests-'));
  try {
    const file = join(folder, 'results.json');
    const reporters = ['--reporter', 'default', '--reporter', 'json', '--outputFile.json', file];
    const argv = [...PROJECTS[project], 'run', '--config', '.config/vitest.config.ts', '--project', project, ...reporters] as const;
    const { code, output, seconds } = await run(argv, 'shown');
    return { name: `${project} tests`, seconds, output, counts: counted(readResults(file), code) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Results = {
  testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[];
};

function readResults(file: string): Results | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results;
  } catch {
    return null; // it ended before it could write them: counted as a failure
  }
}

/** A file that could not even be loaded, and an end that no test explains, are failures too. */
function counted(results: Results | null, code: number): Counts {
  const files = results?.testResults ?? [];
  const each = files.flatMap(({ assertionResults }) => assertionResults);
  const passed = each.filter(({ status }) => status === 'passed').length;
  const unloaded = files.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((one) => one.status !== 'failed'),
  );
  const failed = each.filter(({ status }) => status === 'failed').length + unloaded.length;
  const skipped = each.filter(({ status }) => status !== 'passed' && status !== 'failed').map(({ fullName }) => fullName);
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

async function run(
  argv: readonly [string, ...string[]],
  output: 'quiet' | 'shown',
): Promise<{ code: number; output: string; seconds: number }> {
  const [command, ...args] = argv;
  const started = performance.now();
  const child = spawn(command, args, {
    stdio: ['ignore', output === 'shown' ? 'inherit' : 'pipe', output === 'shown' ? 'inherit' : 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', (ended) => {
      resolve(ended ?? 1);
    });
  });
  return { code, output: text, seconds: (performance.now() - started) / 1000 };
}

function line({ name, counts, seconds }: Outcome): string {
  const mark = counts.failed === 0 ? 'ok    ' : 'FAILED';
  const skipped = counts.skipped.length === 0 ? '' : `, ${String(counts.skipped.length)} skipped`;
  return `${mark}  ${name.padEnd(12)} ${String(counts.passed)} passed, ${String(counts.failed)} failed${skipped} (${seconds.toFixed(1)} s)`;
}

await main(process.argv[2]);
