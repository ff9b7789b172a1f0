// A real redis-server for a test: a child on a Unix socket in a folder of its own, gone with its scope.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monoMs } from '../../src/io/clock.ts';
import { type PrivateRedis, startPrivateRedis } from '../../src/service/queue/private-redis.ts';
import type { ServiceClock } from '../../src/service/parts.ts';
import { eventually } from './eventually.ts';

export type TestRedis = { redis: PrivateRedis; folder: string; logged: string[]; kill(): Promise<void> } & AsyncDisposable;

export async function aRedis(): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'));
  const logged: string[] = [];
  const redis = await startPrivateRedis({ folder, log: (line) => logged.push(line), signal: AbortSignal.timeout(30_000) });
  return {
    redis,
    folder,
    logged,
    /** Returns once another one has taken its place. */
    kill: async () => {
      const before = redis.pid();
      if (before === null) throw new Error('it is between two lives');
      process.kill(before, 'SIGKILL');
      await eventually(() => {
        if (redis.pid() === null || redis.pid() === before) throw new Error('no new one yet');
      }, 15_000);
    },
    [Symbol.asyncDispose]: async () => {
      await redis[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The machine's clocks, with steps that a test makes. */
export class SteppedClock implements ServiceClock {
  wallOffsetMs = 0;
  monoOffsetMs = 0;
  /** When set, the wall clock stands there. */
  wallMs: number | null = null;

  nowMs(): number {
    return (this.wallMs ?? Date.now()) + this.wallOffsetMs;
  }

  monoMs(): number {
    return monoMs() + this.monoOffsetMs;
  }
}
