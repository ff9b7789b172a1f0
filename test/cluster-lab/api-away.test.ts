// A run whose API server is away for a while: probing goes on, observation begins again, and the report says what nobody saw.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { JOURNAL_FILE, journalEvent, type JournalEvent } from '../../src/core/journal.ts';
import { readPrograms } from '../../src/lab/cluster/program-records.ts';
import { CLUSTER_LAB_FILE, theClusterLab } from '../support/a-cluster-lab.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-away-'));
const scenario = join(folder, 'scenario.yaml');
writeFileSync(
  scenario,
  `title: Nothing but an API server that is away
flows:
  - { probe: tcp-hold, vip: web, vantages: all, count: 64 }
baseline: 60s
recovery: 1s
expect:
  - { check: broken, max: 0 }
  - { check: availability, min: 99% }
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

type Until = (isSuch: (event: JournalEvent) => boolean) => Promise<JournalEvent>;

/** Runs the scenario; `away` begins once flows are held and the cluster was told of. */
async function runWith(name: string, away: (until: Until) => Promise<void>) {
  const out = join(folder, name);
  const { prefix } = theClusterLab().environment.lab ?? { prefix: '' };
  const run = holdfast(['run', scenario, '--env', CLUSTER_LAB_FILE, '--prefix', prefix, '--out', out, '--probes', 'probes']);
  let ended = '';
  void run.then(({ stdout, stderr }) => (ended = `the run ended: ${stdout.slice(-500)}${stderr}`));
  const until: Until = (isSuch) =>
    eventually(() => {
      expect(ended).toBe('');
      const event = eventsIn(out).find(isSuch);
      if (event === undefined) throw new Error('nothing such was told yet');
      return event;
    }, 120_000);
  await until(({ type }) => type === 'vantage.ready');
  await until(({ type }) => type === 'cluster.intent');
  await away(until);
  await run;
  return { report: readFileSync(join(out, 'report.json'), 'utf8'), events: eventsIn(out) };
}

function isBlindness({ type, from }: JournalEvent): boolean {
  return type === 'observer.blind' && from === 'observer:cluster';
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
    seenAgain: new Set(after.map(({ type }) => type)),
    answered: exchanged.reduce((sum, event) => sum + (event.type === 'tally' ? event.ok : 0), 0),
  };
}

const EVERYTHING = [
  ...['cluster.deployment', 'cluster.endpoints', 'cluster.intent', 'cluster.metallb'],
  ...['cluster.metallb-status', 'cluster.node', 'cluster.service', 'cluster.speaker'],
];

test('an API server that is frozen: flows are held, blindness is told, and everything anew when it thaws', async () => {
  const pid = apiServer();
  const { report, events } = await runWith('frozen', async (until) => {
    process.kill(pid, 'SIGSTOP');
    try {
      const { t } = await until(isBlindness);
      // A whole second of exchanges without sight.
      await until((event) => event.type === 'tally' && event.bin * 1_000 >= t);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
  const { blindCount, seenAgain, answered } = aroundBlindness(events);
  expect(blindCount).toBe(1);
  expect([...seenAgain].toSorted()).toEqual(EVERYTHING);
  expect(answered).toBeGreaterThan(0);
  expect(events.filter(({ type }) => type === 'flow.broken')).toEqual([]);
  expect(report).toMatch(
    /The observer cluster lost sight at [\d.]+ m?s, and saw again at [\d.]+ m?s: the API server at \S+ does not answer/,
  );
}, 300_000);
