// Scheduled runs on a real lab: every tick once, also over the death of the service, and no fault outlives its runner.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunResource } from '../../src/core/api.ts';
import { openLab } from '../../src/lab/lab.ts';
import { openRouter } from '../../src/routers/index.ts';
import { LAB_UID } from '../support/a-lab.ts';
import { aService, type RunningService } from '../support/running-service.ts';
import { eventually } from '../support/eventually.ts';

const PREFIX = 'hfsch';
const EVERY_MS = 20_000;
const SHORT = `
title: A session is away for a moment
flows:
  - { probe: tcp-hold, vip: web, count: 16 }
timeline:
  - { at: 1s, fault: bgp-session-down, node: middle-hop, for: 3s }
recovery: 1s
`;
const LONG = `
title: A session is away until its time is over
flows:
  - { probe: tcp-hold, vip: web, count: 16 }
timeline:
  - { at: 1s, fault: bgp-session-down, node: middle-hop, for: 60s }
`;

let service: RunningService;
beforeAll(async () => {
  service = await aService({
    prefix: PREFIX,
    scenarios: { short: SHORT, long: LONG },
    config: { schedules: [{ name: 'often', scenario: 'short', environment: 'quick', every: `${String(EVERY_MS / 1000)}s` }] },
  });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

async function scheduled(): Promise<RunResource[]> {
  return (await service.runs()).filter(({ trigger }) => trigger === 'schedule often').sort((a, b) => a.dueMs - b.dueMs);
}

async function shutSessions(): Promise<string[]> {
  const [router] = openLab(PREFIX, LAB_UID).environment.routers;
  if (!router) throw new Error('the lab has no router');
  const sessions = await openRouter(router).sessions(AbortSignal.timeout(5_000));
  return sessions.filter(({ isShut }) => isShut).map(({ peer }) => peer);
}

/** Pids of processes whose command line names all of `words`. */
function processesWith(...words: string[]): number[] {
  const commandLine = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return ''; // gone
    }
  };
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid))
    .filter((pid) => words.every((word) => commandLine(pid).includes(word)))
    .map(Number);
}

test('three ticks, the service killed across the second: three runs, none twice', async () => {
  const first = await eventually(async () => {
    const [run] = await scheduled();
    expect(run?.state).toBe('running');
    return run;
  }, EVERY_MS + 20_000);
  const secondMs = (first?.dueMs ?? 0) + EVERY_MS;
  await eventually(() => {
    expect(Date.now()).toBeGreaterThan(secondMs - 500);
  }, EVERY_MS);
  await service.end('SIGKILL');
  await eventually(() => {
    expect(Date.now()).toBeGreaterThan(secondMs + 1_500);
  });
  await service.start();
  const runs = await eventually(async () => {
    const found = (await scheduled()).slice(0, 3);
    expect(found.map(({ state }) => state)).toEqual(['ended', 'ended', 'ended']);
    return found;
  }, 90_000);
  expect(runs.map(({ dueMs }) => dueMs - (first?.dueMs ?? 0))).toEqual([0, EVERY_MS, 2 * EVERY_MS]);
  expect(new Set(runs.map(({ id }) => id)).size).toBe(3);
  const folders = readdirSync(`${service.stateFolder}/runs`).filter((entry) => runs.some(({ id }) => entry === id));
  expect(folders.length).toBe(3);
  expect(runs.map(({ verdict }) => verdict)).toEqual(['held', 'held', 'held']);
});

test('service and runner are killed in mid-fault: the keeper reverts, and the run is told as errored', async () => {
  const { id } = await service.post<{ id: string }>('/api/v1/runs', { scenario: 'long', environment: 'quick' });
  await eventually(async () => {
    expect((await service.runs()).find((run) => run.id === id)?.state).toBe('running');
    expect(await shutSessions()).toHaveLength(1);
  }, 60_000);
  await service.end('SIGKILL');
  const runners = processesWith('main.ts\0run\0', `/runs/${id}`);
  expect(runners.length).toBeGreaterThan(0);
  for (const pid of runners) process.kill(pid, 'SIGKILL');
  // The lab's lease is 3 s; 2 s more are what the promise allows.
  await eventually(async () => {
    expect(await shutSessions()).toEqual([]);
  }, 5_000);
  await service.start();
  await eventually(async () => {
    const run = (await service.runs()).find((each) => each.id === id);
    expect(run?.state === 'lost' || run?.verdict === 'errored', JSON.stringify(run)).toBe(true);
  }, 30_000);
});
