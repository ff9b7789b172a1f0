// A service whose clock steps, whose Redis dies, whose jobs are doubled and which is killed itself, again and again: no tick may make two
// runs, and no run two beginnings.
//
//   node test/safety/queue-storm.ts RUNS [SEED]          all of it, until so many runs began
//   node test/safety/queue-storm.ts redis KILLS [SEED]   Redis alone is killed: no tick without its run, the canary back within 15 s
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Selectable } from 'kysely';
import { seededRandom } from '../../src/core/random.ts';
import type { ScheduleSpec } from '../../src/core/service-file.ts';
import { monoMs } from '../../src/io/clock.ts';
import { connectRedis } from '../../src/service/queue/redis-place.ts';
import { TICKS_QUEUE } from '../../src/service/queue/tick-triggers.ts';
import { tickRunId } from '../../src/service/runs/due-ticks.ts';
import { openStore } from '../../src/service/store/open-store.ts';
import type { Tables } from '../../src/service/store/tables.ts';
import { aRedis, type TestRedis } from '../support/a-redis.ts';
import { eventually } from '../support/eventually.ts';

const CANARY_MS = 15_000;

export type StormResult = {
  /** Runs that began, each by its id. */
  began: number;
  /** Runs with two beginnings, and rows that say they ran and did not, or the other way round: must be empty. */
  wrong: string[];
  serviceKills: number;
  redisKills: number;
  clockSteps: number;
  doubledJobs: number;
  /** Runs whose runner no row named when the service came back: found again, or fenced off and started anew. */
  recovered: number;
};

/** All disturbances at random, until `runs` have begun. */
export async function runStorm({ runs, seed }: { runs: number; seed: number }): Promise<StormResult> {
  const random = seededRandom(seed);
  await using place = await stormPlace({ everyMs: 400, schedules: 4, killOdds: 6 });
  const done = { serviceKills: 0, redisKills: 0, clockSteps: 0, doubledJobs: 0 };
  let service = await place.start();
  let startedMs = monoMs();
  let offsetMs = 0;
  while (place.began().length < runs) {
    await sleep(20 + random() * 200);
    const isDead = service.exitCode !== null || service.signalCode !== null;
    const dice = random();
    if (isDead || (dice < 0.1 && monoMs() - startedMs > 1_000)) {
      if (!isDead) await kill(service);
      done.serviceKills += 1;
      service = await place.start();
      startedMs = monoMs();
    } else if (dice < 0.13) {
      done.redisKills += 1;
      await place.redis.kill();
    } else if (dice < 0.25) {
      done.clockSteps += 1;
      offsetMs += Math.round((random() - 0.45) * 20_000);
      place.stepClock(offsetMs);
    } else if (dice < 0.6) {
      done.doubledJobs += await place.doubleJobs(random);
    }
  }
  await place.calm();
  await kill(service);
  return { began: new Set(place.began().map(runOf)).size, wrong: await place.wrongs(), recovered: place.recovered(), ...done };
}

export type RedisResult = {
  kills: number;
  ticks: number;
  /** Ticks without a run. */ missing: string[];
  wrong: string[];
  canaryMs: number[];
  /** Resident memory of the service, before and after. */ rssMb: [number, number];
};

/** Redis alone dies, `kills` times; the service and its clock go on. */
export async function killRedis({ kills, seed }: { kills: number; seed: number }): Promise<RedisResult> {
  const random = seededRandom(seed);
  const everyMs = 500;
  await using place = await stormPlace({ everyMs, schedules: 1, killOdds: 0 });
  const service = await place.start();
  const fromMs = Date.now();
  const canaryMs: number[] = [];
  await sleep(2_000); // its imports are read and its queues are open
  const rssBefore = rssMb(service);
  for (let kill = 0; kill < kills; kill += 1) {
    await sleep(random() * 500);
    const killedMs = monoMs();
    await place.redis.kill();
    await eventually(() => {
      if (place.canaryBackMs() < killedMs) throw new Error('the canary is not back');
    }, 60_000);
    canaryMs.push(Math.round(place.canaryBackMs() - killedMs));
  }
  const rssAfter = rssMb(service);
  const untilMs = Date.now() - 1_000;
  await place.calm();
  const rows = new Set((await place.rows()).map(({ id }) => id));
  await kill(service);
  const rss: [number, number] = [rssBefore, rssAfter];
  const ticks: string[] = [];
  for (let atMs = (Math.floor(fromMs / everyMs) + 1) * everyMs; atMs <= untilMs; atMs += everyMs) ticks.push(tickRunId('s0', atMs));
  return { kills, ticks: ticks.length, missing: ticks.filter((id) => !rows.has(id)), wrong: await place.wrongs(), canaryMs, rssMb: rss };
}

type StormPlace = AsyncDisposable & {
  redis: TestRedis;
  start(): Promise<ChildProcess>;
  /** Folders in which a runner began, in order. */
  began(): string[];
  stepClock(offsetMs: number): void;
  doubleJobs(random: () => number): Promise<number>;
  canaryBackMs(): number;
  recovered(): number;
  rows(): Promise<Selectable<Tables['runs']>[]>;
  /** Waits until nothing runs: then what the rows say and what began must agree. */
  calm(): Promise<void>;
  wrongs(): Promise<string[]>;
};

async function stormPlace({ everyMs, schedules, killOdds }: { everyMs: number; schedules: number; killOdds: number }): Promise<StormPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-storm-'));
  const redis = await aRedis();
  const socket = join(redis.folder, 'redis.sock');
  const write = (name: string, text: string) => {
    // Whole or not at all: the service reads it at any moment.
    writeFileSync(join(folder, `${name}.new`), text);
    renameSync(join(folder, `${name}.new`), join(folder, name));
  };
  const names = Array.from({ length: schedules }, (_, index) => `s${String(index)}`);
  const specs: ScheduleSpec[] = names.map((name) => ({
    ...{ name, scenario: 'quick', environment: `of-${name}`, every: everyMs, timeZone: 'UTC', jitter: 0, overlap: 'wait', paused: false },
  }));
  write('plan.json', JSON.stringify({ schedules: specs, environments: specs.map(({ environment }) => environment) }));
  write('quick', `${String(killOdds)}\n`);
  write('clock-offset', '0');
  const connection = connectRedis({ path: socket }, 'asking');
  const queue = new Queue(TICKS_QUEUE, { connection, skipVersionCheck: true });
  queue.on('error', () => undefined);
  const children: ChildProcess[] = [];
  const logFile = join(folder, 'service.log');
  const log = openSync(logFile, 'a');
  const began = () => {
    const path = join(folder, 'runs', 'began.txt');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  };
  const rows = async () => {
    const store = await openStore(join(folder, 'store.sqlite'));
    const all = await store.selectFrom('runs').selectAll().execute();
    await store.destroy();
    return all;
  };
  return {
    redis,
    began,
    recovered: () => readFileSync(logFile, 'utf8').match(/found its runner|is started anew/g)?.length ?? 0,
    rows,
    start: async () => {
      const child = spawn(process.execPath, [join(import.meta.dirname, '../support/a-service.ts'), folder, socket], {
        stdio: ['ignore', 'pipe', log],
      });
      children.push(child);
      if (!child.stdout) throw new Error('it has no output');
      // An assassin may be quicker than the word that it is ready.
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      return child;
    },
    stepClock: (offsetMs) => {
      write('clock-offset', String(offsetMs));
    },
    doubleJobs: async (random) => {
      const count = 1 + Math.floor(random() * 8);
      const jobs = Array.from({ length: count }, () => ({
        name: 'tick',
        data: { schedule: names[Math.floor(random() * names.length)] ?? '' },
        opts: { delay: Math.floor(random() * 500), removeOnComplete: true },
      }));
      return await queue.addBulk(jobs).then(
        () => count,
        () => 0, // Redis is away
      );
    },
    canaryBackMs: () => {
      if (!existsSync(join(folder, 'canary-age'))) return -Infinity;
      try {
        const { ageMs, atMs } = JSON.parse(readFileSync(join(folder, 'canary-age'), 'utf8')) as { ageMs: number | null; atMs: number };
        return ageMs === null ? -Infinity : atMs - ageMs;
      } catch {
        return -Infinity; // half written
      }
    },
    calm: async () => {
      const paused = specs.map((spec) => ({ ...spec, paused: true }));
      write('plan.json', JSON.stringify({ schedules: paused, environments: specs.map(({ environment }) => environment) }));
      write('quick', '0\n');
      for (const child of children) if (child.exitCode === null && child.signalCode === null) await kill(child);
      const last = spawn(process.execPath, [join(import.meta.dirname, '../support/a-service.ts'), folder, socket], {
        stdio: ['ignore', 'ignore', log],
      });
      children.push(last);
      await eventually(async () => {
        const open = (await rows()).filter(({ state }) => state === 'queued' || state === 'running');
        if (open.length > 0) throw new Error(`still open: ${open.map(({ id, state }) => `${id} ${state}`).join(', ')}`);
      }, 60_000);
      await kill(last);
    },
    wrongs: async () => {
      const beginnings = Map.groupBy(began(), runOf);
      const wrong = [...beginnings].flatMap(([id, folders]) => (folders.length > 1 ? [`${id} began ${String(folders.length)} times`] : []));
      for (const { id, state, summary } of await rows()) {
        const hasBegun = beginnings.has(id);
        if ((state === 'ended') !== hasBegun)
          wrong.push(`${id} is ${state} (${String(summary)}), and a runner ${hasBegun ? 'began' : 'never began'}`);
      }
      return wrong;
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) if (child.exitCode === null && child.signalCode === null) await kill(child);
      closeSync(log);
      connection.disconnect();
      await redis[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A later attempt has a number behind its dot; an instant with milliseconds ends with Z. */
function runOf(folder: string): string {
  return folder.replace(/\.\d+$/, '');
}

function rssMb({ pid }: ChildProcess): number {
  const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  return Math.round(Number(kb) / 1_024);
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  if (child.kill('SIGKILL')) await exit;
}

async function main([first = '', second = '', third = '1']: readonly string[]): Promise<void> {
  if (!(Number(first === 'redis' ? second : first) > 0))
    throw new Error('node test/safety/queue-storm.ts RUNS [SEED] | redis KILLS [SEED]');
  if (first === 'redis') {
    const { kills, ticks, missing, wrong, canaryMs, rssMb: rss } = await killRedis({ kills: Number(second), seed: Number(third) });
    const sorted = canaryMs.toSorted((a, b) => a - b);
    const late = sorted.filter((ms) => ms > CANARY_MS).length;
    for (const line of [...missing.map((id) => `no run of ${id}`), ...wrong]) process.stdout.write(`${line}\n`);
    process.stdout.write(
      `redis: killed ${String(kills)} times, ${String(missing.length)} of ${String(ticks)} ticks without a run, ${String(wrong.length)} wrong, ` +
        `canary back after p50 ${String(sorted[sorted.length >> 1])} ms, max ${String(sorted.at(-1))} ms, memory ${rss.join(' -> ')} MB\n`,
    );
    process.exitCode = missing.length + wrong.length + late > 0 ? 1 : 0;
    return;
  }
  const { began, wrong, ...done } = await runStorm({ runs: Number(first), seed: Number(second || '1') });
  for (const line of wrong) process.stdout.write(`${line}\n`);
  process.stdout.write(
    `queue: ${String(began)} runs began, ${String(wrong.length)} wrong; service killed ${String(done.serviceKills)} times, Redis ${String(done.redisKills)}, ` +
      `${String(done.clockSteps)} clock steps, ${String(done.doubledJobs)} doubled jobs, ${String(done.recovered)} runs recovered\n`,
  );
  process.exitCode = wrong.length > 0 ? 1 : 0;
}

if (process.argv[1]?.endsWith('queue-storm.ts')) await main(process.argv.slice(2));
