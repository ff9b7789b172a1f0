import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import type { JournalDraft } from '../../support/a-journal.ts';
import { aJournal } from '../../support/a-journal.ts';
import { contextOf, Player, ticking } from './a-watch.ts';

const ALL = ['n1', 'n2', 'n3'];
const STALL = { breakCause: 'stalled' } as const;

/** Flows of `ingress` fall silent at `deadT`, each at its own heartbeat, known three heartbeats of 500 ms later. */
function stall(journal: JournalDraft, flows: readonly string[], deadT: number, random = seededRandom(1)): void {
  for (const flow of flows) {
    const dueT = deadT + random() * 500;
    journal.breaks(flow, dueT + 1, { ...STALL, t: dueT + 1_500, lastOkT: dueT - 499 });
  }
}

function play(journal: JournalDraft, untilT: number): Player {
  return new Player(contextOf(journal.events)).play(journal.sorted(), { untilT, stepMs: 250 });
}

test('one dead path of eight is found within three seconds by 64 flows, in 99 of 100 trials', () => {
  const nodes = Array.from({ length: 8 }, (_, index) => `n${String(index + 1)}`);
  const random = seededRandom(11);
  let found = 0;
  for (let trial = 0; trial < 100; trial += 1) {
    const journal = aJournal({ nodes }).set(100, nodes);
    const pulseT = random() * 1_000;
    const flows = Array.from({ length: 64 }, () => ({
      ingress: nodes[Math.floor(random() * 8)] ?? '',
      protocol: random() < 0.5 ? 'tcp' : 'udp',
    }));
    const ids = flows.map((flow) => [flow.ingress, journal.flow(flow)] as const);
    stall(
      journal,
      ids.filter(([ingress]) => ingress === 'n5').map(([, id]) => id),
      10_000,
      random,
    );
    for (let bin = 0; bin < 12; bin += 1) {
      for (const node of nodes)
        if (node !== 'n5' || bin < 10) journal.add((bin + 2) * 1_000 + pulseT, 'tally', tallyOf(bin, node, 10), 'prober:v1');
    }
    const [finding] = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 13_000, stepMs: 100 }).of('path-dead');
    if (finding?.subject === 'n5') found += 1;
  }
  expect(found).toBeGreaterThanOrEqual(99);
});

function tallyOf(bin: number, path: string, ok: number) {
  return { vantage: 'v1', vip: 'web', protocol: 'tcp', path, bin, scheduled: ok, ok, late: 0, lost: 0, notSent: 0, invalid: 0, rtt: {} };
}

test('a dead path is told with its window and ledger, and over once it answers again', () => {
  const journal = aJournal({ vantages: ['v1', 'v2'] }).set(100, ALL);
  for (const vantage of ['v1', 'v2']) {
    ticking(journal, { vantage, untilBin: 60, paths: ['n1', 'n3'] });
    ticking(journal, { vantage, untilBin: 20, paths: ['n2'] });
    ticking(journal, { vantage, fromBin: 30, untilBin: 60, paths: ['n2'] });
    journal.flows(10, { vantage, ingress: 'n1', protocol: 'udp' });
    const flows = journal.flows(5, { vantage, ingress: 'n2', protocol: 'udp' });
    stall(journal, flows, 20_000);
    for (const flow of flows) journal.recovers(flow, 30_100, 'n2');
  }
  const player = play(journal, 50_000);
  expect(player.last()).toMatchObject([
    {
      kind: 'path-dead',
      subject: 'n2',
      state: 'resolved',
      isProvisional: false,
      severity: 'page',
      vantages: ['v1', 'v2'],
      brokenByCause: { stalled: 10 },
      resolvedMs: 1_700_000_030_100,
      sentence:
        'The UDP path of web by n2 was dead for 10.1 s, seen from v1 and v2: 10 of 30 UDP flows broke, all of them on n2 (10 stalled); it answers again.',
      windows: [{ eventCause: 'observed', ledgers: [{ population: 15 }, { population: 15 }] }],
    },
  ]);
});

test('one flow alone is no dead path, nor is a hop that has left the set', () => {
  const journal = aJournal().set(100, ALL).set(20_000, ['n1', 'n3']);
  ticking(journal, { untilBin: 60, paths: ['n1', 'n3'] });
  journal.flows(10, { ingress: 'n1' });
  stall(journal, [journal.flow({ ingress: 'n3' })], 10_000);
  stall(journal, journal.flows(5, { ingress: 'n2' }), 20_100);
  expect(
    play(journal, 50_000)
      .last()
      .map(({ kind }) => kind),
  ).toEqual(['next-hops-changed']);
});

test('where no flow is left, fresh dials that are lost tell of a dead path', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 60, paths: ['n1', 'n3'] });
  journal.flows(4, { ingress: 'n1' }).concat(journal.flows(4, { ingress: 'n3' }));
  for (let bin = 0; bin < 60; bin += 1) {
    journal.tally(bin, { path: 'n1', ok: 3, fresh: true }).tally(bin, { path: 'n3', ok: 3, fresh: true });
    if (bin < 20) journal.tally(bin, { path: 'n2', ok: 2, fresh: true });
    else journal.tally(bin, { path: 'unknown', lost: 2, fresh: true });
  }
  const [first, ...rest] = play(journal, 60_000).told;
  expect(rest.length).toBeLessThanOrEqual(1);
  expect(first).toMatchObject({ finding: { kind: 'path-dead', subject: 'n2', openedMs: 1_700_000_020_000 } });
  expect(first?.atT).toBeLessThan(28_000);
});

test('a VIP that answers on no path is one finding, not one a path, and is over when flows live again', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 20 });
  ticking(journal, { fromBin: 40, untilBin: 70 });
  const flows = ALL.flatMap((ingress) => journal.flows(20, { ingress }));
  stall(journal, flows, 20_000);
  for (const flow of flows) {
    journal.add(23_200, 'dial.failed', { vip: 'web', protocol: 'tcp', failure: 'timeout', replaces: flow }, 'prober:v1');
    journal.flow({ ingress: 'n1', openT: 40_500, replaces: flow });
  }
  const player = play(journal, 70_000);
  expect(player.last()).toMatchObject([
    {
      kind: 'vip-down',
      subject: 'web',
      state: 'resolved',
      severity: 'page',
      sentence: expect.stringMatching(
        /^web did not answer on any TCP path for 20\.5 s, seen from v1: 60 of 60 TCP flows broke, 20 on n1, 20 on n2 and 20 on n3 \(60 stalled\); it answers again\.$/,
      ) as string,
    },
  ]);
  expect(player.told[0]?.atT).toBeLessThanOrEqual(24_000);
});

test('a VIP that the prober itself cannot dial is not called down; it is once a dial that left was not answered either', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 20 });
  const flows = ALL.flatMap((ingress) => journal.flows(20, { ingress }));
  for (const flow of flows) {
    journal.breaks(flow, 20_000);
    journal.add(20_010, 'dial.failed', { vip: 'web', protocol: 'tcp', failure: 'unreachable', isOwn: true, replaces: flow }, 'prober:v1');
  }
  for (let bin = 20; bin < 60; bin += 1) journal.tally(bin, { path: 'n1', notSent: 30 });
  expect(play(journal, 40_000).of('vip-down')).toEqual([]);
  journal.add(41_500, 'dial.failed', { vip: 'web', protocol: 'tcp', failure: 'timeout', replaces: 'v1/1' }, 'prober:v1');
  expect(play(journal, 60_000).of('vip-down')).toMatchObject([{ state: 'open' }]);
});

test('a VIP that never answered is down as well', () => {
  const journal = aJournal().set(100, ALL);
  for (let t = 2_000; t < 20_000; t += 500) journal.add(t, 'dial.failed', { vip: 'web', protocol: 'tcp', failure: 'refused' }, 'prober:v1');
  for (let bin = 0; bin < 20; bin += 1) journal.tally(bin, { path: 'unknown', lost: 8, fresh: true });
  expect(play(journal, 20_000).last()).toMatchObject([{ kind: 'vip-down', state: 'open' }]);
});

test('no data is no loss: a vantage that is cut off for minutes makes no finding, and what it tells later is told with its true times', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 300, paths: ['n1', 'n3'] });
  ticking(journal, { untilBin: 60, paths: ['n2'] });
  journal.flows(10, { ingress: 'n1' });
  stall(journal, journal.flows(5, { ingress: 'n2' }), 60_000);
  const player = new Player(contextOf(journal.events));
  player.play(journal.sorted(), { untilT: 250_000, arrives: ({ t }) => (t > 30_000 ? Math.max(t, 250_000) : t) });
  expect(player.told.filter(({ atT }) => atT < 250_000)).toEqual([]);
  expect(player.last()).toMatchObject([
    { kind: 'path-dead', subject: 'n2', openedMs: expect.closeTo(1_700_000_060_000, -3) as number, brokenByCause: { stalled: 5 } },
  ]);
});

test('a sick prober makes one finding of its own, and none of a VIP', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 20 });
  const flows = ALL.flatMap((ingress) => journal.flows(20, { ingress }));
  for (let t = 20_000; t < 26_000; t += 1_000) {
    journal.add(t + 900, 'prober.ill', { vantage: 'v1', fromT: t, untilT: t + 900, why: 'stood still' }, 'prober:v1');
  }
  for (const [index, flow] of flows.entries()) journal.breaks(flow, 20_500 + index * 50, { ...STALL, t: 22_400 + index * 50 });
  for (const flow of flows) journal.flow({ ingress: 'n1', openT: 26_500, replaces: flow });
  ticking(journal, { fromBin: 26, untilBin: 60 });
  const player = play(journal, 50_000);
  expect(player.last()).toMatchObject([
    {
      kind: 'agent-ill',
      vip: null,
      subject: 'v1',
      state: 'resolved',
      severity: 'warn',
      sentence: 'The prober at v1 was ill for 5.9 s (stood still); it is well again.',
    },
  ]);
});

test('a prober that begins a new life leaves no flows behind, and broke none', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 60 });
  ALL.flatMap((ingress) => journal.flows(5, { ingress }));
  for (let index = 0; index < 15; index += 1) {
    const identity = { ingress: 'n1', backend: 'web-n1', backendNode: 'n1', boot: 'b', observedSource: '10.77.1.2' };
    const opened = {
      flow: `v1/2/${String(index)}`,
      probe: 'tcp-hold',
      protocol: 'tcp',
      sourceAddress: '10.77.1.2',
      sourcePort: 30_000 + index,
      vip: 'web',
      port: 7000,
      rttMs: 1,
    };
    journal.add(30_000, 'flow.opened', { ...opened, ...identity }, 'prober:v1');
  }
  const player = play(journal, 60_000);
  expect(player.last()).toEqual([]);
  expect(player.watch.status(60_000).paths.map(({ ingress, flows, state }) => [ingress, flows, state])).toEqual([
    ['n1', 15, 'ok'],
    ['n2', 0, 'idle'],
    ['n3', 0, 'idle'],
  ]);
});

test('what comes later than anybody waits for harms nothing, is counted, and is still told with its true times', () => {
  const journal = aJournal({ vantages: ['v1', 'v2'] }).set(100, ALL);
  for (const vantage of ['v1', 'v2']) {
    ticking(journal, { vantage, untilBin: 2_900, paths: ['n1', 'n3'] });
    ticking(journal, { vantage, untilBin: 60, paths: ['n2'] });
    journal.flows(10, { vantage, ingress: 'n1' });
  }
  stall(journal, journal.flows(5, { vantage: 'v2', ingress: 'n2' }), 60_000);
  const player = new Player(contextOf(journal.events));
  player.play(journal.sorted(), {
    untilT: 2_600_000,
    stepMs: 5_000,
    arrives: ({ from, t }) => (from === 'prober:v2' && t > 30_000 ? t + 2_500_000 : t),
  });
  expect(player.watch.status(2_600_000).lateEvents).toBe(5);
  expect(player.last()).toMatchObject([
    {
      kind: 'path-dead',
      vantages: ['v2'],
      openedMs: expect.closeTo(1_700_000_060_000, -3) as number,
      windows: [],
      sentence: expect.stringContaining('came too late') as string,
    },
  ]);
});

test('a path that was dead to a vantage which is not heard of any more does not stay open for ever', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 70, paths: ['n1', 'n3'] });
  journal.flows(10, { ingress: 'n1' });
  stall(journal, journal.flows(5, { ingress: 'n2' }), 60_000);
  const player = play(journal, 75_000);
  expect(player.of('path-dead')).toMatchObject([{ state: 'open' }]);
  player.advance(1_100_000);
  expect(player.of('path-dead')).toMatchObject([
    { state: 'resolved', sentence: expect.stringContaining('nobody who saw it is heard of any more') as string },
  ]);
});

/** TCP flows on all nodes, of which those on `nodes` stall at 20 s and stay so; UDP is answered as ever. */
function onlyTcpStalls(nodes: readonly string[]): JournalDraft {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 20 });
  ticking(journal, { fromBin: 20, untilBin: 120, paths: ALL.filter((node) => !nodes.includes(node)) });
  for (let bin = 0; bin < 120; bin += 1) for (const path of ALL) journal.tally(bin, { protocol: 'udp', path, ok: 20 });
  for (const ingress of ALL) {
    const flows = journal.flows(10, { ingress });
    journal.flows(10, { ingress, protocol: 'udp' });
    if (nodes.includes(ingress)) stall(journal, flows, 20_000);
  }
  return journal;
}

test('a VIP that answers no TCP is down for TCP, however well it answers UDP', () => {
  const journal = onlyTcpStalls(ALL);
  for (let t = 23_000; t < 120_000; t += 1_000)
    journal.add(t, 'dial.failed', { vip: 'web', protocol: 'tcp', failure: 'timeout' }, 'prober:v1');
  const player = play(journal, 100_000);
  expect(player.last()).toMatchObject([
    {
      kind: 'vip-down',
      state: 'open',
      sentence: expect.stringMatching(/^web does not answer on any TCP path, seen from v1: 30 of 30 TCP flows broke/) as string,
    },
  ]);
  expect(player.told[0]?.atT).toBeLessThanOrEqual(26_000);
  const status = player.watch.status(100_000);
  expect(status.paths.map(({ protocol, state }) => `${protocol} ${state}`)).toEqual([
    ...ALL.map(() => 'tcp dead'),
    ...ALL.map(() => 'udp ok'),
  ]);
  expect(status.sentence).toBe('0 of 3 paths of web alive from 1 vantage (n1, n2 and n3 dead for TCP).');
});

test('a path that is dead for TCP alone says so', () => {
  expect(play(onlyTcpStalls(['n2']), 60_000).last()).toMatchObject([
    {
      kind: 'path-dead',
      subject: 'n2',
      state: 'open',
      sentence: expect.stringMatching(/^The TCP path of web by n2 is dead, seen/) as string,
    },
  ]);
});

test('what was given up with a vantage that fell silent is counted right once it is back: a second dead path is found', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 70, paths: ['n1', 'n3'] });
  journal.flows(10, { ingress: 'n1' });
  const three = journal.flows(5, { ingress: 'n3' });
  const two = journal.flows(5, { ingress: 'n2' });
  stall(journal, two, 60_000);
  for (const flow of two) journal.recovers(flow, 1_200_100, 'n2');
  ticking(journal, { fromBin: 1_200, untilBin: 1_240 });
  ticking(journal, { fromBin: 1_240, untilBin: 1_260, paths: ['n1', 'n2'] });
  stall(journal, three, 1_240_000);
  const player = play(journal, 1_260_000);
  expect(player.of('path-dead').map(({ subject, state }) => [subject, state])).toEqual([
    ['n2', 'resolved'],
    ['n3', 'open'],
  ]);
  expect(player.watch.status(1_260_000).sentence).toBe('2 of 3 paths of web alive from 1 vantage (n3 dead).');
});

/** Flows of another life of the same prober. */
function openedIn(journal: JournalDraft, life: string, { count, ingress, t }: { count: number; ingress: string; t: number }): void {
  for (let index = 0; index < count; index += 1) {
    const identity = { ingress, backend: `web-${ingress}`, backendNode: ingress, boot: 'b', observedSource: '10.77.1.2' };
    const socket = { protocol: 'tcp', sourceAddress: '10.77.1.2', sourcePort: 30_000 + index, vip: 'web', port: 7000, rttMs: 1 };
    const opened = { flow: `v1/${life}/${ingress}-${String(index)}`, probe: 'tcp-hold', ...socket };
    journal.add(t, 'flow.opened', { ...opened, ...identity }, 'prober:v1');
  }
}

test('what an old life of a prober tells late throws out no flow of the new one', () => {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 80 });
  openedIn(journal, '1', { count: 5, ingress: 'n1', t: 500 });
  openedIn(journal, '2', { count: 10, ingress: 'n2', t: 30_000 });
  openedIn(journal, '1', { count: 5, ingress: 'n3', t: 20_000 });
  openedIn(journal, '0', { count: 5, ingress: 'n3', t: 21_000 });
  const player = new Player(contextOf(journal.events));
  player.play(journal.sorted(), { untilT: 35_000, arrives: ({ t }) => (t === 20_000 || t === 21_000 ? 33_000 : t) });
  player.restart().play(journal.sorted(), { untilT: 70_000, arrives: ({ t }) => (t === 20_000 || t === 21_000 ? 33_000 : t) });
  expect(player.last()).toEqual([]);
  expect(player.watch.status(70_000).paths.map(({ ingress, flows }) => [ingress, flows])).toEqual([
    ['n1', 0],
    ['n2', 10],
    ['n3', 0],
  ]);
});
