import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { METALLB_VERSIONS } from '../../src/core/environment.ts';
import { buildPrograms, findPrograms, PROGRAMS, programFolders } from '../../src/lab/programs.ts';
import { runCommand, tryCommand } from '../../src/io/command.ts';
import { eventually } from '../support/eventually.ts';

// The real script, with a Go that writes down what it was asked and compiles nothing.

const TOOLS =
  'sh dirname sort xargs sha256sum cut find flock mkdir mv cp chmod rm sed wc tail date sleep cat grep touch env sync echo'.split(' ');
const GO = `#!/bin/sh
case $1 in
  env) cat "$NOTES/go-version" ;;
  mod) [ ! -e "$NOTES/offline" ] || { echo 'no such host' >&2; exit 1; }; : >"$NOTES/extracted" ;;
  list) [ ! -e "$NOTES/extracted" ] || echo "$NOTES/module" ;;
  build)
    [ "$HOME" ] || [ "$GOCACHE" ] || exit 1
    echo "$6" >>"$NOTES/asked"
    [ ! -e "$5" ] || [ -s "$5" ] || { echo 'already exists and is not an object file' >&2; exit 1; }
    [ ! -e "$NOTES/breaks-at" ] || [ "$6" != "$(cat "$NOTES/breaks-at")" ] || { echo half >"$5"; echo 'no space left' >&2; exit 1; }
    [ ! -e "$NOTES/hangs" ] || { echo $$ >"$NOTES/compiling"; exec sleep 60; }
    printf '#!/bin/sh\\n' >"$5" && chmod 755 "$5" ;;
esac
`;
const SOURCES = 'deploy/lab/programs';
const [NEWEST] = METALLB_VERSIONS;
const OLDER = '0.0.1';

let notes: string;
let lines: string[];
const note = (name: string, text: string, mode = 0o644) => {
  writeFileSync(join(notes, name), text, { mode });
};
const asked = () => (existsSync(join(notes, 'asked')) ? readFileSync(join(notes, 'asked'), 'utf8').trimEnd().split('\n') : []);
const build = (options: { sources?: string; metallb?: string; signal?: AbortSignal } = {}) =>
  buildPrograms({
    sources: SOURCES,
    metallb: NEWEST,
    signal: AbortSignal.timeout(15_000),
    onProgress: (line) => lines.push(line),
    ...options,
  });
const cacheFolder = (...name: string[]) => join(notes, 'cache/holdfast/programs', ...name);
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

beforeEach(() => {
  notes = mkdtempSync(join(tmpdir(), 'holdfast-programs-'));
  lines = [];
  for (const folder of ['bin', 'module/config/crd/bases', 'module/frr-tools/reloader']) mkdirSync(join(notes, folder), { recursive: true });
  for (const tool of TOOLS) symlinkSync(`/usr/bin/${tool}`, join(notes, 'bin', tool));
  note('bin/go', GO, 0o755);
  note('go-version', 'go1.26.0\n');
  note('module/config/crd/bases/metallb.io_bgppeers.yaml', 'kind: CustomResourceDefinition\n', 0o444);
  note('module/frr-tools/reloader/frr-reloader.sh', '#!/bin/bash\n', 0o444);
  vi.stubEnv('NOTES', notes);
  vi.stubEnv('PATH', join(notes, 'bin'));
  vi.stubEnv('HOLDFAST_CACHE', join(notes, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(notes, { recursive: true, force: true });
});

test('every program is built, with a line for each, and the second time nothing is said and Go is not asked', async () => {
  const programs = await build();
  for (const path of Object.values(programs.paths)) expect(path.startsWith(join(notes, 'cache/holdfast/programs/'))).toBe(true);
  for (const name of PROGRAMS) expect(lines.filter((line) => line.startsWith(`${name}: `))).toHaveLength(1);
  expect(readdirSync(programs.crds)).toEqual(['metallb.io_bgppeers.yaml']);
  const folders = readdirSync(cacheFolder()).filter((name) => name !== '.lock');
  const files = folders.flatMap((folder) => readdirSync(cacheFolder(folder)));
  expect(files.sort()).toEqual([...PROGRAMS, 'frr-reloader.sh', 'metallb-crds'].sort());
  lines = [];
  rmSync(join(notes, 'bin/go'));
  expect(await build()).toEqual(programs);
  expect(lines).toEqual([]);
});

test('what could not be built is said with the words of the compiler, bears no name of a program, and only the rest is built next time', async () => {
  note('breaks-at', 'k8s.io/kubernetes/cmd/kube-apiserver');
  await expect(build()).rejects.toMatchObject({ code: 'COMMAND_FAILED', message: expect.stringContaining('no space left') as string });
  const folders = await programFolders({ sources: SOURCES, metallb: NEWEST });
  expect(existsSync(join(folders.kubernetes, 'kube-apiserver'))).toBe(false);
  expect(() => findPrograms(folders)).toThrow(/not built: kube-apiserver, .*metallb-crds/);
  const before = asked();
  rmSync(join(notes, 'breaks-at'));
  await build();
  const again = asked().slice(before.length);
  expect(again).toHaveLength(PROGRAMS.length - before.length + 1);
  expect(again[0]).toBe('k8s.io/kubernetes/cmd/kube-apiserver');
});

test('what lies beside MetalLB’s programs stays when others are missing, and is had anew when it is gone, though Go has thrown its modules away', async () => {
  const programs = await build();
  const throwAway = (gone: string) => {
    for (const path of [gone, join(notes, 'extracted')]) rmSync(path, { recursive: true });
  };
  note('offline', '');
  throwAway(programs.paths.etcd);
  expect(await build()).toEqual(programs);
  rmSync(programs.crds, { recursive: true });
  await expect(build()).rejects.toMatchObject({ code: 'COMMAND_FAILED', message: expect.stringContaining('no such host') as string });
  for (const gone of [programs.crds, programs.frrReloader]) {
    rmSync(join(notes, 'offline'), { force: true });
    expect(await build()).toEqual(programs);
    expect(readdirSync(programs.crds)).toEqual(['metallb.io_bgppeers.yaml']);
    throwAway(gone);
  }
});

test('what a machine that lost its power left half written is built anew', async () => {
  const { paths } = await build();
  for (const path of [paths.etcd, paths['metallb-speaker']]) writeFileSync(path, '', { mode: 0o755 });
  writeFileSync(join(dirname(paths.etcd), '.part-etcd'), '');
  lines = [];
  await build();
  for (const name of ['etcd', 'metallb-speaker']) expect(lines.filter((line) => line.startsWith(`${name}: `))).toHaveLength(1);
  expect(readdirSync(dirname(paths.etcd))).toEqual(['etcd']);
});

test('a build that is told to stop ends the compiler too', async () => {
  note('hangs', '');
  const stop = new AbortController();
  const building = build({ signal: stop.signal });
  const pid = await eventually(() => {
    const text = readFileSync(join(notes, 'compiling'), 'utf8');
    expect(text).toMatch(/^\d+\n$/);
    return Number(text);
  });
  stop.abort(new Error('enough'));
  await expect(building).rejects.toThrow('enough');
  await eventually(() => {
    expect(isRunning(pid)).toBe(false);
  });
});

test('of two builds at once, the second waits, and nothing is built twice', async () => {
  const [first, second] = await Promise.all([build(), build()]);
  expect(second).toEqual(first);
  expect(asked()).toHaveLength(PROGRAMS.length);
});

test.each([
  { machine: 'without Go', version: null, told: /not on this machine/ },
  { machine: 'with a Go of 2024', version: 'go1.23.4', told: /this is go1\.23\.4/ },
])('a machine $machine is told what to install', async ({ version, told }) => {
  if (version === null) rmSync(join(notes, 'bin/go'));
  else note('go-version', `${version}\n`);
  await expect(build()).rejects.toMatchObject({
    code: 'COMMAND_MISSING',
    message: expect.stringMatching(told) as string,
    remedy: expect.stringMatching(/^install Go 1\.26 or later/) as string,
  });
});

test('a change of a module means another folder for its programs, and for no others', async () => {
  const sources = ourSources();
  const before = await programFolders({ sources, metallb: NEWEST });
  expect(before).toEqual(await programFolders({ sources: SOURCES, metallb: NEWEST }));
  writeFileSync(join(sources, 'etcd/go.mod'), '\n', { flag: 'a' });
  const after = await programFolders({ sources, metallb: NEWEST });
  expect(after).toEqual({ ...before, etcd: after.etcd });
  expect(after.etcd).not.toBe(before.etcd);
});

test('another version of MetalLB is built when a lab asks for it: its own two programs alone, beside the others', async () => {
  const sources = ourSources();
  const newest = await build({ sources });
  const before = asked();
  const older = await build({ sources, metallb: OLDER });
  expect(asked().slice(before.length)).toEqual(['go.universe.tf/metallb/controller', 'go.universe.tf/metallb/speaker']);
  const { 'metallb-controller': controller, 'metallb-speaker': speaker } = older.paths;
  expect(older.paths).toEqual({ ...newest.paths, 'metallb-controller': controller, 'metallb-speaker': speaker });
  for (const path of [controller, speaker, older.crds, older.frrReloader]) expect(path).toContain(`/metallb-${OLDER}-`);
});

test('the versions that a lab may choose are those that can be built, and without a choice the script takes the first', async () => {
  const folders = readdirSync(SOURCES).filter((name) => name.startsWith('metallb-'));
  expect(folders.sort()).toEqual(METALLB_VERSIONS.map((version) => `metallb-${version}`).sort());
  for (const version of METALLB_VERSIONS) {
    expect(readFileSync(join(SOURCES, `metallb-${version}`, 'go.mod'), 'utf8')).toContain(`go.universe.tf/metallb v${version}\n`);
  }
  const { metallb } = await programFolders({ sources: SOURCES, metallb: NEWEST });
  expect(await runCommand(['sh', join(SOURCES, 'build.sh'), 'folders'])).toContain(`${metallb}\n`);
});

test('programs of former versions go once nobody has asked for them for two weeks, unless they run, by whatever path', async () => {
  const sources = ourSources();
  mkdirSync(join(notes, 'cache'));
  symlinkSync('cache', join(notes, 'to [the] cache'));
  vi.stubEnv('HOLDFAST_CACHE', join(notes, 'to [the] cache'));
  const older = await build({ sources, metallb: OLDER });
  utimesSync(dirname(older.crds), daysAgo(20), daysAgo(20));
  for (const [name, days] of Object.entries({ old: 20, running: 20, lately: 10 })) {
    mkdirSync(cacheFolder(name));
    cpSync('/usr/bin/sleep', cacheFolder(name, 'kube-proxy'));
    utimesSync(cacheFolder(name), daysAgo(days), daysAgo(days));
  }
  const running = spawn(cacheFolder('running', 'kube-proxy'), ['60']);
  try {
    await build({ sources });
  } finally {
    running.kill('SIGKILL');
  }
  expect(lines.at(-1)).toBe('deleted old: not asked for in more than 14 days');
  expect(existsSync(cacheFolder('old'))).toBe(false);
  expect(findPrograms(await programFolders({ sources, metallb: OLDER }))).toEqual(older);
  for (const name of ['running', 'lately']) expect(existsSync(cacheFolder(name, 'kube-proxy'))).toBe(true);
});

test('programs that are asked for are in use, though nothing had to be built', async () => {
  const folder = dirname((await build()).crds);
  utimesSync(folder, daysAgo(20), daysAgo(20));
  await build();
  expect(statSync(folder).mtime.getTime()).toBeGreaterThan(daysAgo(1).getTime());
});

test('without a home the programs and the caches of Go lie where another variable says, and without any nothing is built', async () => {
  const homeless = async (...variables: string[]) => {
    const without = ['HOME', 'HOLDFAST_CACHE', 'XDG_CACHE_HOME'].flatMap((name) => ['-u', name]);
    return await tryCommand(['env', ...without, ...variables, 'sh', join(SOURCES, 'build.sh')]);
  };
  const refusal = expect.stringContaining('none of HOLDFAST_CACHE, XDG_CACHE_HOME and HOME is set') as string;
  expect(await homeless()).toMatchObject({ code: 4, stderr: refusal });
  expect(await homeless(`XDG_CACHE_HOME=${join(notes, 'xdg')}`)).toMatchObject({ code: 0 });
  expect(existsSync(join(notes, 'xdg/holdfast/programs'))).toBe(true);
});

/** A copy that a test may change, with one more version of MetalLB. */
function ourSources(): string {
  const sources = join(notes, 'sources');
  cpSync(SOURCES, sources, { recursive: true });
  cpSync(join(SOURCES, `metallb-${NEWEST}`), join(sources, `metallb-${OLDER}`), { recursive: true });
  return sources;
}

/** A zombie that nobody has reaped yet runs no more. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
