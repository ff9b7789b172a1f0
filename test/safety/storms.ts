// Keepers and runners killed or frozen at random instants of a fault, again and again, on a real router.
//
//   npm run -s safety, or: node test/safety/storms.ts kill|freeze COUNT [SEED]
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/core/random.ts';
import { monoMs } from '../../src/io/clock.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { isAlive } from '../../src/io/process-identity.ts';
import type { KeeperClient } from '../../src/runner/keeper-client.ts';
import { aLab } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';
import { KeeperProcesses, LEASE_MS, QUARANTINE_MS, signal } from '../support/keeper-process.ts';

export const STORMS = ['kill', 'freeze'] as const;
export type Storm = (typeof STORMS)[number];

/** What one disturbance did. */
export type Trial = {
  /** When, counted from the moment the injection was asked for. */
  atMs: number;
  victims: string;
  /** From the disturbance (kill) or the expiry (freeze) until the router's own configuration was as before. */
  clearedAfterMs: number;
  /** Something was shut when nothing was left to put it back. */
  isLeaked: boolean;
};

/** `count` disturbances, one after the other. */
export async function runStorm(
  storm: Storm,
  lab: Lab,
  options: { count: number; seed: number; onTrial?: (trial: Trial) => void },
): Promise<Trial[]> {
  const random = seededRandom(options.seed);
  await using keepers = new KeeperProcesses(lab);
  const trials: Trial[] = [];
  for (let index = 0; index < options.count; index += 1) {
    const trial = await (storm === 'kill' ? killOnce : freezeOnce)(keepers, random);
    trials.push(trial);
    options.onTrial?.(trial);
  }
  return trials;
}

/** Any set of runner, keeper and, with the keeper left, janitor dies at once. */
async function killOnce(keepers: KeeperProcesses, random: () => number): Promise<Trial> {
  const { child: keeper, client } = await keepers.start();
  const holder = await startHolder(keepers, random, 60_000);
  const atMs = await pause(random, 600);
  const choice = Math.floor(random() * 4);
  const victims = ['runner', 'keeper', 'runner and keeper', 'runner and janitor'][choice] ?? '';
  const diedMs = monoMs();
  if (choice === 3) process.kill((await client.status()).janitorPid ?? 0, 'SIGKILL');
  if (choice === 1 || choice === 2) await signal(keeper, 'SIGKILL');
  if (choice !== 1) await signal(holder, 'SIGKILL');
  await untilNothingCanCome(keepers, keeper, client);
  const clearedAfterMs = lastRevertMs(keepers, diedMs);
  const trial = { atMs, victims, clearedAfterMs, isLeaked: (await keepers.shutPeers()).length > 0 };
  client.close();
  await end(keeper, holder);
  return trial;
}

/** The keeper is frozen at a random instant, past its deadline, and thawed; what it was doing, it goes on with. */
async function freezeOnce(keepers: KeeperProcesses, random: () => number): Promise<Trial> {
  const { child: keeper, client } = await keepers.start();
  const forMs = 600;
  const holder = await startHolder(keepers, random, forMs);
  const atMs = await pause(random, 500);
  await signal(keeper, 'SIGSTOP');
  const expiryMs = monoMs() + forMs - atMs;
  await sleep(forMs + 200 + random() * 2_500);
  await signal(keeper, 'SIGCONT');
  const isKilled = random() < 0.3;
  if (isKilled) await sleep(random() * 50).then(() => signal(keeper, 'SIGKILL'));
  await signal(holder, 'SIGKILL');
  await untilNothingCanCome(keepers, keeper, client);
  const clearedAfterMs = lastRevertMs(keepers, expiryMs);
  await sleep(QUARANTINE_MS / 3); // nobody is left who would put it back
  const isLeaked = (await keepers.shutPeers()).length > 0;
  client.close();
  await end(keeper, holder);
  return { atMs, victims: isKilled ? 'keeper frozen, thawed, killed' : 'keeper frozen, thawed', clearedAfterMs, isLeaked };
}

/** Nobody holds the environment any more, and all that was begun is over. */
async function untilNothingCanCome(keepers: KeeperProcesses, keeper: ChildProcess, client: KeeperClient): Promise<void> {
  await eventually(async () => {
    const isDead = keeper.signalCode !== null;
    const janitor = keepers.janitor();
    if (isDead ? janitor !== null && isAlive(janitor) : (await client.status()).holder !== null)
      throw new Error('somebody could still act');
  }, 30_000);
  await keepers.until('over', 30_000);
}

/** When the last fault was read back as reverted; 0 where none had come to an intent. */
function lastRevertMs(keepers: KeeperProcesses, sinceMs: number): number {
  const verified = keepers.faults().map(({ sinceMs: atMs }) => atMs);
  return Math.max(0, ...verified.map((atMs) => Math.round(atMs - sinceMs)));
}

async function startHolder(keepers: KeeperProcesses, random: () => number, forMs: number): Promise<ChildProcess> {
  const target = `n${String(1 + Math.floor(random() * 3))}`;
  const args = ['test/safety/a-holder.ts', keepers.socket, target, String(forMs), String(LEASE_MS)];
  const holder = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  return holder;
}

async function pause(random: () => number, uptoMs: number): Promise<number> {
  const ms = Math.round(random() * uptoMs);
  await sleep(ms);
  return ms;
}

async function end(...children: ChildProcess[]): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }
}

async function main([storm = '', count = '', seed = '1']: readonly string[]): Promise<void> {
  const chosen = STORMS.find((each) => each === storm);
  if (!chosen || !(Number(count) > 0)) throw new Error('node test/safety/storms.ts kill|freeze COUNT [SEED]');
  await using lab = await aLab('hfstorm');
  const trials = await runStorm(chosen, lab.lab, {
    count: Number(count),
    seed: Number(seed),
    onTrial: ({ atMs, victims, clearedAfterMs, isLeaked }) => {
      process.stdout.write(
        `${String(atMs).padStart(4)} ms  ${victims.padEnd(32)} clear after ${String(clearedAfterMs).padStart(5)} ms${isLeaked ? '  LEAKED' : ''}\n`,
      );
    },
  });
  const times = trials.map(({ clearedAfterMs }) => clearedAfterMs).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  const leaked = trials.filter(({ isLeaked }) => isLeaked).length;
  const late = times.filter((ms) => ms > LEASE_MS + 2_000).length;
  process.stdout.write(
    `${chosen}: n = ${String(trials.length)}, ${String(leaked)} leaked, ${String(late)} later than lease + 2 s ` +
      `(0 of n: at most ${((3 / trials.length) * 100).toFixed(1)} %); clear after p50 ${String(at(0.5))} ms, p99 ${String(at(0.99))} ms, max ${String(at(1))} ms\n`,
  );
  process.exitCode = leaked + late > 0 ? 1 : 0;
}

if (import.meta.main) await main(process.argv.slice(2));
