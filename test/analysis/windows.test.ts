import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Report } from '../../src/core/report-format.ts';
import { aJournal } from '../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];

function edgesOf(report: Report): unknown[] {
  return report.events.map(({ fromT, untilT, eventCause, phase }) => [fromT, untilT, eventCause, phase]);
}

function ledgerOf(report: Report, event: number, protocol = 'tcp') {
  return report.events[event]?.ledgers.find((ledger) => ledger.protocol === protocol);
}

test('windows run from edge to edge: the intent and the revert of each fault', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000).fault(20_000, 25_000, { id: 'f2', target: 'n3' });
  expect(edgesOf(analyse(journal.end(50_000)).report)).toEqual([
    [1_000, 6_000, 'baseline', 'baseline'],
    [6_000, 14_000, 'fault-in', 'fault'],
    [14_000, 20_000, 'fault-out', 'recovery'],
    [20_000, 25_000, 'fault-in', 'fault'],
    [25_000, 50_000, 'fault-out', 'recovery'],
  ]);
});

test('an edge that keeper and janitor both tell is one edge', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000);
  const again = { fault: 'f1', kind: 'bgp-session-down', target: 'n2', epoch: 1 };
  journal.add(14_200, 'fault.reverting', { ...again, reason: 'the lease ended' }, 'janitor');
  journal.add(14_300, 'fault.verified', again, 'janitor');
  const { report } = analyse(journal.end(34_000));
  expect(report.events.map((window) => window.fromT)).toEqual([1_000, 6_000, 14_000]);
  expect(report.faults).toEqual([
    { id: 'f1', kind: 'bgp-session-down', target: 'n2', plannedForMs: 8_000, inForceT: 6_050, revertedT: 14_050, state: 'verified' },
  ]);
});

test('a break belongs to the window of its onset, however late it is known', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000);
  const before = journal.flow({ ingress: 'n1' });
  const after = journal.flow({ ingress: 'n1' });
  journal.breaks(before, 5_999, { t: 7_499, breakCause: 'stalled' }).breaks(after, 6_000, { t: 7_500, breakCause: 'stalled' });
  const { report } = analyse(journal.end(34_000));
  expect(ledgerOf(report, 0)).toMatchObject({ population: 2, brokenByCause: { stalled: 1 } });
  expect(ledgerOf(report, 1)).toMatchObject({ population: 1, excluded: 1, brokenByCause: { stalled: 1 } });
});

test('an onset up to the clocks error before an edge counts as after it', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000);
  journal.add(950, 'vantage.ready', { vantage: 'v1', addresses: [], clockErrMs: 5, opened: 2, failed: 0 }, 'prober:v1');
  const near = journal.flow({ ingress: 'n1' });
  const far = journal.flow({ ingress: 'n1' });
  journal.breaks(near, 5_996).breaks(far, 5_994);
  const { report } = analyse(journal.end(34_000));
  expect(ledgerOf(report, 0)?.brokenByCause).toEqual({ reset: 1 });
  expect(ledgerOf(report, 1)).toMatchObject({ population: 1, brokenByCause: { reset: 1 } });
});

test('breaks after the timeline ended are nobody’s; one before it counts, even if it was known later', () => {
  const journal = aJournal().set(100, ALL);
  const flow = journal.flow();
  const knownLate = journal.flow();
  journal.breaks(flow, 30_000).breaks(knownLate, 29_000, { t: 30_500, breakCause: 'stalled' });
  const { report } = analyse(journal.end(30_000));
  expect(ledgerOf(report, 0)).toMatchObject({ population: 2, brokenByCause: { stalled: 1 } });
});

test('a set change inside the time that a hold timer takes belongs to the fault, a later one opens a window of its own', () => {
  const drop = (changeT: number) =>
    edgesOf(analyse(aJournal().set(100, ALL).fault(6_000, 40_000).set(changeT, ['n1', 'n3']).end(60_000)).report).length;
  expect(drop(36_000)).toBe(3);
  expect(drop(36_001)).toBe(4);
  const slow = aJournal({ holdTimeMs: 90_000 }).set(100, ALL).fault(6_000, 200_000).set(101_000, ['n1', 'n3']);
  expect(analyse(slow.end(220_000)).report.events.length).toBe(3);
});

test('an observed window opens at the earliest onset of a flow whose ingress left, and breaks from there on are its own', () => {
  const journal = aJournal().set(100, ALL).set(50_000, ['n1', 'n3']);
  const onLeft = journal.flows(2, { ingress: 'n2' });
  const elsewhere = journal.flow({ ingress: 'n1' });
  const longBefore = journal.flow({ ingress: 'n2' });
  journal
    .breaks(onLeft[0] ?? '', 43_000)
    .breaks(onLeft[1] ?? '', 44_000)
    .breaks(elsewhere, 42_000)
    .breaks(longBefore, 15_000);
  const { report } = analyse(journal.end(80_000));
  expect(edgesOf(report)).toEqual([
    [1_000, 43_000, 'baseline', 'baseline'],
    [43_000, 80_000, 'observed', 'baseline'],
  ]);
  expect(report.events[1]?.description).toBe('n2 left the next-hop set of web');
  expect(ledgerOf(report, 0)?.brokenByCause).toEqual({ reset: 2 });
  expect(ledgerOf(report, 1)).toMatchObject({ population: 2, brokenByCause: { reset: 2 } });
  expect(ledgerOf(report, 1)?.outcomes['on-dead-hop'].count).toBe(2);
});

test('changes within moments of each other are one happening, and open one window at the earliest onset of all', () => {
  const journal = aJournal().set(100, ALL).set(50_000, ['n1', 'n3']).set(51_000, ['n1']);
  journal.breaks(journal.flow({ ingress: 'n3' }), 43_000);
  expect(edgesOf(analyse(journal.end(80_000)).report).at(-1)).toEqual([43_000, 80_000, 'observed', 'baseline']);
});

test('without such a flow an observed window opens at the change', () => {
  const journal = aJournal().set(100, ALL).set(50_000, ['n1', 'n3']).set(51_000, ['n1']);
  journal.breaks(journal.flow({ ingress: 'n2' }), 50_100);
  expect(edgesOf(analyse(journal.end(80_000)).report).at(-1)).toEqual([50_000, 80_000, 'observed', 'baseline']);
});

test('a flow without an answer in the two heartbeats before a window is excluded from it', () => {
  const journal = aJournal({ intervalMs: 500 }).set(100, ALL).fault(6_000, 14_000);
  const quiet = journal.flow();
  const heard = journal.flow();
  journal.of(quiet, 6_400, 'flow.quiet', { fromT: 4_999, untilT: 6_400 }).of(heard, 6_400, 'flow.quiet', { fromT: 5_000, untilT: 6_400 });
  expect(ledgerOf(analyse(journal.end(34_000)).report, 1)).toMatchObject({ population: 1, excluded: 1 });
});

test('a UDP flow that is silent when a window opens is excluded; once it recovered it counts again', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000);
  const silent = journal.flow({ protocol: 'udp' });
  const back = journal.flow({ protocol: 'udp' });
  journal.breaks(silent, 7_000).breaks(back, 7_000).recovers(back, 9_000, 'n1').recovers(silent, 20_000, 'n1');
  const { report } = analyse(journal.end(34_000));
  expect(ledgerOf(report, 1, 'udp')).toMatchObject({ population: 2, excluded: 0 });
  expect(ledgerOf(report, 2, 'udp')).toMatchObject({ population: 1, excluded: 1 });
});

test('a flow opened inside a window and broken in it is counted apart, and gets no outcome', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000);
  const first = journal.flow({ ingress: 'n2' });
  journal.breaks(first, 6_100);
  const second = journal.flow({ ingress: 'n2', openT: 6_200, replaces: first });
  journal.breaks(second, 6_300);
  const third = journal.flow({ ingress: 'n1', openT: 6_400, replaces: second });
  const { report, flows } = analyse(journal.end(34_000));
  expect(ledgerOf(report, 1)).toMatchObject({ population: 1, openedAndBroken: 1, excluded: 0 });
  expect([...flows].map((line) => [line.flowId, line.event])).toEqual([
    [first, 0],
    [first, 1],
    [third, 2],
  ]);
});

test('window 0 begins when all flows are open', () => {
  const journal = aJournal({ vantages: ['v1', 'v2'] }).set(100, ALL);
  const late = journal.flow({ vantage: 'v2', openT: 990 });
  const early = journal.flow();
  journal.breaks(early, 700);
  const { report, flows } = analyse(journal.end(20_000));
  expect(report.events[0]?.fromT).toBe(1_000);
  expect([...flows].map((line) => line.flowId)).toEqual([late]);
});

test('window 0 takes every flow that is open, heard of lately or not', () => {
  const journal = aJournal({ intervalMs: 100 }).set(100, ALL);
  const flow = journal.flow({ openT: 200 });
  journal.of(flow, 1_300, 'flow.quiet', { fromT: 210, untilT: 1_300 });
  expect(ledgerOf(analyse(journal.end(20_000)).report, 0)).toMatchObject({ population: 1, excluded: 0 });
});

test('a set has settled when it did not change for two seconds', () => {
  const after = (changeT: number) =>
    analyse(aJournal().set(100, ALL).fault(6_000, 14_000).set(changeT, ['n1', 'n3']).end(34_000)).report.events[1]?.nextHops[0];
  expect(after(12_000)).toMatchObject({ after: ['n1', 'n3'] });
  expect(after(12_001)).toMatchObject({ after: [], unknown: ['after'] });
});
