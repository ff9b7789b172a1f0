import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyse } from '../../../src/analysis/analyse.ts';
import type { Finding } from '../../../src/core/finding.ts';
import type { JournalEvent } from '../../../src/core/journal.ts';
import { aJournal } from '../../support/a-journal.ts';
import { simulate, type SimulatedRun } from '../../support/ecmp-simulator.ts';
import { asVantage, contextOf, Player, ticking } from './a-watch.ts';

const ALL = ['n1', 'n2', 'n3'];
const aRun = (fields: Partial<SimulatedRun> = {}): SimulatedRun => ({
  family: 'hash-threshold',
  nodes: 3,
  target: 1,
  fault: 'session',
  holdMs: 7_400,
  flows: 100,
  seed: 3,
  hasObserver: true,
  ...fields,
});

/** n2's session goes down at 40 s and comes back at 82.1 s; with it go n2's flows, and some of its neighbours' return. */
function aDropAndReturn() {
  const journal = aJournal().set(100, ALL);
  ticking(journal, { untilBin: 120 });
  const session = (t: number, state: string, reason: string) =>
    journal.add(t, 'bgp-session', { observer: 'bgp', router: 'tor', peer: '10.77.0.12', node: 'n2', state, reason }, 'observer:tor');
  session(100, 'Established', '');
  const stay = journal.flows(6, { ingress: 'n1' });
  const go = journal.flows(4, { ingress: 'n2' });
  journal.set(40_000, ['n1', 'n3']).set(42_000, ['n1', 'n3'], { settled: true });
  session(40_300, 'Idle', 'Admin. shutdown');
  for (const flow of go) {
    journal.breaks(flow, 40_100).maps(flow, 40_400, 'n1');
    journal.flow({ ingress: 'n1', openT: 40_150, replaces: flow });
  }
  journal.set(82_100, ALL).set(84_100, ALL, { settled: true });
  session(82_000, 'Established', '');
  journal.breaks(stay[0] ?? '', 82_200).maps(stay[0] ?? '', 82_500, 'n2');
  return journal;
}

test('a hop that leaves is told within the second: who, why, whom it hurt', () => {
  const journal = aDropAndReturn();
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 41_000 });
  expect(player.of('next-hops-changed')).toMatchObject([
    {
      state: 'open',
      isProvisional: true,
      severity: 'page',
      vip: 'web',
      subject: 'n2',
      sentence:
        'n2 left the next-hop set of web (its BGP session went down: Admin. shutdown): 4 of 10 TCP flows broke, all of them on n2 (4 reset); 2 of 3 paths left.',
      brokenByCause: { reset: 4 },
      vantages: ['v1'],
      openedMs: 1_700_000_040_000,
      resolvedMs: null,
    },
  ]);
  expect(player.of('bgp-session-down')).toMatchObject([
    {
      subject: 'n2',
      sentence: 'The BGP session of tor with n2 is down (Idle: Admin. shutdown).',
      details: ['With it the node left the next-hop set of web.'],
    },
  ]);
});

test('its return opens a window of its own in the same finding, and resolves it as soon as the set has settled', () => {
  const journal = aDropAndReturn();
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 85_000 });
  const [resolved] = player.of('next-hops-changed');
  expect(resolved).toMatchObject({
    state: 'resolved',
    isProvisional: true,
    resolvedMs: 1_700_000_082_100,
    sentence:
      'n2 left the next-hop set of web (its BGP session went down: Admin. shutdown): 4 of 10 TCP flows broke, all of them on n2 (4 reset); back after 42.1 s; its return broke 1 of 10 TCP flows, all of them on n1 (1 reset).',
  });
  const [whole] = player.play(journal.sorted(), { untilT: 110_000 }).of('next-hops-changed');
  expect(whole).toMatchObject({ id: resolved?.id, state: 'resolved', isProvisional: false, brokenByCause: { reset: 5 } });
  expect(
    whole?.windows.map(({ fromT, untilT, eventCause, nextHops }) => [fromT, untilT, eventCause, nextHops[0]?.before, nextHops[0]?.after]),
  ).toEqual([
    [40_000, 50_100, 'observed', ALL, ['n1', 'n3']],
    [82_100, 92_200, 'observed', ['n1', 'n3'], ALL],
  ]);
  expect(player.of('bgp-session-down')).toMatchObject([{ state: 'resolved' }]);
  expect(player.last().length).toBe(2);
});

test('a set that shrinks and hurts nobody is a warning; one that only grows is for information, and over once it settled', () => {
  const journal = aJournal().set(100, ALL).set(40_000, ['n1', 'n2']).set(70_000, ['n1', 'n2', 'n4']);
  ticking(journal, { untilBin: 100, paths: ['n1', 'n2'] });
  journal.flow({ ingress: 'n1' });
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 100_000 });
  expect(player.of('next-hops-changed')).toMatchObject([
    {
      subject: 'n3',
      severity: 'warn',
      state: 'open',
      sentence: 'n3 left the next-hop set of web: none of 1 TCP flows broke; 2 of 3 paths left.',
    },
    {
      subject: 'n4',
      severity: 'info',
      state: 'resolved',
      sentence: 'n4 joined the next-hop set of web: none of 1 TCP flows broke; 3 paths now.',
    },
  ]);
});

test('a set that stays smaller for a day is how things are', () => {
  const journal = aJournal().set(100, ALL).set(40_000, ['n1', 'n2']);
  journal.flow({ ingress: 'n1' });
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 100_000 });
  player.advance(86_400_000 + 41_000);
  expect(player.of('next-hops-changed')).toMatchObject([{ state: 'resolved', isProvisional: false }]);
});

test('a hop that flaps within two seconds is one happening; one that leaves again later is another window', () => {
  const journal = aJournal().set(100, ALL).set(40_000, ['n1', 'n3']).set(41_000, ALL).set(60_000, ['n1', 'n3']);
  ticking(journal, { untilBin: 100 });
  journal.flow({ ingress: 'n1' });
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 100_000 });
  expect(player.of('next-hops-changed')).toMatchObject([
    {
      subject: 'n2',
      state: 'resolved',
      windows: [{ fromT: 40_000 }],
      sentence: expect.stringContaining('n2 left and came back to the next-hop set of web') as string,
    },
    { subject: 'n2', state: 'open', windows: [{ fromT: 60_000 }] },
  ]);
});

test('a second hop that leaves while the first is away is a finding of its own, and cuts the first window short', () => {
  const journal = aJournal().set(100, ALL).set(40_000, ['n1', 'n3']).set(45_000, ['n1']).set(80_000, ALL);
  ticking(journal, { untilBin: 120 });
  const [two, three] = [journal.flow({ ingress: 'n2' }), journal.flow({ ingress: 'n3' })];
  journal.breaks(two, 40_100).breaks(three, 45_100);
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 120_000 });
  expect(
    player.of('next-hops-changed').map(({ subject, state, windows }) => [subject, state, windows.map((each) => [each.fromT, each.untilT])]),
  ).toEqual([
    [
      'n2',
      'resolved',
      [
        [40_000, 45_000],
        [80_000, 90_000],
      ],
    ],
    [
      'n3',
      'resolved',
      [
        [45_000, 55_100],
        [80_000, 90_000],
      ],
    ],
  ]);
});

test('a window stays open while flows go on breaking, and is not held open for ever', () => {
  const journal = aJournal().set(100, ALL).set(40_000, ['n1', 'n3']);
  ticking(journal, { untilBin: 800 });
  for (let t = 40_100; t < 800_000; t += 8_000) journal.breaks(journal.flow({ ingress: 'n1', openT: 500 }), t);
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 790_000, stepMs: 5_000 });
  expect(player.of('next-hops-changed')[0]?.windows[0]).toMatchObject({ fromT: 40_000, untilT: 640_000 });
});

test('a vantage that was cut off for minutes delivers later, and its figures are added', () => {
  const { events } = simulate(aRun());
  const both = [...events, ...asVantage('v2', events)].filter((event) => event.t < 54_000);
  const atOnce = new Player(contextOf(events)).play(both, { untilT: 400_000 });
  const late = new Player(contextOf(events)).play(both, {
    untilT: 400_000,
    arrives: ({ from, t }) => (from === 'prober:v2' && t > 5_000 ? t + 200_000 : t),
  });
  expect(withoutUpdate(late)).toEqual(withoutUpdate(atOnce));
  expect(late.watch.status(400_000).lateEvents).toBe(0);
  const before = late.told.filter(({ atT }) => atT < 150_000).map(({ finding }) => finding.vantages);
  expect(before.at(-1)).toEqual(['v1']);
  expect(late.last()[0]?.vantages).toEqual(['v1', 'v2']);
});

const anyRun: fc.Arbitrary<SimulatedRun> = fc
  .record({
    family: fc.constantFrom<SimulatedRun['family']>('hash-threshold', 'modulo', 'resilient'),
    nodes: fc.integer({ min: 2, max: 5 }),
    target: fc.nat(),
    fault: fc.constantFrom<SimulatedRun['fault']>('session', 'node'),
    holdMs: fc.constantFrom(900, 7_400),
    flows: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(),
  })
  .map((run) => aRun({ ...run, target: run.target % run.nodes }));

/** The events as a run's journal that ends at `endT`, its set change far from its beginning and no fault of its own. */
function asRun(events: readonly JournalEvent[], endT: number): JournalEvent[] {
  const own = events.filter((event) => event.t < endT && !event.type.startsWith('fault.'));
  const early = own.map((event) => (event.type === 'phase.started' || event.type === 'vantage.ready' ? { ...event, t: -60_000 } : event));
  const started = { t: -90_000 };
  return [
    ...early.map((event) => (event.type === 'run.started' ? { ...event, ...started } : event)),
    { t: endT, from: 'runner', seq: 999, type: 'timeline.ended' },
  ];
}

test('a window is judged as a run would judge it: same opening, same ledgers', () => {
  fc.assert(
    fc.property(anyRun, (run) => {
      const { events } = simulate(run);
      const player = new Player(contextOf(events)).play(
        events.filter((event) => event.t < 54_000),
        { untilT: 100_000 },
      );
      const [window] = player.of('next-hops-changed')[0]?.windows ?? [];
      if (!window) throw new Error('no window');
      const { report } = analyse(asRun(events, window.untilT), { isComplete: true });
      // A run reads the set before at the edge itself, where it has just changed.
      const { nextHops, ...rest } = window;
      expect(report.events[1]).toMatchObject(rest);
      expect(report.events[1]?.nextHops.map(({ after }) => after)).toEqual(nextHops.map(({ after }) => after));
    }),
    { numRuns: 25 },
  );
});

/** Two vantages that see the same. */
function fromBoth(events: readonly JournalEvent[]): JournalEvent[] {
  return [...events, ...asVantage('v2', events)].filter((event) => event.t < 54_000);
}

test('wherever the service restarts, the findings are the same', () => {
  const anyRestart = fc.integer({ min: 1, max: 90 });
  fc.assert(
    fc.property(anyRun, fc.boolean(), anyRestart, (run, hasObserver, restartS) => {
      const { events } = simulate({ ...run, hasObserver });
      const all = fromBoth(events);
      const plain = new Player(contextOf(events)).play(all, { untilT: 80_000 });
      const restarted = new Player(contextOf(events))
        .play(all, { untilT: restartS * 1_000 })
        .restart()
        .play(all, { untilT: 80_000 });
      expect(restarted.last().length).toBeGreaterThanOrEqual(run.fault === 'none' ? 0 : 1);
      expect(restarted.last()).toEqual(plain.last());
    }),
    { numRuns: 12 },
  );
});

test('however the events are batched, the findings are the same at the end', () => {
  fc.assert(
    fc.property(anyRun, fc.constantFrom(300, 2_000, 9_000), (run, stepMs) => {
      const { events } = simulate(run);
      const all = fromBoth(events);
      const plain = new Player(contextOf(events)).play(all, { untilT: 80_000 });
      const batched = new Player(contextOf(events)).play(all, { untilT: 80_000, stepMs });
      expect(withoutUpdate(batched)).toEqual(withoutUpdate(plain));
    }),
    { numRuns: 12 },
  );
});

function withoutUpdate(player: Player): Omit<Finding, 'updatedMs'>[] {
  return player.last().map((finding) => {
    const { updatedMs: _, ...rest } = finding;
    return rest;
  });
}

test('flows that were silent for long while their prober was ill are not said to be unbroken', () => {
  const journal = aJournal({ probes: ['tcp-hold'] }).set(100, ALL);
  ticking(journal, { untilBin: 60 });
  const flows = journal.flows(50, { ingress: 'n1' });
  journal.set(20_000, ['n1', 'n3']).set(22_000, ['n1', 'n3'], { settled: true });
  journal.add(23_000, 'prober.ill', { vantage: 'v1', fromT: 20_100, untilT: 21_500, why: 'stood still' }, 'prober:v1');
  for (const flow of flows) journal.of(flow, 24_000, 'flow.quiet', { fromT: 20_050, untilT: 24_000 });
  const player = new Player(contextOf(journal.events)).play(journal.sorted(), { untilT: 50_000 });
  expect(player.of('next-hops-changed')).toMatchObject([
    {
      severity: 'warn',
      sentence: 'n2 left the next-hop set of web: none of 50 TCP flows is known to have broken; 2 of 3 paths left.',
      details: ['Not counted as broken, and perhaps so: 50 flows that fell silent while their prober was ill.'],
    },
  ]);
});
