import { expect, test } from 'vitest';
import { aJournal, type JournalDraft } from '../../support/a-journal.ts';
import { contextOf, Player, ticking } from './a-watch.ts';

const ALL = ['n1', 'n2', 'n3'];

function play(journal: JournalDraft, untilT: number): Player {
  return new Player(contextOf(journal.events)).play(journal.sorted(), { untilT });
}

test('flows that break in numbers while the set stays are a burst, with its window', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 60 });
  const flows = ALL.flatMap((ingress) => journal.flows(20, { ingress }));
  for (const flow of flows.slice(20, 30)) {
    journal.breaks(flow, 20_000).maps(flow, 20_300, 'n2');
    journal.flow({ ingress: 'n2', openT: 20_050, replaces: flow });
  }
  expect(play(journal, 24_000).last()).toMatchObject([{ kind: 'break-burst', state: 'open', severity: 'warn' }]);
  expect(play(journal, 50_000).last()).toMatchObject([
    {
      kind: 'break-burst',
      state: 'resolved',
      isProvisional: false,
      vantages: ['v1'],
      sentence: '10 of 60 TCP flows broke, all of them on n2 (10 reset), while the next-hop set of web stayed.',
      windows: [{ fromT: 20_000, untilT: 30_000, description: 'flows of web broke while its next-hop set stayed' }],
    },
  ]);
});

test('a few breaks are no burst', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 60 });
  const flows = ALL.flatMap((ingress) => journal.flows(20, { ingress }));
  for (const [index, flow] of flows.slice(0, 3).entries()) journal.breaks(flow, 20_000 + index * 100);
  expect(play(journal, 50_000).last()).toEqual([]);
});

test('breaks that the prober told before it told that it had been ill in their second are no burst', () => {
  const journal = aJournal({ intervalMs: 100 }).set(100, ALL);
  ticking(journal, { untilBin: 60 });
  const flows = ALL.flatMap((ingress) => journal.flows(20, { ingress }));
  for (const flow of flows.slice(20, 30)) {
    journal.breaks(flow, 20_300, { t: 20_600 });
    journal.flow({ ingress: 'n2', openT: 22_000, replaces: flow });
  }
  const why = 'this machine did not have its source address';
  journal.add(21_000, 'prober.ill', { vantage: 'v1', fromT: 20_000, untilT: 21_000, why }, 'prober:v1');
  expect(play(journal, 50_000).of('break-burst')).toEqual([]);
});

test('a burst that a later change of the set explains says so', () => {
  const journal = aJournal().set(100, ALL).set(28_000, ['n1', 'n3']);
  ticking(journal, { untilBin: 80 });
  ALL.flatMap((ingress) => journal.flows(20, { ingress }));
  for (const flow of journal.flows(10, { ingress: 'n2' })) {
    journal.breaks(flow, 20_000);
    journal.flow({ ingress: 'n1', openT: 20_050, replaces: flow });
  }
  expect(play(journal, 70_000).last()).toMatchObject([
    {
      kind: 'break-burst',
      state: 'resolved',
      sentence: expect.stringContaining('explained by the change of the set that followed') as string,
    },
    { kind: 'next-hops-changed', subject: 'n2', openedMs: 1_700_000_020_000, brokenByCause: { reset: 10 } },
  ]);
});

test('a source address that does not arrive where the policy promises it is told by ingress, until it does again', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 60 });
  journal.flows(5, { ingress: 'n1' });
  const [first, second] = journal.flows(2, { ingress: 'n2' });
  const seen = (flow: string | undefined, t: number, observedSource: string) =>
    journal.of(flow ?? '', t, 'flow.changed', { ingress: 'n2', backend: 'web-n2', backendNode: 'n2', boot: 'b', observedSource });
  seen(first, 20_000, '10.77.0.12');
  seen(second, 20_100, '10.77.0.12');
  seen(first, 40_000, '10.77.1.2');
  seen(second, 40_200, '10.77.1.2');
  expect(play(journal, 30_000).last()).toMatchObject([
    {
      kind: 'source-ip-lost',
      vip: 'web',
      subject: 'n2',
      state: 'open',
      severity: 'warn',
      sentence: 'The client address does not survive on the way to web by n2: 2 flows from v1 are seen with an address of n2.',
    },
  ]);
  expect(play(journal, 50_000).last()).toMatchObject([{ state: 'resolved', openedMs: 1_700_000_020_000, resolvedMs: 1_700_000_040_200 }]);
});

test('under the policy cluster a rewritten source is as it should be', () => {
  const journal = aJournal({ policy: 'cluster' }).set(100, ALL);
  journal.flows(5, { ingress: 'n1', observedSource: '10.77.0.11' });
  expect(play(journal, 10_000).last()).toEqual([]);
});

test('a BGP session that goes down is told at once; one that was never up only after a while', () => {
  const journal = aJournal();
  const session = (t: number, node: string, state: string, reason = '') =>
    journal.add(t, 'bgp-session', { observer: 'bgp', router: 'tor', peer: `peer-${node}`, node, state, reason }, 'observer:tor');
  session(100, 'n1', 'Established');
  session(100, 'n2', 'Active');
  session(100, 'n3', 'Idle');
  session(5_000, 'n3', 'Established');
  session(20_000, 'n1', 'Idle', 'Hold Timer Expired');
  session(21_000, 'n1', 'Active', 'Hold Timer Expired');
  session(30_000, 'n1', 'Established');
  const player = play(journal, 40_000);
  expect(player.told.map(({ atT, finding: { subject, state, sentence } }) => [atT, subject, state, sentence])).toEqual([
    [11_000, 'n2', 'open', 'The BGP session of tor with n2 is down (Active).'],
    [20_000, 'n1', 'open', 'The BGP session of tor with n1 is down (Idle: Hold Timer Expired).'],
    [30_000, 'n1', 'resolved', 'The BGP session of tor with n1 was down for 10 s (Hold Timer Expired); it is Established again.'],
  ]);
});

test('an agent that is not heard of is told, and its return too', () => {
  const player = new Player(contextOf(aJournal().events));
  player.watch.takeVantage({ vantage: 'v1', state: 'silent', why: null, t: 4_000 });
  player.watch.takeVantage({ vantage: 'v1', state: 'silent', why: null, t: 6_000 });
  player.advance(10_000);
  player.watch.takeVantage({ vantage: 'v1', state: 'holding', why: null, t: 12_000 });
  player.advance(13_000).advance(14_000);
  expect(player.told.map(({ atT, finding: { subject, state, sentence } }) => [atT, subject, state, sentence])).toEqual([
    [10_000, 'v1', 'open', 'Nothing is heard from the agent at v1: what happens there is not known for now.'],
    [13_000, 'v1', 'resolved', 'Nothing was heard from the agent at v1 for 8 s; it is back.'],
  ]);
});

test('status tells the paths, the set, the sessions and the last minutes in one sentence and in numbers', () => {
  const journal = aJournal({ vantages: ['v1', 'v2'] })
    .set(100, ALL)
    .set(50_000, ['n1', 'n2']);
  for (const vantage of ['v1', 'v2']) {
    ticking(journal, { vantage, untilBin: 60, paths: ['n1'] });
    journal.flows(1, { vantage, ingress: 'n1' });
  }
  journal.tally(30, { path: 'n1', lost: 3 });
  const status = play(journal, 60_000).watch.status(60_000);
  expect(status.sentence).toBe('1 of 3 paths of web alive from 2 vantages (n3 not in the set).');
  expect(status.paths.filter(({ vantage, protocol }) => vantage === 'v1' && protocol === 'tcp')).toMatchObject([
    { ingress: 'n1', state: 'ok', flows: 1, tally: { lost: 3 }, rttMs: { p50: expect.any(Number) as number } },
    { ingress: 'n2', state: 'idle', flows: 0 },
    { ingress: 'n3', state: 'lost', flows: 0 },
  ]);
  expect(status.nextHops).toEqual([{ vip: 'web', nodes: ['n1', 'n2'], from: 'observer', sinceMs: 1_700_000_050_000 }]);
  expect(status.recent.find(({ atMs }) => atMs === 1_700_000_030_000)).toEqual({
    atMs: 1_700_000_030_000,
    vip: 'web',
    byPath: { n1: 2 },
    lost: 3,
    broke: 0,
  });
  expect(status.openFindings).toBe(1);
});
