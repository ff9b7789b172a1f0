import { expect, test } from 'vitest';
import { killRedis, runStorm } from '../../safety/queue-storm.ts';

test('killed services, dead Redis, doubled jobs and stepped clocks: no tick makes two runs, no run begins twice', async () => {
  const { began, wrong } = await runStorm({ runs: 12, seed: 7 });
  expect(wrong).toEqual([]);
  expect(began).toBeGreaterThanOrEqual(12);
}, 120_000);

test('Redis killed: every tick has its run, and the canary is back within 15 s', async () => {
  const { missing, wrong, canaryMs } = await killRedis({ kills: 2, seed: 7 });
  expect({ missing, wrong }).toEqual({ missing: [], wrong: [] });
  expect(Math.max(...canaryMs)).toBeLessThan(15_000);
}, 120_000);
