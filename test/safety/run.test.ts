// Whole runs as people start them, ended the hard way in mid-fault: nothing stays broken, and what was seen can be reported.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KeeperStatus } from '../../src/core/keeper-messages.ts';
import type { Report } from '../../src/core/report-format.ts';
import { runCommand } from '../../src/io/command.ts';
import { openLab } from '../../src/lab/lab.ts';
import { openRouter } from '../../src/routers/index.ts';
import { LAB_UID } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';
import { fillDisk } from '../support/fill-disk.ts';
import { holdfast } from '../support/holdfast.ts';

const PREFIX = 'hfrun';
const ENVIRONMENT = 'deploy/lab/quick.yaml';
/** The lease of that lab, and what the promise allows beyond it. */
const PROMISE_MS = 3_000 + 2_000;
const SCENARIO = `
title: A session is away until somebody ends it
flows:
  - { probe: tcp-hold, vip: web, count: 32 }
  - { probe: udp-twin, vip: web, count: 32 }
timeline:
  - { at: 1s, fault: bgp-session-down, node: middle-hop, for: 60s }
`;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-run-'));
  mkdirSync(join(folder, 'scenarios'));
  writeFileSync(join(folder, 'scenarios', 'away.yaml'), SCENARIO);
  const up = await holdfast(['lab', 'up', ENVIRONMENT, '--prefix', PREFIX]);
  expect(up.code, up.stderr).toBe(0);
});
afterAll(async () => {
  await holdfast(['lab', 'down', '--prefix', PREFIX]);
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  await eventually(async () => {
    expect(await sessions()).toEqual([false, false, false]);
    // The same node again: its quarantine after the test before must be over.
    expect((await keeperStatus())?.faults.every(({ isQuarantineOver }) => isQuarantineOver) ?? true).toBe(true);
  }, 20_000);
});

/** Runs that a failed test left. */
const started = new Set<ChildProcess>();
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  started.clear();
});

/** Of each session whether it is shut; not Established counts as shut. */
async function sessions(): Promise<boolean[]> {
  const [router] = openLab(PREFIX, LAB_UID).environment.routers;
  if (!router) throw new Error('a lab has a router');
  const found = await openRouter(router).sessions(AbortSignal.timeout(3_000));
  return found.map(({ isShut, state }) => isShut || state !== 'Established');
}

async function shutSessions(): Promise<number> {
  const [router] = openLab(PREFIX, LAB_UID).environment.routers;
  if (!router) throw new Error('a lab has a router');
  return (await openRouter(router).sessions(AbortSignal.timeout(3_000))).filter(({ isShut }) => isShut).length;
}

type RunningRun = { child: ChildProcess; out: string; stderr: () => string; ended: Promise<number | null> };

function runArgs(out: string): string[] {
  const scenario = join(folder, 'scenarios', 'away.yaml');
  return ['run', scenario, '--env', ENVIRONMENT, '--prefix', PREFIX, '--probes', 'probes', '--out', out];
}

/** Starts a run and returns once its fault is in force. */
async function runInFault(name: string): Promise<RunningRun> {
  const out = join(folder, name);
  const child = spawn(process.execPath, ['src/cli/main.ts', ...runArgs(out)], { stdio: ['ignore', 'ignore', 'pipe'] });
  started.add(child);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  await eventually(() => {
    expect(readFileSync(join(out, 'journal.ndjson'), 'utf8'), stderr).toContain('"fault.in-force"');
  }, 30_000);
  expect(await shutSessions()).toBe(1);
  return { child, out, stderr: () => stderr, ended };
}

async function reportOf(out: string): Promise<Report> {
  await holdfast(['report', out]);
  return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
}

async function untilReverted(withinMs: number): Promise<void> {
  await eventually(async () => {
    expect(await shutSessions()).toBe(0);
  }, withinMs);
}

/** What the lab's keeper tells, or its journal; null before the first one. */
async function keeperStatus(): Promise<KeeperStatus | null> {
  const { stdout } = await holdfast(['keeper', 'status', '--env', ENVIRONMENT, '--prefix', PREFIX, '--json']);
  return JSON.parse(stdout) as KeeperStatus | null;
}

async function keeperPid(): Promise<number> {
  const pid = (await keeperStatus())?.keeperPid ?? null;
  if (pid === null) throw new Error('the keeper told no pid');
  return pid;
}

test('a runner that is killed leaves no fault behind, and a journal that is reported as errored with all that was seen', async () => {
  const run = await runInFault('killed');
  run.child.kill('SIGKILL');
  await untilReverted(PROMISE_MS);
  const report = await reportOf(run.out);
  expect(report.verdict).toBe('errored');
  expect(report.faults[0]).toMatchObject({ kind: 'bgp-session-down', state: 'unknown' });
  expect(report.summary).toContain('keeper status');
  expect(report.events.map(({ eventCause }) => eventCause)).toEqual(['baseline', 'fault-in']);
});

test('Ctrl-C reverts first, then reports, and ends with 130', async () => {
  const run = await runInFault('interrupted');
  run.child.kill('SIGINT');
  expect(await run.ended).toBe(130);
  expect(await shutSessions()).toBe(0);
  const report = JSON.parse(readFileSync(join(run.out, 'report.json'), 'utf8')) as Report;
  expect(report.verdict).toBe('errored');
  expect(report.faults[0]?.state).toBe('verified');
  expect(report.summary).toContain('interrupted');
});

test('a run whose keeper is killed ends, and journals that the janitor put everything back', async () => {
  const run = await runInFault('keeper-killed');
  process.kill(await keeperPid(), 'SIGKILL');
  expect(await run.ended, run.stderr()).toBe(4);
  expect(await shutSessions()).toBe(0);
  const report = JSON.parse(readFileSync(join(run.out, 'report.json'), 'utf8')) as Report;
  expect(report.verdict).toBe('errored');
  expect(report.faults[0]?.state).toBe('verified');
  expect(readFileSync(join(run.out, 'journal.ndjson'), 'utf8')).toMatch(
    /"from":"janitor".*"fault.verified"|"fault.verified".*"from":"janitor"/,
  );
});

test('halt reverts everything within five seconds, and the run that wanted it ends as errored', async () => {
  const run = await runInFault('halted');
  const halt = await holdfast(['halt', '--env', ENVIRONMENT, '--prefix', PREFIX]);
  expect(halt.code, halt.stderr).toBe(0);
  await untilReverted(1_000);
  expect(await run.ended).toBe(4);
  const lifted = await holdfast(['halt', '--lift', '--env', ENVIRONMENT, '--prefix', PREFIX]);
  expect(lifted.code, lifted.stderr).toBe(0);
});

test('a disk that fills in mid-fault ends the run: reverted, told, and reported once there is room', async () => {
  const disk = join(folder, 'small-disk');
  mkdirSync(disk);
  await runCommand(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
  try {
    const run = await runInFault('small-disk/run');
    fillDisk(disk);
    expect(await run.ended, run.stderr()).toBe(4);
    expect(await shutSessions()).toBe(0);
    expect(run.stderr()).toMatch(/error: cannot write \S+journal.ndjson: ENOSPC.*\n {2}remedy: make room on the disk/);
    expect(run.stderr()).toMatch(/error: cannot write \S+: ENOSPC.*\n {2}remedy: .*holdfast report/);
    expect(readdirSync(run.out)).toEqual(['journal.ndjson']);

    fillDisk(disk);
    const startedMs = performance.now();
    const next = await holdfast(runArgs(join(disk, 'next')));
    expect(next).toMatchObject({ code: 4, stderr: expect.stringMatching(/ENOSPC.*\n {2}remedy: make room/) as string });
    expect(existsSync(join(disk, 'next'))).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(15_000);

    rmSync(join(disk, 'full'));
    const report = await reportOf(run.out);
    expect(report.verdict).toBe('errored');
    expect(report.summary).toContain('ENOSPC');
    // For its last words the journal had kept room.
    expect(report.faults[0]?.state).toBe('verified');
  } finally {
    await runCommand(['umount', '--lazy', disk]);
  }
});

test('a journal is reported byte for byte as the run reported it', async () => {
  const out = join(folder, 'interrupted');
  const files = ['report.json', 'flows.ndjson', 'report.html', 'junit.xml'].map((name) => join(out, name));
  const before = files.map((file) => readFileSync(file, 'utf8'));
  for (const file of files) rmSync(file);
  await holdfast(['report', out]);
  expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
});
