// Faults of a cluster always come back: whoever dies, and in the middle of what, every object is as before within the lease and 2 s.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type KubeClient, RESOURCES } from '../../src/cluster/kube-client.ts';
import { monoMs } from '../../src/io/clock.ts';
import { FAULTS } from '../../src/keeper/faults/index.ts';
import { CLUSTER_LAB_FILE, theClusterLab } from '../support/a-cluster-lab.ts';
import { hopsTo } from '../support/a-lab.ts';
import { systemClient, writtenObjects } from '../support/cluster-objects.ts';
import { eventually } from '../support/eventually.ts';
import { KeeperProcesses, signal } from '../support/keeper-process.ts';

const LEASE_MS = 3_000;
const PROMISE_MS = LEASE_MS + 2_000;
const ALL = ['n1', 'n2', 'n3'];
const lab = theClusterLab();
let client: KubeClient;
const holders = new Set<ChildProcess>();

beforeAll(async () => {
  client = await systemClient(lab);
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
});
afterEach(() => {
  for (const holder of holders) holder.kill('SIGKILL');
  holders.clear();
});
beforeEach(async () => {
  await eventually(async () => {
    for (const { name } of lab.environment.vips) expect((await hopsTo(lab, name)).toSorted()).toEqual(ALL);
    const web = await client.get({ resource: RESOURCES.deployments, namespace: 'default', name: 'web' }, AbortSignal.timeout(5_000));
    expect(web?.status).toMatchObject({ availableReplicas: ALL.length });
  }, 60_000);
});

function keepersOfLab(): KeeperProcesses {
  const allow = { faults: FAULTS.map(({ kind }) => kind), nodes: ALL, vips: lab.environment.vips.map(({ name }) => name) };
  return new KeeperProcesses(lab, { allow, leaseMs: LEASE_MS, quarantineMs: 1_500 });
}

/** A runner's part, as a process of its own that can be killed; returns once its fault is written down. */
async function holding(keepers: KeeperProcesses, kind: string, target: string, params: Record<string, unknown>): Promise<ChildProcess> {
  const args = ['test/safety/a-holder.ts', keepers.socket, target, '60000', String(LEASE_MS), kind, JSON.stringify(params)];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  holders.add(holder);
  const latestEpoch = () => Math.max(0, ...keepers.faults().map(({ epoch }) => epoch));
  const before = latestEpoch();
  await eventually(() => {
    expect(latestEpoch(), keepers.stderr).toBeGreaterThan(before);
  }, 90_000); // on a busy machine a process may take ten seconds to start
  return holder;
}

async function untilAsBefore(before: Awaited<ReturnType<typeof writtenObjects>>, timeoutMs: number): Promise<number> {
  const startedMs = monoMs();
  await eventually(async () => {
    expect(await writtenObjects(client)).toEqual(before);
  }, timeoutMs);
  return monoMs() - startedMs;
}

const DISTURBED = [
  { kind: 'node-drain', target: 'n2', params: { order: 'evict-first' } },
  { kind: 'node-drain', target: 'n2', params: { order: 'withdraw-first' } },
  { kind: 'node-exclude', target: 'n2', params: {} },
  { kind: 'advertisement-deselect', target: 'n2', params: {} },
  { kind: 'policy-flip', target: 'web', params: {} },
  { kind: 'unrelated-service', target: 'web', params: {} },
];
/** From the intent on disk; a drain takes some 0.4 s, a label 0.1 s. Each kind has one of them here, and all of them in `npm run safety`. */
const ALL_INSTANTS_MS = [80, 300, 0];
const isWhole = process.env.HOLDFAST_SAFETY === 'all';
const instantsOf = (index: number) => (isWhole ? ALL_INSTANTS_MS : [ALL_INSTANTS_MS[index % ALL_INSTANTS_MS.length] ?? 0]);
/** `of` names the fewest that a change of the keeper should meet: a drain, a label, an object of MetalLB or a Service. */
const disturbed = (...of: number[]) =>
  DISTURBED.map((each, index) => ({ ...each, instantsMs: instantsOf(index) })).filter((_, index) => isWhole || of.includes(index));

test.each(disturbed(0, 1, 2, 4))(
  'the runner killed in the middle of $kind $params: all as before within lease + 2 s',
  async ({ kind, target, params, instantsMs }) => {
    const before = await writtenObjects(client);
    await using keepers = keepersOfLab();
    await keepers.start();
    for (const delayMs of instantsMs) {
      const holder = await holding(keepers, kind, target, params);
      await sleep(delayMs);
      await signal(holder, 'SIGKILL');
      const tookMs = await untilAsBefore(before, PROMISE_MS);
      console.log(`runner killed ${String(delayMs)} ms into ${kind}: as before after ${tookMs.toFixed(0)} ms`);
      await keepers.until('over', 20_000);
    }
  },
  240_000,
);

test.each(disturbed(1, 2, 3))(
  'the keeper killed in the middle of $kind $params: its janitor puts all back',
  async ({ kind, target, params, instantsMs }) => {
    const before = await writtenObjects(client);
    for (const delayMs of instantsMs) {
      await using keepers = keepersOfLab();
      const { child } = await keepers.start();
      await holding(keepers, kind, target, params);
      await sleep(delayMs);
      await signal(child, 'SIGKILL');
      const tookMs = await untilAsBefore(before, PROMISE_MS);
      console.log(`keeper killed ${String(delayMs)} ms into ${kind}: as before after ${tookMs.toFixed(0)} ms`);
      await keepers.until('over', 20_000);
      // What a late request of the dead keeper could still have done shows now.
      expect(await writtenObjects(client)).toEqual(before);
    }
  },
  240_000,
);

test.each(disturbed(0, 4))(
  'the keeper frozen in the middle of $kind $params and thawed when all is back leaves nothing',
  async ({ kind, target, params }) => {
    const before = await writtenObjects(client);
    await using keepers = keepersOfLab();
    const { child } = await keepers.start();
    await holding(keepers, kind, target, params);
    await signal(child, 'SIGSTOP');
    // Frozen at once it has touched nothing yet: the janitor's word says that the fault is over, not the objects alone.
    await keepers.until('reverted', PROMISE_MS);
    expect(await writtenObjects(client)).toEqual(before);
    await sleep(500);
    await signal(child, 'SIGCONT');
    await keepers.until('over', 30_000);
    expect(await writtenObjects(client)).toEqual(before);
  },
  120_000,
);

test('holdfast run killed in mid-drain: the lab’s own keeper puts the node back within its lease + 2 s', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-drain-'));
  try {
    const before = await writtenObjects(client);
    const scenario = join(folder, 'scenarios', 'drain.yaml');
    mkdirSync(join(folder, 'scenarios'));
    writeFileSync(
      scenario,
      'title: A drain\nflows: [{ probe: tcp-hold, vip: web, count: 32 }]\ntimeline: [{ at: 1s, fault: node-drain, node: middle-hop, for: 60s }]\n',
    );
    const args = [
      'run',
      scenario,
      '--env',
      CLUSTER_LAB_FILE,
      '--prefix',
      lab.plan.prefix,
      '--probes',
      'probes',
      '--out',
      join(folder, 'run'),
    ];
    const run = spawn(process.execPath, ['src/cli/main.ts', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    holders.add(run);
    let stderr = '';
    run.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await eventually(async () => {
      const nodes = (await client.list(RESOURCES.nodes, {}, AbortSignal.timeout(5_000))) ?? [];
      expect(
        nodes.filter(({ spec }) => (spec as { unschedulable?: boolean }).unschedulable === true),
        stderr,
      ).toHaveLength(1);
    }, 60_000);
    const ended = once(run, 'exit');
    run.kill('SIGKILL');
    await ended;
    const tookMs = await untilAsBefore(before, (lab.environment.lab?.topology.keeper.lease ?? 0) + 2_000);
    console.log(`holdfast run killed in mid-drain: as before after ${tookMs.toFixed(0)} ms`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
