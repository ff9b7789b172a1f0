import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Report } from '../../src/core/report-format.ts';
import { aJournal, type FaultWords, type JournalDraft } from '../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];

/** `target` loses its route at 6.3 s and has it back at 14.5 s; 20 flows on each node. */
function aDrop(
  target: string,
  { kind = 'bgp-session-down', headline = `${target} lost its BGP session`, told }: FaultWords = {},
): JournalDraft {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .fault(6_000, 14_000, { target, kind, headline, ...(told && { told }) });
  for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { ok: 8, fresh: true });
  return journal
    .set(
      6_300,
      ALL.filter((node) => node !== target),
    )
    .set(14_500, ALL);
}

function breakAll(journal: JournalDraft, flows: readonly string[], { onsetT, to }: { onsetT: number; to: string }): void {
  for (const flow of flows) journal.breaks(flow, onsetT).maps(flow, onsetT + 300, to);
}

function reportOf(journal: JournalDraft, endT = 34_000): Report {
  return analyse(journal.end(endT)).report;
}

test('a middle hop’s loss is told in one sentence: what happened, how many broke, where, and until when', () => {
  const journal = aDrop('n2');
  journal.flows(20, { ingress: 'n1' });
  breakAll(journal, journal.flows(20, { ingress: 'n2' }), { onsetT: 6_400, to: 'n1' });
  const { summary, remarks } = reportOf(journal);
  expect(summary).toBe(
    'n2 lost its BGP session: 20 of 40 TCP flows broke, all of them on n2; paths were whole again 1 s after the fault ended.',
  );
  expect(remarks).toEqual([]);
});

test('what an ill prober took for broken is counted nowhere in the sentence, and told as not known', () => {
  const of = (sure: number) => {
    const journal = aDrop('n2');
    breakAll(journal, journal.flows(sure, { ingress: 'n2' }), { onsetT: 6_400, to: 'n1' });
    for (const flow of journal.flows(5, { ingress: 'n1' })) journal.breaks(flow, 7_000, { breakCause: 'stalled' });
    for (const flow of journal.flows(1, { ingress: 'n3' })) journal.breaks(flow, 15_000, { breakCause: 'stalled' });
    for (const fromT of [6_900, 14_900])
      journal.add(fromT + 200, 'prober.ill', { vantage: 'v1', fromT, untilT: fromT + 200, why: 'stood still' });
    return reportOf(journal).summary;
  };
  const unknown = 'paths were whole again 1 s after the fault ended; whether 6 of the flows broke is not known: the prober was ill.';
  expect(of(20)).toBe(`n2 lost its BGP session: 20 of 26 TCP flows broke, all of them on n2; ${unknown}`);
  expect(of(0)).toBe(`n2 lost its BGP session: none of 6 TCP flows is known to have broken; ${unknown}`);
});

test('of one flow that may have broken the sentence does not make two', () => {
  const journal = aJournal({ probes: ['tcp-hold'] }).set(100, ALL);
  for (const flow of journal.flows(1)) journal.breaks(flow, 7_000, { breakCause: 'stalled' });
  journal.add(7_100, 'prober.ill', { vantage: 'v1', fromT: 6_900, untilT: 7_100, why: 'stood still' });
  expect(reportOf(journal).summary).toBe(
    'Nothing was broken on purpose: none of 1 TCP flow is known to have broken in 33 s; ' +
      'whether 1 of the flows broke is not known: the prober was ill.',
  );
});

test('a node is dark from the first break that is certain', () => {
  const journal = aDrop('n3', { kind: 'node-drain', headline: 'n3 was drained' });
  for (const flow of journal.flows(1, { ingress: 'n3' })) journal.breaks(flow, 6_020, { breakCause: 'stalled' });
  journal.add(6_030, 'prober.ill', { vantage: 'v1', fromT: 5_900, untilT: 6_030, why: 'stood still' });
  breakAll(journal, journal.flows(20, { ingress: 'n3' }), { onsetT: 6_250, to: 'n1' });
  expect(reportOf(journal).remarks.join('\n')).toContain('n3 was dark for 50 ms, from the first break on it');
});

test('where a fault moved nothing and broke nobody, nothing is said to have become whole again', () => {
  const journal = aJournal({ probes: ['tcp-hold'] }).set(100, ALL);
  journal.fault(6_000, 14_000, {
    target: 'web',
    headline: 'an unrelated Service stood beside web',
    told: { aimedAt: 'vip', isControl: true },
  });
  for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { ok: 8, fresh: true });
  journal.flows(20);
  expect(reportOf(journal).summary).toBe('An unrelated Service stood beside web: none of 20 TCP flows broke.');
});

test('a node whose routes alone were taken away was not dark, in whatever order that was seen', () => {
  const journal = aDrop('n2', { told: { breaksBy: ['routes'] } });
  breakAll(journal, journal.flows(20, { ingress: 'n2' }), { onsetT: 6_050, to: 'n1' });
  expect(reportOf(journal).remarks).toEqual([]);
});

test('whether paths were whole again is not said while one vantage cannot tell', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vantages: ['v1', 'v2'] })
    .set(100, ALL)
    .fault(6_000, 14_000);
  for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { ok: 8, fresh: true });
  journal.flow();
  expect(reportOf(journal).summary).not.toContain('whole');
});

test('an end hop’s drain tells who else was hurt, what withdrawing first would have saved, and what would have spared them', () => {
  const journal = aDrop('n3', { kind: 'node-drain', headline: 'n3 was drained, pods first' });
  breakAll(journal, journal.flows(20, { ingress: 'n3' }), { onsetT: 6_050, to: 'n1' });
  journal.flows(20, { ingress: 'n1' });
  breakAll(journal, journal.flows(20, { ingress: 'n2' }).slice(0, 10), { onsetT: 6_400, to: 'n1' });
  const { summary, remarks } = reportOf(journal);
  expect(summary).toContain('30 of 60 TCP flows broke, 20 on n3 and 10 on other nodes');
  expect(remarks).toEqual([
    'n3 was dark for 0.3 s, from the first break on it until its route was gone: withdrawing first would have saved only that, not the 10 flows broken elsewhere.',
    'n3 is an end hop of n1, n2 and n3: of 40 flows on the others 10 were rehashed (25%; RFC 2992 predicts 25%), and 10 of them broke.',
    'A resilient next-hop group, or a middle hop in place of an end hop, would have spared the 10 flows broken elsewhere.',
  ]);
});

test('a node’s silent death names the hold timer as what ended it, when the session was seen to die by it', () => {
  const dies = (state: string | null) => {
    const journal = aJournal({ probes: ['tcp-hold'], holdTimeMs: 9_000 })
      .set(100, ALL)
      .fault(6_000, 26_000, { kind: 'node-down' });
    for (const flow of journal.flows(5, { ingress: 'n2' })) journal.breaks(flow, 6_300, { t: 7_800, breakCause: 'stalled' });
    if (state !== null) {
      const session = { observer: 'bgp', router: 'tor', peer: '10.77.0.12', node: 'n2', reason: 'Hold Timer Expired' };
      journal.add(300, 'bgp-session', { ...session, state: 'Established' }, 'observer:tor');
      if (state !== 'Established') journal.add(13_400, 'bgp-session', { ...session, state }, 'observer:tor');
    }
    return reportOf(journal.set(13_400, ['n1', 'n3']).set(27_000, ALL), 60_000).remarks[0];
  };
  const holdTimer =
    'The hold timer (9 s) ended the outage: the route to n2 went 7.4 s after the cut; until then its flows were silent. ' +
    'A shorter hold time or BFD would end it sooner.';
  expect(dies('Idle')).toBe(holdTimer);
  expect(dies(null)).toBe(holdTimer);
  expect(dies('Established')).toContain('n2 was dark for 7.1 s');
});

test('a fault that the router never noticed is told as one', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .fault(6_000, 10_000, { kind: 'node-down' });
  for (const flow of journal.flows(5, { ingress: 'n2' })) journal.breaks(flow, 6_300, { t: 7_800, breakCause: 'stalled' });
  expect(reportOf(journal).remarks[0]).toBe('The route to n2 stayed for the whole fault (4 s): new flows that hashed to it met nobody.');
});

test('the return of a hop is told apart: how many, how quietly, and that they were the young ones', () => {
  const journal = aDrop('n2');
  journal.flows(10, { ingress: 'n1' });
  const young = journal.flows(4, { ingress: 'n1', openT: 8_000 });
  breakAll(journal, young.slice(0, 2), { onsetT: 14_600, to: 'n2' });
  for (const flow of young.slice(2, 3)) journal.breaks(flow, 14_700, { breakCause: 'stalled' }).maps(flow, 16_500, 'n2');
  const { summary, remarks } = reportOf(journal);
  expect(summary).toContain('none of 10 TCP flows broke; 3 more broke after its return;');
  expect(remarks).toContain(
    'The return of n2 broke 3 flows, 1 of them silently: 3 of the 4 opened while it was away (75%; RFC 2992 predicts 33.33%); ' +
      'whoever had survived its loss stayed.',
  );
});

test('a hop that was back before its fault was over is not said to have broken by its return what was opened since', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .fault(6_000, 14_000, { kind: 'speaker-delete' });
  journal.set(6_100, ['n1', 'n3']).set(8_000, ALL);
  for (const flow of journal.flows(3, { ingress: 'n1', openT: 9_000 })) journal.breaks(flow, 15_000).maps(flow, 15_400, 'n2');
  expect(reportOf(journal).remarks.join(' ')).not.toContain('The return of n2');
});

test('a run without a fault says that nothing broke, and for how long it looked', () => {
  const journal = aJournal().set(100, ALL);
  journal.flows(1_024);
  journal.flow({ protocol: 'udp' });
  expect(reportOf(journal, 21_000)).toMatchObject({
    verdict: 'held',
    summary: 'Nothing was broken on purpose: none of 1,024 TCP and 1 UDP flows broke in 20 s.',
  });
});

test('the same 5-tuple landing elsewhere without any event is noticed', () => {
  const journal = aJournal().set(100, ALL);
  const flow = journal.flow({ ingress: 'n1' });
  journal.of(flow, 20_100, 'flow.final', { ingress: 'n3', backend: 'web-n3', observedSource: '10.77.1.2' });
  expect(reportOf(journal, 20_000).remarks[0]).toContain('1 flow landed on another node although no next-hop set changed');
});

test('a run that broke off in mid-fault is errored, tells what was seen, and says whom to ask', () => {
  const journal = aDrop('n2');
  breakAll(journal, journal.flows(20, { ingress: 'n2' }), { onsetT: 6_400, to: 'n1' });
  const { report } = analyse(journal.sorted().filter((event) => event.t < 12_345));
  expect(report).toMatchObject({ verdict: 'errored', faults: [{ id: 'f1', inForceT: 6_050, revertedT: null, state: 'unknown' }] });
  expect(report.summary).toBe(
    "The journal ends after 12 s, before the run did; the keeper's last word on bgp-session-down at n2 is missing: ask " +
      '`holdfast keeper status`; n2 lost its BGP session: 20 of 20 TCP flows broke, all of them on n2.',
  );
});

test('a fault that was due when the journal broke off may be in force, although nothing says so', () => {
  const planned = { fault: 'f1', kind: 'node-down', target: 'n2', epoch: 1, forMs: 5_000, atMs: 5_000 };
  const cutAt = (t: number) => analyse(aJournal().add(950, 'fault.planned', planned).add(t, 'run.note', { note: '' }).sorted()).report;
  expect(cutAt(5_500).faults).toMatchObject([{ state: 'unknown', inForceT: null }]);
  expect(cutAt(5_500).summary).toContain('holdfast keeper status');
  expect(cutAt(3_000).faults).toEqual([]);
  expect(cutAt(3_000).remarks).toContain('node-down on n2 was planned and not begun.');
});

test('an unverified revert makes a run errored, whatever its checks say; a target that is gone does not', () => {
  const fault = { fault: 'f1', kind: 'bgp-session-down', target: 'n2', epoch: 1 };
  const unverified = aDrop('n2').add(14_300, 'fault.unverified', { ...fault, reason: 'the session is still shut' }, 'keeper');
  unverified.flow();
  const report = reportOf(unverified);
  expect(report.verdict).toBe('errored');
  expect(report.summary).toContain('The revert of bgp-session-down on n2 is unverified: the session is still shut;');
  const gone = aDrop('n2').add(14_300, 'fault.gone', { ...fault, reason: 'no such peer' }, 'keeper');
  gone.flow();
  expect(reportOf(gone)).toMatchObject({ verdict: 'held', faults: [{ state: 'gone' }] });
});

test('an aborted run says why first', () => {
  const journal = aDrop('n2').add(9_000, 'run.aborted', { why: 'no fresh data for 10 s' });
  expect(reportOf(journal)).toMatchObject({ verdict: 'errored' });
  expect(reportOf(journal).summary).toMatch(/^The run was aborted after 9 s: no fresh data for 10 s; /);
});

test('an empty journal is a report too', () => {
  expect(analyse([]).report).toMatchObject({ runId: 'unknown', verdict: 'errored', summary: 'The journal is empty.', remarks: [] });
});

test('a run that opened no flow has nothing good to say', () => {
  expect(reportOf(aJournal().set(100, ALL))).toMatchObject({ verdict: 'inconclusive', summary: 'No flow was opened.' });
});

test('what cannot be known is counted and explained', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000).set(13_500, ['n1', 'n3']);
  journal.flow({ ingress: 'n1' });
  expect(reportOf(journal).remarks).toContain(
    'The outcome of 1 flow is unknown: the settled next-hop set was not known at the end of window 1.',
  );
});

test('a blind observer is named, and while it is blind the flows tell', () => {
  const journal = aJournal().set(100, ALL);
  journal.add(2_000, 'observer.blind', { observer: 'routes', reason: 'ip monitor ended' }, 'observer:tor');
  for (let bin = 1; bin < 20; bin += 1) for (const path of ALL) journal.tally(bin, { path, ok: 8, fresh: true });
  const flow = journal.flow({ ingress: 'n1' });
  const { report, flows } = analyse(journal.end(20_000));
  expect(report.remarks).toContain('The observer routes lost sight at 2 s: ip monitor ended.');
  expect([...flows]).toMatchObject([{ flowId: flow, outcome: 'unmoved' }]);
  const noFlows = aJournal().set(100, ALL).add(2_000, 'observer.blind', { observer: 'routes', reason: 'x' }, 'observer:tor');
  noFlows.flow({ ingress: 'n1' });
  expect([...analyse(noFlows.end(20_000)).flows]).toMatchObject([{ outcome: 'unknown' }]);
});
