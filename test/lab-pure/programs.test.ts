import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { buildPrograms, findPrograms, PROGRAMS, programsFolder } from '../../src/lab/programs.ts';
import { eventually } from '../support/eventually.ts';

// The real script, with a Go that writes down what it was asked and compiles nothing.

const TOOLS = 'sh dirname sort xargs sha256sum cut find flock mkdir mv cp chmod rm sed wc tail date sleep cat'.split(' ');
const GO = `#!/bin/sh
case $1 in
  env) cat "$NOTES/go-version" ;;
  list) echo "$NOTES/module" ;;
  build)
    echo "$6" >>"$NOTES/asked"
    [ ! -e "$NOTES/breaks-at" ] || [ "$6" != "$(cat "$NOTES/breaks-at")" ] || { echo half >"$5"; echo 'no space left' >&2; exit 1; }
    [ ! -e "$NOTES/hangs" ] || { echo $$ >"$NOTES/compiling"; exec sleep 60; }
    printf '#!/bin/sh\\n' >"$5" && chmod 755 "$5" ;;
esac
`;
const SOURCES = 'deploy/lab/programs';

let notes: string;
let lines: string[];
const note = (name: string, text: string, mode = 0o644) => {
  writeFileSync(join(notes, name), text, { mode });
};
const asked = () => (existsSync(join(notes, 'asked')) ? readFileSync(join(notes, 'asked'), 'utf8').trimEnd().split('\n') : []);
const build = (options: { sources?: string; signal?: AbortSignal } = {}) =>
  buildPrograms({ sources: SOURCES, signal: AbortSignal.timeout(15_000), onProgress: (line) => lines.push(line), ...options });

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
  expect(programs.folder.startsWith(join(notes, 'cache/holdfast/programs/'))).toBe(true);
  for (const name of PROGRAMS) expect(lines.filter((line) => line.startsWith(`${name}: `))).toHaveLength(1);
  expect(readdirSync(programs.crds)).toEqual(['metallb.io_bgppeers.yaml']);
  expect(readdirSync(programs.folder).sort()).toEqual([...PROGRAMS, '.lock', 'frr-reloader.sh', 'metallb-crds'].sort());
  lines = [];
  rmSync(join(notes, 'bin/go'));
  expect(await build()).toEqual(programs);
  expect(lines).toEqual([]);
});

test('what could not be built is said with the words of the compiler, bears no name of a program, and only the rest is built next time', async () => {
  note('breaks-at', 'k8s.io/kubernetes/cmd/kube-apiserver');
  await expect(build()).rejects.toMatchObject({ code: 'COMMAND_FAILED', message: expect.stringContaining('no space left') as string });
  const folder = await programsFolder(SOURCES);
  expect(existsSync(join(folder, 'kube-apiserver'))).toBe(false);
  expect(() => findPrograms(folder)).toThrow(/not built: kube-apiserver, .*metallb-crds/);
  const before = asked();
  rmSync(join(notes, 'breaks-at'));
  await build();
  const again = asked().slice(before.length);
  expect(again).toHaveLength(PROGRAMS.length - before.length + 1);
  expect(again[0]).toBe('k8s.io/kubernetes/cmd/kube-apiserver');
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

test('a change of any file beside the script means another folder', async () => {
  const sources = join(notes, 'sources');
  cpSync(SOURCES, sources, { recursive: true });
  const before = await programsFolder(sources);
  expect(before).toBe(await programsFolder(SOURCES));
  writeFileSync(join(sources, 'etcd/go.mod'), '\n', { flag: 'a' });
  expect(await programsFolder(sources)).not.toBe(before);
});

/** A zombie that nobody has reaped yet runs no more. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
