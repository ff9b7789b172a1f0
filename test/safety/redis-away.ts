// The service's own Redis is away for minutes under a living monitor: probing goes on without a gap and nothing that was measured is lost.
//
//   node test/safety/redis-away.ts [MINUTES]     10 unless told otherwise
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { aFreePort } from '../support/a-free-port.ts';
import { aService, type RunningService } from '../support/running-service.ts';
import { eventually } from '../support/eventually.ts';

const FLOWS = 64;
/** The probe tcp-hold: an exchange each 500 ms. */
const PER_FLOW_AND_SEC = 2;
const VANTAGES = 2;
const MONITOR = 'web';
/** Seconds at both ends of the recording, which a prober shares with its start and its end. */
const MARGIN_SEC = 3;

export type AwayResult = {
  awaySec: number;
  /** Whole seconds that were judged, of all vantages together. */
  seconds: number;
  /** Seconds in which another number of exchanges was scheduled than flows are held. */
  gaps: string[];
  exchanges: { scheduled: number; ok: number; notSent: number; invalid: number };
  /** From the return of Redis until the service calls itself ready. */
  readyMs: number;
};

export async function redisAway(awayMs: number): Promise<AwayResult> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-away-'));
  opened.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const port = await aFreePort();
  let redis = await startRedis(folder, port);
  opened.defer(async () => {
    await end(redis);
  });
  const service = opened.use(
    await aService({
      prefix: 'hfaway',
      variables: { REDIS_URL: `redis://127.0.0.1:${String(port)}/0` },
      config: {
        redis: '${env:REDIS_URL}',
        monitors: [{ name: MONITOR, environment: 'quick', flows: [{ probe: 'tcp-hold', vip: 'web', count: FLOWS }] }],
      },
    }),
  );
  await untilAlive(service);
  await sleep(5_000);
  await end(redis);
  const goneMs = performance.now();
  await sleep(awayMs);
  redis = await startRedis(folder, port);
  const backMs = performance.now();
  await eventually(async () => {
    const { ok, status } = await fetch(`${service.url}/readyz`);
    if (!ok) throw new Error(`not ready: ${String(status)}`);
  }, 60_000);
  const readyMs = Math.round(performance.now() - backMs);
  await sleep(8_000);
  await service.end('SIGTERM');
  return { awaySec: Math.round((backMs - goneMs) / 1_000), readyMs, ...judge(join(service.stateFolder, 'segments', MONITOR)) };
}

function judge(folder: string): Pick<AwayResult, 'seconds' | 'gaps' | 'exchanges'> {
  const exchanges = { scheduled: 0, ok: 0, notSent: 0, invalid: 0 };
  const gaps: string[] = [];
  let seconds = 0;
  const sessions = readdirSync(folder);
  if (sessions.length !== 1) gaps.push(`${String(sessions.length)} sessions instead of one: a prober was started again`);
  for (const session of sessions) {
    const scheduled = new Map<string, Map<number, number>>();
    for (const tally of talliesOf(join(folder, session))) {
      const bins = scheduled.get(tally.vantage) ?? new Map<number, number>();
      scheduled.set(tally.vantage, bins.set(tally.bin, (bins.get(tally.bin) ?? 0) + tally.scheduled));
      for (const key of Object.keys(exchanges) as (keyof typeof exchanges)[]) exchanges[key] += tally[key];
    }
    if (scheduled.size !== VANTAGES) gaps.push(`${String(scheduled.size)} vantages told something`);
    for (const [vantage, bins] of scheduled) {
      const first = Math.min(...bins.keys()) + MARGIN_SEC;
      const last = Math.max(...bins.keys()) - MARGIN_SEC;
      const expected = FLOWS * PER_FLOW_AND_SEC;
      for (let bin = first; bin <= last; bin += 1) {
        seconds += 1;
        const found = bins.get(bin) ?? 0;
        if (found !== expected) gaps.push(`${vantage}, second ${String(bin)}: ${String(found)} of ${String(expected)} exchanges`);
      }
    }
  }
  return { seconds, gaps, exchanges };
}

type ToldTally = { vantage: string; bin: number } & AwayResult['exchanges'];

function talliesOf(folder: string): ToldTally[] {
  return readdirSync(folder)
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as ToldTally & { type: string; fresh?: true })
    .filter(({ type, fresh }) => type === 'tally' && !fresh);
}

async function untilAlive(service: RunningService): Promise<void> {
  await eventually(async () => {
    await sleep(500);
    const [monitor] = await service.monitors();
    const holding = monitor?.vantages.filter(({ state }) => state === 'holding') ?? [];
    if (holding.length < VANTAGES) throw new Error(`not held from all vantages: ${JSON.stringify(monitor)}\n${service.output}`);
  }, 60_000);
}

async function startRedis(folder: string, port: number): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const text of child.stdout) if (String(text).includes('Ready to accept connections')) break;
  child.stdout.resume();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  if (child.kill('SIGKILL')) await exit;
}

async function main([minutes = '10']: readonly string[]): Promise<void> {
  if (!(Number(minutes) > 0)) throw new Error('node test/safety/redis-away.ts [MINUTES]');
  const { awaySec, seconds, gaps, exchanges, readyMs } = await redisAway(Number(minutes) * 60_000);
  for (const gap of gaps) process.stdout.write(`${gap}\n`);
  const { scheduled, ok, notSent, invalid } = exchanges;
  process.stdout.write(
    `redis away for ${String(awaySec)} s: ${String(gaps.length)} gaps in ${String(seconds)} seconds of ${String(VANTAGES)} vantages; ` +
      `${String(scheduled)} exchanges, ${String(ok)} ok, ${String(notSent)} not sent, ${String(invalid)} invalid; ready ${String(readyMs)} ms after its return\n`,
  );
  process.exitCode = gaps.length > 0 || notSent > 0 ? 1 : 0;
}

if (process.argv[1]?.endsWith('redis-away.ts')) await main(process.argv.slice(2));
