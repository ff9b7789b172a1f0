// A lab's keeper as if on another machine: nobody but its link reaches it, and its journal lies where no runner can read it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { keeperResource, RunResource } from '../../src/core/api.ts';
import { openLab } from '../../src/lab/lab.ts';
import { openRouter } from '../../src/routers/index.ts';
import { eventually } from '../support/eventually.ts';
import { LAB_UID } from '../support/a-lab.ts';
import { aService, type RunningService } from '../support/running-service.ts';

const PREFIX = 'hfrk';
const LEASE_MS = 3_000;
const FLOWS = 'flows:\n  - { probe: tcp-hold, vip: web, count: 16 }\n';
const SHORT = `title: A session is away for a moment\n${FLOWS}timeline:\n  - { at: 1s, fault: bgp-session-down, node: middle-hop, for: 3s }\nrecovery: 1s\n`;
const LONG = `title: A session is away until its time is over\n${FLOWS}timeline:\n  - { at: 1s, fault: bgp-session-down, node: middle-hop, for: 60s }\n`;

type Keeper = ReturnType<typeof keeperResource.parse>;

let service: RunningService;
let keeper: ChildProcess | undefined;
let link: ChildProcess | undefined;
let said = '';
const place = (name: string) => join(service.folder, 'rack', name);

function start(name: string, command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += `${name}: ${text}`));
  return child;
}

function startLink(): void {
  const args = ['keeper-link', '--file', place('keeper.yaml'), '--socket', place('keeper.sock'), '--state', place('link')];
  link = start('link', process.execPath, ['src/cli/main.ts', ...args]);
}

async function end(child: ChildProcess | undefined, name: NodeJS.Signals): Promise<void> {
  if (child?.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill(name);
  await exited;
}

beforeAll(async () => {
  service = await aService({
    prefix: PREFIX,
    scenarios: { short: SHORT, long: LONG },
    config: { keepers: [{ name: 'rack-7', environments: ['quick'] }] },
  });
  mkdirSync(place('state'), { recursive: true });
  const { token, controllerKey } = await service.post<{ token: string; controllerKey: string }>('/api/v1/keepers/rack-7/token');
  writeFileSync(place('token'), token, { mode: 0o600 });
  const file = {
    ...{ armed: true, leaseMs: LEASE_MS, quarantineMs: 1_000 },
    allow: { faults: ['bgp-session-down'], nodes: ['n1', 'n2', 'n3'] },
    join: { name: 'rack-7', service: service.url, token: '${file:token}', controllerKey },
  };
  writeFileSync(place('keeper.yaml'), JSON.stringify(file)); // JSON is YAML
  // A mount of its own hides its state folder from everybody else.
  const argv = [process.execPath, 'src/cli/main.ts', 'keeper', '--env', resolve('deploy/lab/quick.yaml'), '--prefix', PREFIX];
  const more = ['--file', place('keeper.yaml'), '--state', place('state'), '--socket', place('keeper.sock')];
  const script = `mount -t tmpfs none "$0" && exec "$@"`;
  keeper = start('keeper', 'unshare', ['-m', 'sh', '-c', script, place('state'), ...argv, ...more]);
  startLink();
  await untilJoined();
});
afterAll(async () => {
  await end(link, 'SIGTERM');
  await end(keeper, 'SIGTERM');
  await service[Symbol.asyncDispose]();
});

async function theKeeper(): Promise<Keeper | undefined> {
  return (await service.get<{ items: Keeper[] }>('/api/v1/keepers')).items.find(({ environment }) => environment === 'quick');
}

async function untilJoined(): Promise<void> {
  await eventually(async () => {
    expect(await theKeeper(), said).toMatchObject({ isReachable: true, isArmed: true, joined: { name: 'rack-7', isConnected: true } });
  }, 40_000);
}

async function shutSessions(): Promise<string[]> {
  const [router] = openLab(PREFIX, LAB_UID).environment.routers;
  if (!router) throw new Error('the lab has no router');
  const sessions = await openRouter(router).sessions(AbortSignal.timeout(5_000));
  return sessions.filter(({ isShut }) => isShut).map(({ peer }) => peer);
}

async function runInFault(): Promise<string> {
  const { id } = await service.post<{ id: string }>('/api/v1/runs', { scenario: 'long', environment: 'quick' });
  await eventually(async () => {
    expect(await shutSessions(), said).toHaveLength(1);
  }, 60_000);
  return id;
}

async function reverted(): Promise<void> {
  // 2 s after the lease are what the promise allows.
  await eventually(async () => {
    expect(await shutSessions(), said).toEqual([]);
  }, LEASE_MS + 2_000);
}

async function ended(id: string): Promise<RunResource> {
  return await eventually(async () => {
    const run = (await service.runs()).find((each) => each.id === id);
    expect(run?.state, JSON.stringify(run)).toBe('ended');
    if (!run) throw new Error('no run');
    return run;
  }, 90_000);
}

/** What the run's journal tells of its fault, in order. */
function faultWords(id: string): { type: string; from: string; reason?: string }[] {
  return readFileSync(join(service.stateFolder, 'runs', id, 'journal.ndjson'), 'utf8')
    .split('\n')
    .flatMap((line) => (line.includes('"type":"fault.') ? [JSON.parse(line) as { type: string; from: string; reason?: string }] : []));
}

test('a run that the service starts holds the lab’s fault through the link, and is judged as ever', async () => {
  const { id } = await service.post<{ id: string }>('/api/v1/runs', { scenario: 'short', environment: 'quick' });
  const run = await ended(id);
  expect(run.verdict, JSON.stringify(run)).toBe('held');
  expect(faultWords(id).map(({ type }) => type)).toEqual([
    'fault.planned',
    ...['fault.intent', 'fault.in-force', 'fault.reverting', 'fault.verified'],
  ]);
});

test('the link killed in mid-fault: reverted by the keeper within its lease, and the run is errored with what the keeper says', async () => {
  const id = await runInFault();
  await end(link, 'SIGKILL');
  await reverted();
  expect(await theKeeper()).toMatchObject({ isReachable: false, joined: { isConnected: false } });
  startLink();
  const run = await ended(id);
  expect(run.verdict).toBe('errored');
  expect(faultWords(id).at(-1)).toMatchObject({ type: 'fault.verified', from: 'keeper' });
  expect(faultWords(id)).toContainEqual(expect.objectContaining({ type: 'fault.reverting', reason: 'the lease was not renewed' }));
  await untilJoined();
});

test('the link frozen in mid-fault: reverted all the same; a run that nobody can tell the end says so, and what thaws passes nothing on', async () => {
  const id = await runInFault();
  link?.kill('SIGSTOP');
  await reverted();
  const run = await ended(id);
  expect(run.verdict).toBe('errored');
  const last = faultWords(id).at(-1);
  expect(last).toMatchObject({ type: 'fault.unverified', from: 'runner' });
  expect(last?.reason).toMatch(/could not be asked again.*look there/);
  link?.kill('SIGCONT');
  await untilJoined();
  expect(said).toMatch(/link: .*this process stood still for/);
  expect(await shutSessions()).toEqual([]);
});

test('halt through the service reverts at once, and the run tells why', async () => {
  const id = await runInFault();
  const answer = await service.post<Keeper>('/api/v1/keepers/quick/halt');
  expect(answer).toMatchObject({ isHalted: true, joined: { isConnected: true } });
  expect(answer.faults.map(({ state }) => state)).toEqual(['verified']);
  expect(await shutSessions()).toEqual([]);
  expect((await ended(id)).verdict).toBe('errored');
  expect(faultWords(id)).toContainEqual(expect.objectContaining({ type: 'fault.reverting', reason: 'halted by a person' }));
});
