// A store or a disk that fails for a while: what could not be done is said, nothing is half done, and once it works again all is watched.
import { readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Watch } from '../../../src/analysis/monitor/watch.ts';
import { Bench } from './support/a-bench.ts';
import { aMonitorSpec } from './support/a-monitor.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open({ monitors: [] });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await bench[Symbol.asyncDispose]();
});

async function failStore(isFailing: boolean): Promise<void> {
  if (!isFailing) await sql`DROP TRIGGER is_full`.execute(bench.store);
  else await sql`CREATE TRIGGER is_full BEFORE INSERT ON monitors BEGIN SELECT RAISE(ABORT, 'disk is full'); END`.execute(bench.store);
}

/** Segments that this process has open. */
function openSegments(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(join(bench.folder, 'segments')) ? [path] : [];
    } catch {
      return []; // the one that read the list
    }
  });
}

test('a monitor that the store does not take is not watched, says so, and is watched once it does', async () => {
  await failStore(true);
  await bench.restart({ monitors: [aMonitorSpec()] });
  expect(bench.monitors.problems()).toEqual([expect.stringMatching(/the monitor web is not watched: .*disk is full/)]);
  expect(bench.sessionOf()).toBe('');
  expect(openSegments()).toEqual([]);
  await failStore(false);
  await bench.pass(6);
  expect(bench.monitors.problems()).toEqual([]);
  const session = bench.sessionOf();
  expect(session).not.toBe('');
  expect(readdirSync(join(bench.folder, 'segments', 'web'))).toEqual([session]);
  await bench.restart();
  expect(bench.sessionOf()).toBe(session);
});

test('a new monitor that is refused leaves nothing open, and is not there after a restart', async () => {
  await failStore(true);
  await expect(bench.monitors.put(aMonitorSpec(), 'api')).rejects.toThrow(/disk is full/);
  expect(openSegments()).toEqual([]);
  expect(bench.monitors.status()).toEqual([]);
  await failStore(false);
  await bench.restart();
  expect(bench.monitors.status()).toEqual([]);
  await bench.monitors.put(aMonitorSpec(), 'api');
  expect(bench.sessionOf()).not.toBe('');
});

test('a session that goes on and cannot be saved goes on at the next try', async () => {
  await bench.monitors.put(aMonitorSpec(), 'api');
  const session = bench.sessionOf();
  await failStore(true);
  await bench.monitors[Symbol.asyncDispose]();
  await bench.restart();
  expect(bench.monitors.problems()).toEqual([expect.stringMatching(/is not watched/)]);
  expect(openSegments()).toEqual([]);
  await failStore(false);
  await bench.pass(6);
  expect(bench.monitors.problems()).toEqual([]);
  expect(bench.sessionOf()).toBe(session);
});

test('a monitor that could not be paused or continued is what it was', async () => {
  await bench.monitors.put(aMonitorSpec(), 'api');
  await failStore(true);
  await expect(bench.monitors.pause('web', true)).rejects.toThrow(/disk is full/);
  await failStore(false);
  await bench.pass(6);
  expect(bench.monitors.status()[0]).toMatchObject({ isPaused: false });
  expect(bench.segments().length).toBeGreaterThan(0);
  await bench.monitors.pause('web', true);
  await failStore(true);
  await expect(bench.monitors.pause('web', false)).rejects.toThrow(/disk is full/);
  expect(bench.monitors.status()[0]).toMatchObject({ isPaused: true });
  expect(openSegments()).toEqual([]);
  await failStore(false);
  await bench.monitors.pause('web', false);
  await bench.restart();
  expect(bench.monitors.status()[0]).toMatchObject({ isPaused: false });
});

test('a second in which a monitor could not be judged is no problem for ever', async () => {
  await bench.monitors.put(aMonitorSpec(), 'api');
  vi.spyOn(Watch.prototype, 'advance').mockImplementationOnce(() => {
    throw new Error('a mistake');
  });
  await bench.pass(1);
  expect(bench.monitors.problems()).toEqual(['the monitor web cannot be judged: a mistake']);
  await bench.pass(1);
  expect(bench.monitors.problems()).toEqual([]);
});

test('a disk on which no segment can begin is said, and the monitor is watched once one can', async () => {
  const blocked = join(bench.folder, 'segments');
  rmSync(blocked, { recursive: true, force: true });
  writeFileSync(blocked, '');
  await bench.restart({ monitors: [aMonitorSpec()] });
  expect(bench.monitors.problems()).toEqual([expect.stringMatching(/the monitor web is not watched/)]);
  rmSync(blocked);
  await bench.pass(6);
  expect(bench.monitors.problems()).toEqual([]);
});
