import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { holdfast } from '../support/holdfast.ts';

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await holdfast(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('--help names every command but those that only Holdfast starts', async () => {
  const { code, stdout } = await holdfast(['--help']);
  expect(code).toBe(0);
  for (const { name, summary, isHidden } of COMMANDS) {
    expect(stdout.includes(`  ${name} `)).toBe(!isHidden);
    if (!isHidden) expect(stdout.replaceAll(/\s+/g, ' ')).toContain(summary);
  }
});

test.each(COMMANDS.filter(({ isHidden }) => !isHidden).map(({ name }) => name))('%s --help shows examples', async (name) => {
  const { code, stdout } = await holdfast([name, '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`Usage: holdfast ${name} `));
  expect(stdout).toMatch(new RegExp(`\nExamples:\n  .*holdfast ${name}`));
});

test.each(['verify', 'probe', 'trigger', 'respond'])('%s --help tells durations as they are written', async (name) => {
  const { stdout } = await holdfast([name, '--help']);
  const defaults = [...stdout.replaceAll(/\s+/g, ' ').matchAll(/<duration> [^<]*?\(default: ([^)]*)\)/g)].map(([, value]) => value);
  expect(defaults).not.toEqual([]);
  for (const value of defaults) expect(value).toMatch(/^\d+(ms|s|m|h)$/);
});

test.each([
  { args: ['validat'], told: "error: unknown command 'validat'\n  remedy: Did you mean validate?\n" },
  { args: ['validate', '--jsno', 'x'], told: "error: unknown option '--jsno'\n  remedy: Did you mean --json?\n" },
  { args: ['validate'], told: "error: missing required argument 'file'\n  remedy: holdfast validate --help shows what there is\n" },
  { args: ['doctor', 'now'], told: /^error: too many arguments for 'doctor'.*\n {2}remedy: holdfast doctor --help/ },
])('holdfast $args is refused with advice and exit code 2', async ({ args, told }) => {
  const { code, stdout, stderr } = await holdfast(args);
  expect(stderr).toMatch(told);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('a reader who stops reading ends the program without a word', async () => {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'validate', '--json', ...Array<string>(2_000).fill('probes/tcp-hold.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect({ code, stderr }).toEqual({ code: 141, stderr: '' });
});

test('output to a full disk ends with 4 and the remedy, and is no mistake in Holdfast', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, ['src/cli/main.ts', '--help'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect(status).toBe(4);
  expect(stderr).toMatch(/^error: the output cannot be written: ENOSPC.*\n {2}remedy: make room on the disk .*\n$/);
});

test('doctor tells what is missing where nothing is installed, with the remedy, and ends with 4', async () => {
  const { code, stdout, stderr } = await holdfast(['doctor', '--json'], { PATH: '/nowhere' });
  const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string; remedy?: string }[] };
  const vtysh = checks.find(({ name }) => name === 'vtysh');
  expect(vtysh).toMatchObject({ state: 'missing', remedy: expect.stringContaining('deploy/setup.sh') as string });
  expect(stderr).toMatch(/^error: this machine lacks .*vtysh/);
  expect(code).toBe(4);
});

test('doctor takes a machine without Go, or without the programs that it builds, for one that lacks nothing but a lab with a cluster', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'holdfast-no-programs-'));
  try {
    for (const tool of ['sh', 'dirname', 'find', 'sort', 'xargs', 'sha256sum', 'cut', 'sed'])
      symlinkSync(`/usr/bin/${tool}`, join(cache, tool));
    const { stdout, stderr } = await holdfast(['doctor', '--json'], { PATH: cache, HOLDFAST_CACHE: cache });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string; remedy?: string }[] };
    const [go, programs, iptables] = ['go', 'Kubernetes, MetalLB', 'iptables-save'].map((name) =>
      checks.find((check) => check.name === name),
    );
    expect(go).toMatchObject({ state: 'limited', remedy: expect.stringContaining('install Go 1.26') as string });
    expect(programs).toMatchObject({
      state: 'limited',
      detail: 'not built yet',
      remedy: expect.stringContaining('twelve minutes') as string,
    });
    // It lies in /usr/sbin, which is always searched: whether this machine has it is its own affair.
    expect(iptables?.state).toMatch(/present|limited/);
    expect(stderr).not.toMatch(/lacks .*(\bgo\b|Kubernetes|iptables)/);
  } finally {
    rmSync(cache, { recursive: true });
  }
});

test('run tells the mistakes of all its files, and ends with 2 before it touches anything', async () => {
  const scenario = 'test/fixtures/broken/scenarios/unknown-names.yaml';
  const { code, stderr } = await holdfast(['run', scenario, '--env', 'deploy/lab/three-nodes.yaml']);
  expect(stderr).toContain(`${scenario}:4:29: at flows[1].vip: expected a VIP of deploy/lab/three-nodes.yaml`);
  expect(code).toBe(2);
  const broken = await holdfast(['run', 'scenarios/control.yaml', '--env', 'test/fixtures/broken/environments/lab-misspelt.yaml']);
  expect(broken.stderr).toContain('did you mean lab?');
  expect(broken.code).toBe(2);
});
