import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { identityOf } from '../../../src/io/process-identity.ts';
import { TAKEN } from '../../../src/service/runs/run-outcome.ts';
import { startRunner } from '../../../src/service/runs/runner-process.ts';
import { eventually } from '../../support/eventually.ts';
import { aSchedule, aWish, ServicePlace } from '../../support/some-service-runs.ts';

test('a run is made once, runs, and its end is told with the verdict', async () => {
  await using place = new ServicePlace({ quick: { verdict: 'deviated', broken: 31 } });
  await using service = await place.open();
  expect(await service.runs.request(aWish())).toEqual({ id: 'r1', isNew: true, state: 'queued' });
  expect(await service.runs.request(aWish())).toMatchObject({ id: 'r1', isNew: false });
  const run = await service.until('r1', 'ended');
  expect(run).toMatchObject({ verdict: 'deviated', summary: 'It deviated.', comparison: null });
  expect(await service.runs.request(aWish())).toEqual({ id: 'r1', isNew: false, state: 'ended' });
  await eventually(() => {
    expect(place.ended).toMatchObject([{ runId: 'r1', verdict: 'deviated', trigger: 'token ops', scenario: 'quick' }]);
  });
  expect(place.began()).toEqual(['r1']);
});

test('runs of one environment start one at a time and in order; another environment does not wait', async () => {
  await using place = new ServicePlace({ quick: { ms: 300 } });
  await using service = await place.open();
  await Promise.all([3, 1, 2].map((due) => service.runs.request(aWish({ id: `r${String(due)}`, dueMs: due }))));
  await service.runs.request(aWish({ id: 'elsewhere', environment: 'other', dueMs: 9 }));
  await service.until('elsewhere', 'running');
  expect((await service.all()).filter(({ state, environment }) => state === 'running' && environment === 'lab')).toHaveLength(1);
  await service.until('r3', 'ended');
  const runs = (await service.all()).filter(({ environment }) => environment === 'lab');
  for (const [index, run] of runs.entries()) {
    const before = runs[index - 1];
    if (before && before.id !== 'r3') expect(run.started_ms).toBeGreaterThanOrEqual(before.ended_ms ?? Infinity);
  }
  expect([...place.began()].sort()).toEqual(['elsewhere', 'r1', 'r2', 'r3']);
});

test('a run that will not wait is refused with who has the environment', async () => {
  await using place = new ServicePlace({ quick: { ms: 500 } });
  await using service = await place.open();
  await service.runs.request(aWish());
  await service.until('r1', 'running');
  expect(await service.runs.request(aWish({ id: 'r2', overlap: 'refuse' }))).toMatchObject({ state: 'refused' });
  expect((await service.find('r2')).summary).toBe('lab is taken: the run r1 is running');
});

test('names that the service does not know are refused', async () => {
  await using place = new ServicePlace();
  await using service = await place.open();
  await expect(service.runs.request(aWish({ scenario: 'nothing' }))).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  await expect(service.runs.request(aWish({ environment: 'mars' }))).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  await expect(service.runs.cancel('r9', 'ops')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
});

test('a plan is what the program prints, or what its preflight says', async () => {
  await using place = new ServicePlace({ quick: {}, bad: { act: 'refuse' } });
  await using service = await place.open();
  expect(await service.runs.plan('quick', 'lab', 7)).toBe('would run quick.yaml with seed 7\n');
  await expect(service.runs.plan('bad', 'lab', 7)).rejects.toMatchObject({
    code: 'PREFLIGHT',
    message: expect.stringContaining('this cannot be done; remedy: wait') as string,
  });
});

test('a cancelled run reverts and reports; one that waits is only taken back; one that is over says so', async () => {
  await using place = new ServicePlace({ quick: { ms: 60_000 } });
  await using service = await place.open();
  await service.runs.request(aWish());
  await service.runs.request(aWish({ id: 'r2', dueMs: 2 }));
  await eventually(() => {
    expect(place.began()).toEqual(['r1']);
  });
  await service.runs.cancel('r2', 'ops');
  await service.runs.cancel('r1', 'ops');
  expect(await service.until('r1', 'cancelled')).toMatchObject({ verdict: 'errored', summary: 'Interrupted: all was reverted.' });
  expect((await service.find('r2')).summary).toMatch(/taken back by ops/);
  await expect(service.runs.cancel('r1', 'ops')).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(place.ended).toEqual([]);
  expect(place.began()).toEqual(['r1']);
});

test('what a runner refuses is told as it said it', async () => {
  await using place = new ServicePlace({ quick: { act: 'refuse' } });
  await using service = await place.open();
  await service.runs.request(aWish());
  expect((await service.until('r1', 'refused')).summary).toBe('the environment is not reachable; remedy: wait');
});

test('an environment that somebody else holds is waited for, or the run is refused, as asked', async () => {
  await using place = new ServicePlace({ quick: { act: 'taken-once' }, impatient: { act: 'taken-once' } });
  await using service = await place.open();
  await service.runs.request(aWish());
  await service.until('r1', 'ended');
  expect(place.began()).toEqual(['r1.2']);
  await service.runs.request(aWish({ id: 'r2', scenario: 'impatient', overlap: 'refuse' }));
  expect((await service.until('r2', 'refused')).summary).toMatch(/^the environment is taken: the run r0 holds it/);
});

test('the keeper still says it in the words by which it is known', () => {
  const sources = ['keeper', 'server'].map((file) => readFileSync(`src/keeper/${file}.ts`, 'utf8'));
  for (const source of sources) expect(source).toMatch(TAKEN);
});

test('a runner that died is reported from its journal, and told as errored', async () => {
  await using place = new ServicePlace({ quick: { act: 'die' } });
  await using service = await place.open();
  await service.runs.request(aWish());
  expect(await service.until('r1', 'ended')).toMatchObject({ verdict: 'errored', summary: 'The run was broken off.' });
  await eventually(() => {
    expect(place.ended).toMatchObject([{ runId: 'r1', verdict: 'errored' }]);
  });
});

test('a run goes on while the service is away, and the next life finds it', async () => {
  await using place = new ServicePlace({ quick: { ms: 1_500 } });
  {
    await using first = await place.open();
    await first.runs.request(aWish());
    await eventually(() => {
      expect(place.began()).toEqual(['r1']);
    });
  }
  await using second = await place.open();
  expect((await second.find('r1')).state).toBe('running');
  expect(await second.until('r1', 'ended')).toMatchObject({ verdict: 'held' });
  expect(place.began()).toEqual(['r1']);
});

test('one that ended while the service was away is read by the next life', async () => {
  await using place = new ServicePlace({ quick: { ms: 50 } });
  const first = await place.open();
  await first.runs.request(aWish());
  const { runner_pid } = await first.until('r1', 'running');
  await first[Symbol.asyncDispose]();
  await eventually(() => {
    expect(identityOf(runner_pid ?? 0)).toBeNull();
  });
  await using second = await place.open();
  await second.until('r1', 'ended');
});

test('a runner that the service died over before it noted it is found, and none is started beside it', async () => {
  await using place = new ServicePlace({ quick: { ms: 1_000, warmUpMs: 500 } });
  await claimedWithoutRunner(place);
  const out = join(place.runsFolder, 'r1');
  const scenario = join(place.folder, 'scenarios', 'quick.yaml');
  startRunner([process.execPath, 'test/support/a-runner.ts', 'run', scenario, '--env', 'x', '--out', out], `${out}.log`);
  await using service = await place.open();
  expect((await service.find('r1')).runner_pid).not.toBeNull();
  await service.until('r1', 'ended');
  expect(place.began()).toEqual(['r1']);
});

test('one that had not begun is fenced off for ever, and started anew', async () => {
  await using place = new ServicePlace({ quick: {} });
  await claimedWithoutRunner(place);
  await using service = await place.open();
  await service.until('r1', 'ended');
  // The first one wakes up late: its folder is taken.
  const out = join(place.runsFolder, 'r1');
  const scenario = join(place.folder, 'scenarios', 'quick.yaml');
  const late = startRunner([process.execPath, 'test/support/a-runner.ts', 'run', scenario, '--env', 'x', '--out', out], `${out}.log`);
  expect(await late.ended).toBe(4);
  expect(place.began()).toEqual(['r1.2']);
});

test('a service that died right after its fence finds it empty, and starts the run anew', async () => {
  await using place = new ServicePlace({ quick: {} });
  await claimedWithoutRunner(place);
  mkdirSync(join(place.runsFolder, 'r1'));
  writeFileSync(join(place.runsFolder, 'r1', 'journal.ndjson'), '');
  await using service = await place.open();
  expect(await service.until('r1', 'ended')).toMatchObject({ verdict: 'held' });
  expect(place.began()).toEqual(['r1.2']);
});

test('a run whose runner the full disk did not take a note of can be cancelled, and its end is seen', async () => {
  await using place = new ServicePlace({ quick: { ms: 60_000 }, brief: {} });
  await using service = await place.open();
  await sql`CREATE TRIGGER full BEFORE UPDATE OF runner_pid ON runs WHEN NEW.runner_pid IS NOT NULL
    BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END`.execute(service.store);
  await service.runs.request(aWish({ scenario: 'brief', environment: 'other', id: 'r0' }));
  await service.runs.request(aWish());
  await eventually(() => {
    expect(place.began()).toContain('r1');
  });
  await service.runs.cancel('r1', 'ops');
  await service.until('r1', 'cancelled');
  await service.until('r0', 'ended');
  expect(place.logged.join('\n')).toMatch(/database or disk is full/);
});

test('once nothing is to start any more, what is queued or asked for waits for the next life, unless it is cancelled', async () => {
  await using place = new ServicePlace({ quick: { ms: 500 } });
  {
    await using first = await place.open();
    await first.runs.request(aWish());
    await first.runs.request(aWish({ id: 'r2', dueMs: 2 }));
    await first.runs.request(aWish({ id: 'r3', dueMs: 3 }));
    await first.until('r1', 'running');
    await first.runs.stopStarting();
    expect(await first.runs.request(aWish({ id: 'r4', environment: 'other' }))).toMatchObject({ isNew: true, state: 'queued' });
    await first.runs.cancel('r3', 'ops');
    await first.until('r1', 'ended');
    await first.until('r3', 'cancelled');
    expect(place.began()).toEqual(['r1']);
  }
  await using second = await place.open();
  await second.until('r2', 'ended');
  await second.until('r4', 'ended');
  expect(place.began().sort()).toEqual(['r1', 'r2', 'r4']);
});

test('an end that could not be told is told later, also by the next life', async () => {
  await using place = new ServicePlace();
  {
    await using first = await place.open({ onRunEnded: () => Promise.reject(new Error('the outbox is full')) });
    await first.runs.request(aWish());
    await first.until('r1', 'ended');
    await eventually(() => {
      expect(place.logged.join('\n')).toMatch(/r1: its end could not be told yet: the outbox is full/);
    });
  }
  await using _second = await place.open();
  await eventually(() => {
    expect(place.ended).toMatchObject([{ runId: 'r1' }]);
  });
});

test('a run is laid beside the last ones of its scenario', async () => {
  await using place = new ServicePlace({ quick: { broken: 31, n: 100 } });
  await using service = await place.open();
  for (const id of ['r1', 'r2']) {
    await service.runs.request(aWish({ id }));
    await service.until(id, 'ended');
  }
  const { comparison } = await service.find('r2');
  expect(JSON.parse(comparison ?? '[]')).toContain(
    'breaks of tcp flows 31 % -> 31 %, within noise (100 flows against 100 of the last run)',
  );
});

test('a note is written to what is running in the environment, and to nothing else', async () => {
  await using place = new ServicePlace({ quick: { ms: 500 } });
  await using service = await place.open();
  await service.runs.request(aWish());
  await service.runs.request(aWish({ id: 'r2', environment: 'other' }));
  await service.until('r1', 'running');
  expect(await service.runs.annotate('lab', 'the alert DiskFull fired')).toEqual(['r1']);
  expect(JSON.parse((await service.find('r1')).annotations)).toMatchObject([{ text: 'the alert DiskFull fired' }]);
});

test('no run with faults starts in a freeze; one without does', async () => {
  await using place = new ServicePlace({ quick: { hasFault: true }, watch: {} });
  const day = 24 * 3_600_000;
  const period = { name: 'xmas', kind: 'freeze' as const, environments: ['lab'], nodes: [], note: '' };
  const [from, until] = [-day, day].map((ms) => new Date(Date.now() + ms).toISOString());
  await using service = await place.open({ periods: () => [{ ...period, from: from ?? '', until: until ?? '' }] });
  await service.runs.request(aWish());
  await service.runs.request(aWish({ id: 'r2', environment: 'other' }));
  await service.runs.request(aWish({ id: 'r3', scenario: 'watch' }));
  expect((await service.until('r1', 'refused')).summary).toMatch(/the freeze xmas lasts until/);
  await service.until('r2', 'ended');
  await service.until('r3', 'ended');
});

test('a schedule makes a run of a tick, and only one, however often it is triggered', async () => {
  await using place = new ServicePlace();
  place.clock.wallMs = Date.parse('2026-03-14T11:59:58Z');
  let trigger: (name: string) => Promise<void> = () => Promise.resolve();
  const queues = { setTicks: () => undefined, onTick: (listener: typeof trigger) => (trigger = listener) };
  await using service = await place.open({ queues });
  await service.schedules.put(aSchedule({ cron: '* * * * *' }), 'api');
  await trigger('nightly');
  expect(await service.all()).toEqual([]);
  place.clock.wallMs += 3_000;
  await Promise.all(Array.from({ length: 20 }, () => trigger('nightly')));
  await service.until('nightly-20260314T120000Z', 'ended');
  // Back and forth over the same instant: it was made already.
  for (const step of [-3_000, 3_000, -600_000, 600_000]) {
    place.clock.wallMs += step;
    await trigger('nightly');
  }
  const ids = (await service.all()).filter(({ state }) => state === 'ended').map(({ id }) => id);
  expect(ids.filter((id) => id === 'nightly-20260314T120000Z')).toHaveLength(1);
  expect(place.began().filter((id) => id.startsWith('nightly-20260314T120000Z'))).toHaveLength(1);
});

test('ticks that a service slept through are runs that say so', async () => {
  await using place = new ServicePlace();
  place.clock.wallMs = Date.parse('2026-03-14T11:59:58Z');
  {
    await using first = await place.open();
    await first.schedules.putFile([aSchedule({ cron: '* * * * *' })]);
  }
  place.clock.wallMs += 150_000;
  await using second = await place.open();
  await second.schedules.putFile([aSchedule({ cron: '* * * * *' })]);
  await second.until('nightly-20260314T120200Z', 'ended');
  const skipped = (await second.all()).filter(({ state }) => state === 'skipped');
  expect(skipped.map(({ id }) => id)).toEqual(['nightly-20260314T120000Z', 'nightly-20260314T120100Z']);
  expect(skipped[0]?.summary).toMatch(/slept through this tick: it was 148 s late/);
});

test('a clock that jumps ahead and back loses no run and makes none twice', async () => {
  await using place = new ServicePlace();
  place.clock.wallMs = Date.parse('2026-03-14T12:00:30Z');
  let trigger: (name: string) => Promise<void> = () => Promise.resolve();
  const queues = { setTicks: () => undefined, onTick: (listener: typeof trigger) => (trigger = listener) };
  await using service = await place.open({ queues, sweepMs: 3_600_000 });
  await service.schedules.put(aSchedule({ cron: '* * * * *' }), 'api');
  const step = async (ms: number) => {
    place.clock.wallMs = (place.clock.wallMs ?? 0) + ms;
    await trigger('nightly');
    await eventually(async () => {
      expect((await service.all()).filter(({ state }) => state === 'queued' || state === 'running')).toEqual([]);
    });
  };
  await step(600_000);
  expect((await service.find('nightly-20260314T121000Z')).state).toBe('ended');
  expect((await service.find('nightly-20260314T120900Z')).state).toBe('skipped');
  await step(-600_000);
  // Now the ten minutes pass as minutes do, and two more.
  for (let minute = 0; minute < 12; minute += 1) await step(60_000);
  const minutes = Array.from({ length: 12 }, (_, index) => `nightly-20260314T12${String(index + 1).padStart(2, '0')}00Z`);
  expect(place.began().sort()).toEqual(minutes);
}, 60_000);

test('schedules: what a file owns the API may not change, and what it names no more is gone', async () => {
  await using place = new ServicePlace();
  const triggers: string[][] = [];
  const queues = { setTicks: (rhythms: ReadonlyMap<string, unknown>) => triggers.push([...rhythms.keys()]), onTick: () => undefined };
  await using service = await place.open({ queues });
  const { schedules } = service;
  await schedules.putFile([aSchedule({ name: 'a' }), aSchedule({ name: 'b' })]);
  await schedules.put(aSchedule({ name: 'c', paused: true }), 'api');
  await expect(schedules.put(aSchedule({ name: 'a', every: '1h' }), 'api')).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(schedules.remove('a')).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(schedules.remove('d')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  await expect(schedules.put(aSchedule({ name: 'd', scenario: 'nothing' }), 'api')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  await expect(schedules.put(aSchedule({ name: 'd', cron: 'x' }), 'api')).rejects.toMatchObject({ code: 'BAD_INPUT' });
  await schedules.putFile([aSchedule({ name: 'b' })]);
  expect(triggers.at(-1)).toEqual(['b']);
  const names = (await service.store.selectFrom('schedules').select('name').orderBy('name').execute()).map(({ name }) => name);
  expect(names).toEqual(['b', 'c']);
  await schedules.remove('c');
});

test('old runs go with their folders; one whose folder stays is kept, and holds up no other', async () => {
  await using place = new ServicePlace();
  {
    await using first = await place.open();
    await first.runs.request(aWish());
    await first.until('r1', 'ended');
    await eventually(async () => {
      expect((await first.find('r1')).is_told).toBe(1);
    });
    // No file has a name this long, so that removing it fails for whoever tries.
    const stubborn = 'x'.repeat(300);
    await first.store
      .insertInto('runs')
      .values({ ...(await first.find('r1')), id: stubborn, due_ms: 0 })
      .execute();
  }
  {
    await using second = await place.open();
    expect(await second.all()).toHaveLength(2);
  }
  place.clock.wallOffsetMs = 48 * 3_600_000;
  await using third = await place.open();
  await eventually(async () => {
    expect((await third.all()).map(({ id }) => id.slice(0, 5))).toEqual(['xxxxx']);
    expect(place.logged.join('\n')).toMatch(/run x+: its folder cannot be removed, and it is kept/);
  });
  expect(existsSync(join(place.runsFolder, 'r1'))).toBe(false);
  expect(existsSync(join(place.runsFolder, 'r1.log'))).toBe(false);
});

/** As a kill between the claim and the note leaves it. */
async function claimedWithoutRunner(place: ServicePlace): Promise<void> {
  const service = await place.open({ lookMs: 3_600_000, sweepMs: 3_600_000 });
  mkdirSync(place.runsFolder, { recursive: true });
  writeFileSync(join(place.runsFolder, 'r1.log'), '');
  const { RunRows } = await import('../../../src/service/runs/run-rows.ts');
  const rows = new RunRows(service.store);
  await rows.insert(aWish(), { state: 'queued', createdMs: 1 });
  const row = await service.find('r1');
  expect(await rows.claim(row, { startedMs: 1, folder: join(place.runsFolder, 'r1') })).toBe(true);
  expect(await rows.claim(row, { startedMs: 1, folder: join(place.runsFolder, 'r1') })).toBe(false);
  await service[Symbol.asyncDispose]();
}
