// A run whose API server is away for a while: probing goes on, observation begins again, and the report says what nobody saw.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { JOURNAL_FILE, journalEvent, type JournalEvent } from '../../src/core/journal.ts';
import { readPrograms } from '../../src/lab/cluster/program-records.ts';
import { CLUSTER_LAB_FILE, theClusterLab } from '../support/a-cluster-lab.ts';
import { eventually } from '../support/eventually.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-away-'));
const scenario = join(folder, 'scenario.yaml');
// Longer than any machine needs: each run is interrupted once it has seen what it is for.
writeFileSync(
  scenario,
  `title: Nothing but an API server that is away
flows:
  - { probe: tcp-hold, vip: web, vantages: all, count: 64 }
baseline: 10m
`,
);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The API server of the shared lab as it runs now. */
function apiServer(): number {
  const pid = readPrograms(theClusterLab().stateFolder).find(({ name }) => name === 'kube-apiserver')?.identity?.pid;
  if (pid === undefined) throw new Error('the API server does not run');
  return pid;
}

function eventsIn(out: string): JournalEvent[] {
  const lines = readFileSync(join(out, JOURNAL_FILE), 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => journalEvent.parse(JSON.parse(line)));
}

function isBlindness({ type, from }: JournalEvent): boolean {
  return type === 'observer.blind' && from === 'observer:cluster';
}

type Until = (isSuch: (event: JournalEvent) => boolean) => Promise<JournalEvent>;

/** A run in which `away` happens once flows are held and the cluster was told of; it ends when the cluster is seen again. */
async function runWith(name: string, away: (untilTold: Until) => Promise<void>) {
  const out = join(folder, name);
  const args = ['run', scenario, '--env', CLUSTER_LAB_FILE, '--prefix', theClusterLab().plan.prefix, '--out', out, '--probes', 'probes'];
  const child = spawn(process.execPath, ['src/cli/main.ts', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'close');
  const untilTold: Until = (isSuch) =>
    eventually(() => {
      expect(child.exitCode).toBeNull();
      const event = eventsIn(out).find(isSuch);
      if (event === undefined) throw new Error('nothing such was told');
      return event;
    }, 120_000);
  try {
    await untilTold(({ type }) => type === 'vantage.ready');
    await untilTold(({ type }) => type === 'cluster.intent');
    await away(untilTold);
    const { t: blindT } = await untilTold(isBlindness);
    await untilTold(({ type, t }) => type === 'cluster.intent' && t > blindT);
  } finally {
    child.kill('SIGINT');
    await ended;
  }
  return { report: readFileSync(join(out, 'report.json'), 'utf8'), events: eventsIn(out) };
}

/** What was told of the cluster before, while and after nobody saw it. */
function aroundBlindness(events: readonly JournalEvent[]) {
  const blind = events.filter(isBlindness);
  const fromT = blind[0]?.t ?? NaN;
  const after = events.filter(({ t, type }) => t > fromT && type.startsWith('cluster.'));
  const seenT = after[0]?.t ?? NaN;
  const exchanged = events.filter((event) => event.type === 'tally' && event.bin * 1_000 >= fromT && event.bin * 1_000 < seenT);
  return {
    blindCount: blind.length,
    seenAgain: [...new Set(after.map(({ type }) => type))].toSorted(),
    answered: exchanged.reduce((sum, event) => sum + (event.type === 'tally' ? event.ok : 0), 0),
    broken: events.filter(({ type }) => type === 'flow.broken'),
  };
}

const EVERYTHING = [
  ...['cluster.deployment', 'cluster.endpoints', 'cluster.intent', 'cluster.metallb'],
  ...['cluster.metallb-status', 'cluster.node', 'cluster.service', 'cluster.speaker'],
];

test('an API server that is frozen: flows are held, blindness is told, and everything anew when it thaws', async () => {
  const pid = apiServer();
  const { report, events } = await runWith('frozen', async (untilTold) => {
    process.kill(pid, 'SIGSTOP');
    try {
      const { t } = await untilTold(isBlindness);
      // A whole second of exchanges without sight.
      await untilTold((event) => event.type === 'tally' && event.bin * 1_000 >= t);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
  const { answered, ...rest } = aroundBlindness(events);
  expect(rest).toEqual({ blindCount: 1, seenAgain: EVERYTHING, broken: [] });
  expect(answered).toBeGreaterThan(0);
  expect(report).toMatch(
    /The observer cluster lost sight at [\d.]+ m?s, and saw again at [\d.]+ m?s: the API server at \S+ does not answer/,
  );
}, 300_000);

test('an API server that is killed and started again is one stretch of blindness, however it answers until it is ready', async () => {
  const { report, events } = await runWith('killed', () => {
    process.kill(apiServer(), 'SIGKILL');
    return Promise.resolve();
  });
  expect(aroundBlindness(events)).toMatchObject({ blindCount: 1, seenAgain: EVERYTHING, broken: [] });
  expect(report).toMatch(/The observer cluster lost sight at [\d.]+ m?s, and saw again at [\d.]+ m?s/);
}, 300_000);
