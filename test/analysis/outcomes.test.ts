import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { JournalEvent } from '../../src/core/journal.ts';
import type { FlowOutcome } from '../../src/core/report-format.ts';
import { aJournal, type JournalDraft } from '../support/a-journal.ts';

/** A fault at n2 from 6 s to 14 s: the set loses n2 at once and has it back at 14.5 s. */
function aDrop(options = {}): JournalDraft {
  return aJournal(options).set(100, ['n1', 'n2', 'n3']).fault(6_000, 14_000).set(6_060, ['n1', 'n3']).set(14_500, ['n1', 'n2', 'n3']);
}

function lineOf(events: readonly JournalEvent[], flow: string, event: number): FlowOutcome | undefined {
  return [...analyse(events).flows].find((line) => line.flowId === flow && line.event === event);
}

test('row 1: an ill prober over the onset makes an outcome unknown, even on the dead hop', () => {
  const journal = aDrop();
  const flow = journal.flow({ ingress: 'n2' });
  journal.breaks(flow, 6_100).maps(flow, 6_400, 'n3');
  journal.add(6_200, 'prober.ill', { vantage: 'v1', fromT: 6_050, untilT: 6_200, why: 'stood still' });
  expect(lineOf(journal.end(34_000), flow, 1)).toMatchObject({ outcome: 'unknown', broken: true, blame: 'prober' });
});

test('what an ill prober took for broken does not make a path’s breaks look like the whole VIP’s', () => {
  const journal = aDrop();
  const [dead, doubtful] = [journal.flow({ ingress: 'n2' }), journal.flow({ ingress: 'n1' })];
  journal.breaks(dead, 6_100).maps(dead, 6_400, 'n3').breaks(doubtful, 7_000, { breakCause: 'stalled' });
  journal.add(7_200, 'prober.ill', { vantage: 'v1', fromT: 6_900, untilT: 7_200, why: 'stood still' });
  const events = journal.end(34_000);
  expect([dead, doubtful].map((flow) => lineOf(events, flow, 1)?.blame)).toEqual(['path', 'prober']);
});

test('row 1: an illness that was over before the onset or began after it, or was another vantage’s, changes nothing', () => {
  const journal = aDrop({ vantages: ['v1', 'v2'] });
  const flow = journal.flow({ ingress: 'n2' });
  journal.breaks(flow, 6_100).maps(flow, 6_400, 'n3');
  journal.add(6_200, 'prober.ill', { vantage: 'v1', fromT: 5_900, untilT: 6_050, why: 'stood still' });
  journal.add(6_200, 'prober.ill', { vantage: 'v2', fromT: 6_050, untilT: 6_200, why: 'stood still' });
  journal.add(6_300, 'prober.ill', { vantage: 'v1', fromT: 6_101, untilT: 6_300, why: 'stood still' });
  expect(lineOf(journal.end(34_000), flow, 1)?.outcome).toBe('on-dead-hop');
});

test('row 1: a silence as long as a stall, in which the prober was ill, leaves the outcome unknown; a shorter one, or another vantage’s illness, does not', () => {
  const journal = aDrop({ vantages: ['v1', 'v2'] });
  const [moved, brief, elsewhere] = [
    journal.flow({ ingress: 'n2' }),
    journal.flow({ ingress: 'n1' }),
    journal.flow({ vantage: 'v2', ingress: 'n1' }),
  ];
  journal.add(7_000, 'prober.ill', { vantage: 'v1', fromT: 6_500, untilT: 7_000, why: 'stood still' });
  journal.changes(moved, 8_100, 'n3').of(moved, 8_100, 'flow.quiet', { fromT: 6_010, untilT: 8_100 });
  journal
    .of(brief, 7_200, 'flow.quiet', { fromT: 6_010, untilT: 7_200 })
    .of(elsewhere, 8_100, 'flow.quiet', { fromT: 6_010, untilT: 8_100 });
  const events = journal.end(34_000);
  expect(lineOf(events, moved, 0)).toMatchObject({ outcome: 'unmoved', blame: null });
  expect(lineOf(events, moved, 1)).toMatchObject({ outcome: 'unknown', broken: false, blame: 'prober' });
  expect(lineOf(events, brief, 1)).toMatchObject({ outcome: 'unmoved' });
  expect(lineOf(events, elsewhere, 1)).toMatchObject({ outcome: 'unmoved' });
  expect(analyse(events).report.remarks.join(' ')).toContain('the prober was ill in a silence of 1 that may have stalled');
});

test('row 1: a silence too short for a stall once the exchange was due that nobody answered is no doubt, nor is an illness before that', () => {
  const outcomeOf = (quiet: { fromT: number; untilT: number }, illness: { fromT: number; untilT: number }) => {
    const journal = aDrop();
    const flow = journal.flow({ ingress: 'n1' });
    journal.of(flow, quiet.untilT, 'flow.quiet', quiet);
    journal.add(illness.untilT, 'prober.ill', { vantage: 'v1', ...illness, why: 'stood still' });
    return lineOf(journal.end(34_000), flow, 1)?.outcome;
  };
  // An exchange every 500 ms, answered within 1 ms; stalled after 1,500 ms.
  expect(outcomeOf({ fromT: 7_000, untilT: 8_501 }, { fromT: 8_300, untilT: 8_410 })).toBe('unmoved');
  expect(outcomeOf({ fromT: 7_000, untilT: 8_998 }, { fromT: 8_300, untilT: 8_410 })).toBe('unmoved');
  expect(outcomeOf({ fromT: 7_000, untilT: 9_000 }, { fromT: 8_300, untilT: 8_410 })).toBe('unknown');
  expect(outcomeOf({ fromT: 7_000, untilT: 9_100 }, { fromT: 6_880, untilT: 7_001 })).toBe('unmoved');
});

test('row 1: nothing can be said of a flow whose ingress was not known, nor while the set had not settled', () => {
  const journal = aJournal().set(100, ['n1', 'n2', 'n3']).fault(6_000, 14_000).set(13_000, ['n1', 'n3']);
  const nowhere = journal.flow({ ingress: null });
  const known = journal.flow({ ingress: 'n1' });
  const events = journal.end(34_000);
  expect(lineOf(events, nowhere, 0)?.outcome).toBe('unknown');
  expect(lineOf(events, known, 0)?.outcome).toBe('unmoved');
  expect(lineOf(events, known, 1)?.outcome).toBe('unknown');
  expect(analyse(events).report.events[1]?.nextHops[0]).toMatchObject({ after: [], unknown: ['after'] });
});

test('row 2: a flow whose hop left the set is on the dead hop, broken or not, mapped or not', () => {
  const journal = aDrop();
  const mapped = journal.flow({ ingress: 'n2' });
  const unmapped = journal.flow({ ingress: 'n2' });
  const survivor = journal.flow({ ingress: 'n2', protocol: 'udp' });
  journal.breaks(mapped, 6_100).maps(mapped, 6_400, 'n3').breaks(unmapped, 6_100).maps(unmapped, 6_400, null);
  journal.changes(survivor, 6_100, 'n1');
  const events = journal.end(34_000);
  expect(lineOf(events, mapped, 1)).toMatchObject({ outcome: 'on-dead-hop', broken: true, ingressAfter: 'n3', mappedBy: 'redial' });
  expect(lineOf(events, unmapped, 1)).toMatchObject({ outcome: 'on-dead-hop', ingressAfter: null, mapFailure: 'refused' });
  expect(lineOf(events, survivor, 1)).toMatchObject({ outcome: 'on-dead-hop', broken: false, ingressAfter: 'n1', mappedBy: 'live' });
});

test('row 3: a broken flow that could not be mapped is unknown, and its failed tries say why', () => {
  const journal = aDrop();
  const flow = journal.flow({ ingress: 'n1' });
  journal.breaks(flow, 6_100).maps(flow, 6_400, null, 'timeout').maps(flow, 8_100, null, 'refused');
  expect(lineOf(journal.end(34_000), flow, 1)).toMatchObject({ outcome: 'unknown', broken: true, mappedBy: null, mapFailure: 'refused' });
  const own = { ingress: null, backend: null, observedSource: null, attempt: 3, tookMs: 1, failure: 'unreachable', isOwn: true };
  journal.of(flow, 8_200, 'flow.mapped', own);
  expect(lineOf(journal.end(34_000), flow, 1)).toMatchObject({ outcome: 'unknown', mapFailure: 'notSent' });
});

test('rows 4 and 5: a broken flow is in place or moved by where its 5-tuple maps; the last successful try in the window wins', () => {
  const journal = aDrop();
  const inPlace = journal.flow({ ingress: 'n1' });
  const moved = journal.flow({ ingress: 'n1' });
  const later = journal.flow({ ingress: 'n1' });
  journal.breaks(inPlace, 6_100).maps(inPlace, 6_400, 'n1');
  journal.breaks(moved, 6_100).maps(moved, 6_400, 'n1').maps(moved, 8_100, 'n3').maps(moved, 8_200, null);
  journal.breaks(later, 6_100).maps(later, 6_400, 'n1').maps(later, 14_100, 'n3');
  const events = journal.end(34_000);
  expect(lineOf(events, inPlace, 1)).toMatchObject({ outcome: 'broken-in-place', ingressAfter: 'n1', mapFailure: null });
  expect(lineOf(events, moved, 1)).toMatchObject({ outcome: 'moved-broken', ingressAfter: 'n3' });
  expect(lineOf(events, later, 1)).toMatchObject({ outcome: 'broken-in-place' });
});

test('row 6: a UDP flow moves in the window in which its answers move, and back in the next', () => {
  const journal = aDrop();
  const flow = journal.flow({ ingress: 'n1', protocol: 'udp' });
  journal.changes(flow, 6_300, 'n3').changes(flow, 14_700, 'n1');
  const events = journal.end(34_000);
  expect(lineOf(events, flow, 0)).toMatchObject({ outcome: 'unmoved', ingressAfter: 'n1' });
  expect(lineOf(events, flow, 1)).toMatchObject({ outcome: 'moved-survived', ingressBefore: 'n1', ingressAfter: 'n3', mappedBy: 'live' });
  expect(lineOf(events, flow, 2)).toMatchObject({ outcome: 'moved-survived', ingressBefore: 'n3', ingressAfter: 'n1' });
  expect(analyse(events).report.remarks.join()).not.toContain('another backend');
});

test('row 6: the final map tells of a TCP survivor in the last window alone; earlier windows are not rewritten', () => {
  const journal = aDrop();
  const flow = journal.flow({ ingress: 'n1' });
  journal.of(flow, 34_200, 'flow.final', { ingress: 'n3', backend: 'web-n3', observedSource: '10.77.1.2' });
  const events = journal.end(34_000);
  expect(lineOf(events, flow, 1)).toMatchObject({ outcome: 'unmoved', mappedBy: 'live' });
  expect(lineOf(events, flow, 2)).toMatchObject({ outcome: 'moved-survived', ingressAfter: 'n3', mappedBy: 'final' });
  expect(analyse(events).report.finalMap).toEqual([{ vantage: 'v1', vip: 'web', from: 'n1', to: 'n3', flows: 1 }]);
});

test('row 7: another backend or a restarted one behind the same ingress is noted, and no outcome', () => {
  const journal = aDrop();
  const flow = journal.flow({ ingress: 'n1', protocol: 'udp' });
  const seen = { ingress: 'n1', backend: 'web-other', backendNode: 'n3', boot: 'boot-2', observedSource: '10.77.1.2' };
  journal.of(flow, 7_000, 'flow.changed', seen);
  const events = journal.end(34_000);
  expect(lineOf(events, flow, 1)).toMatchObject({ outcome: 'unmoved', backendBefore: 'web-n1', backendAfter: 'web-other' });
  expect(analyse(events).report.remarks.join()).toContain('1 flow lived on while another backend');
});

test('a UDP flow that fell silent is mapped by its own answers, and unmapped while it is silent at the end', () => {
  const journal = aDrop();
  const back = journal.flow({ ingress: 'n1', protocol: 'udp' });
  const moved = journal.flow({ ingress: 'n1', protocol: 'udp' });
  const silent = journal.flow({ ingress: 'n1', protocol: 'udp' });
  const twice = journal.flow({ ingress: 'n1', protocol: 'udp' });
  const stalled = { breakCause: 'stalled' as const };
  journal.breaks(back, 6_100, stalled).recovers(back, 8_000, 'n1');
  journal.breaks(moved, 6_100, stalled).recovers(moved, 8_000, 'n3');
  journal.breaks(silent, 6_100, stalled).recovers(silent, 14_800, 'n3');
  journal.breaks(twice, 6_100).recovers(twice, 8_000, 'n3').breaks(twice, 13_000, stalled);
  const events = journal.end(34_000);
  expect(lineOf(events, back, 1)).toMatchObject({ outcome: 'broken-in-place', restoredT: 8_000 });
  expect(lineOf(events, moved, 1)).toMatchObject({ outcome: 'moved-broken', ingressAfter: 'n3', mappedBy: 'live' });
  expect(lineOf(events, silent, 1)).toMatchObject({ outcome: 'unknown', ingressAfter: null, mappedBy: null });
  expect(lineOf(events, twice, 1)).toMatchObject({ outcome: 'unknown', breakCause: 'reset', onsetT: 6_100 });
});

test('a break names its cause and times, and the flow that took its place ends it', () => {
  const journal = aDrop();
  const flow = journal.flow({ ingress: 'n2' });
  journal.breaks(flow, 6_100, { t: 6_101, breakCause: 'reset', lastOkT: 5_700 });
  const next = journal.flow({ ingress: 'n3', openT: 6_200, replaces: flow });
  const events = journal.end(34_000);
  expect(lineOf(events, flow, 1)).toMatchObject({ breakCause: 'reset', lastOkT: 5_700, onsetT: 6_100, brokenT: 6_101, restoredT: 6_200 });
  expect(lineOf(events, flow, 2)).toBeUndefined();
  expect(lineOf(events, next, 1)).toBeUndefined();
  expect(lineOf(events, next, 2)).toMatchObject({ outcome: 'unmoved', broken: false, breakCause: null, blame: null });
});

test('blame: the path when one ingress alone broke, the VIP when all did, unknown in between', () => {
  const blames = (broken: readonly string[]) => {
    const journal = aDrop();
    for (const node of ['n1', 'n2', 'n3']) {
      const [flow = ''] = journal.flows(2, { ingress: node });
      if (broken.includes(node)) journal.breaks(flow, 6_100).maps(flow, 6_400, node);
    }
    return new Set([...analyse(journal.end(34_000)).flows].map((line) => line.blame).filter((blame) => blame !== null));
  };
  expect(blames(['n2'])).toEqual(new Set(['path']));
  expect(blames(['n1', 'n2', 'n3'])).toEqual(new Set(['vip']));
  expect(blames(['n1', 'n2'])).toEqual(new Set(['unknown']));
});
