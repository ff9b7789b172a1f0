import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Expectation } from '../../src/core/checks.ts';
import type { CheckResult } from '../../src/core/report-format.ts';
import { aJournal, type JournalDraft, type JournalOptions } from '../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];

/** A fault at n2 from 6 s to 14 s, judged by one expectation of TCP flows. */
function aDrop(expectation: Expectation, options: JournalOptions = {}): JournalDraft {
  return aJournal({ probes: ['tcp-hold'], expect: [expectation], ...options })
    .set(100, ALL)
    .fault(6_000, 14_000)
    .set(6_060, ['n1', 'n3'])
    .set(14_500, ALL);
}

function judge(journal: JournalDraft, endT = 34_000): CheckResult {
  const [check] = analyse(journal.end(endT)).report.checks;
  if (!check) throw new Error('no check was judged');
  return check;
}

const BROKEN_ELSEWHERE = { check: 'broken-elsewhere', max: 0, during: 'fault' } as const;

test('broken-elsewhere counts moved and in place against the flows that were not on the dead hop', () => {
  const journal = aDrop(BROKEN_ELSEWHERE);
  const [dead = ''] = journal.flows(50, { ingress: 'n2' });
  const [moved = '', inPlace = ''] = journal.flows(150, { ingress: 'n1' });
  journal.breaks(dead, 6_100).maps(dead, 6_400, 'n1');
  expect(judge(journal)).toMatchObject({ verdict: 'held', observed: '0 of 150', vip: 'web', vantage: 'v1', protocol: 'tcp' });
  journal.breaks(moved, 6_100).maps(moved, 6_400, 'n3').breaks(inPlace, 6_100).maps(inPlace, 6_400, 'n1');
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', observed: '2 of 150' });
});

test('max 0: none of fewer flows than minFlows proves nothing, one broken is one too many all the same', () => {
  const journal = aDrop(BROKEN_ELSEWHERE, { minFlows: 10 });
  const [flow = ''] = journal.flows(9, { ingress: 'n1' });
  expect(judge(journal)).toMatchObject({ verdict: 'inconclusive' });
  journal.breaks(flow, 6_100).maps(flow, 6_400, 'n3');
  expect(judge(journal)).toMatchObject({ verdict: 'deviated' });
});

test('a broken flow that is unknown is counted once as not broken and once as broken elsewhere', () => {
  const journal = aDrop(BROKEN_ELSEWHERE);
  const [lost = '', moved = ''] = journal.flows(150, { ingress: 'n1' });
  journal.breaks(lost, 6_100).maps(lost, 6_400, null);
  expect(judge(journal)).toMatchObject({ verdict: 'inconclusive' });
  journal.breaks(moved, 6_100).maps(moved, 6_400, 'n3');
  expect(judge(journal)).toMatchObject({ verdict: 'deviated' });
});

test('unknown broken flows do not matter where the verdict is the same with them and without', () => {
  const journal = aDrop({ check: 'broken-elsewhere', max: 0.1, during: 'fault' });
  const [flow = ''] = journal.flows(300, { ingress: 'n1' });
  journal.breaks(flow, 6_100).maps(flow, 6_400, null);
  expect(judge(journal)).toMatchObject({ verdict: 'held', expected: 'max 10%' });
});

test('a share is held below its limit by the whole interval, deviated above it by the whole interval', () => {
  const verdictOf = (broken: number) => {
    const journal = aDrop({ check: 'broken', max: 0.1, during: 'fault' });
    for (const flow of journal.flows(400, { ingress: 'n1' }).slice(0, broken)) journal.breaks(flow, 6_100).maps(flow, 6_400, 'n1');
    return judge(journal).verdict;
  };
  expect([28, 29, 40, 51, 52].map(verdictOf)).toEqual(['held', 'inconclusive', 'inconclusive', 'inconclusive', 'deviated']);
});

test('broken counts every break, mapped or not; only an ill prober leaves it in doubt', () => {
  const unmapped = aDrop({ check: 'broken', max: 0 });
  const [flow = ''] = unmapped.flows(200);
  unmapped.breaks(flow, 6_100);
  expect(judge(unmapped)).toMatchObject({ verdict: 'deviated' });
  const ill = aDrop({ check: 'broken', max: 0 });
  const [doubtful = ''] = ill.flows(200);
  ill.breaks(doubtful, 6_100).add(6_200, 'prober.ill', { vantage: 'v1', fromT: 6_000, untilT: 6_200, why: 'stood still' });
  expect(judge(ill)).toMatchObject({ verdict: 'inconclusive' });
});

test('stalled counts the silent breaks alone', () => {
  const journal = aDrop({ check: 'stalled', max: 0 });
  const [reset = '', stalled = ''] = journal.flows(200, { ingress: 'n2' });
  journal.breaks(reset, 6_100);
  expect(judge(journal).verdict).toBe('held');
  journal.breaks(stalled, 6_100, { breakCause: 'stalled' });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', observed: '1 of 598' });
});

test('the worst of several vantages counts and is named', () => {
  const journal = aDrop(BROKEN_ELSEWHERE, { vantages: ['v1', 'v2'] });
  journal.flows(150, { ingress: 'n1' });
  const [flow = ''] = journal.flows(150, { ingress: 'n1', vantage: 'v2' });
  journal.breaks(flow, 6_100).maps(flow, 6_400, 'n3');
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', vantage: 'v2' });
});

test('a vantage without a flow is no good news', () => {
  const journal = aDrop(BROKEN_ELSEWHERE, { vantages: ['v1', 'v2'] });
  journal.flows(150, { ingress: 'n1' });
  expect(judge(journal)).toMatchObject({ verdict: 'inconclusive', vantage: 'v2', why: 'there was no flow to judge (the worst of 2)' });
});

test('a check of a vantage, a VIP or a protocol judges that alone, and nothing when there is none', () => {
  const journal = aDrop({ ...BROKEN_ELSEWHERE, vantage: 'v1' }, { vantages: ['v1', 'v2'] });
  journal.flows(150, { ingress: 'n1' });
  expect(judge(journal).verdict).toBe('held');
  const none = aDrop({ ...BROKEN_ELSEWHERE, vip: 'shop' });
  expect(judge(none)).toMatchObject({ verdict: 'inconclusive', vip: 'shop' });
});

test('source-ip: preserved is broken by one rewritten source, and the hop that rewrote it is named', () => {
  const journal = aDrop({ check: 'source-ip', is: 'preserved' });
  journal.flows(5, { ingress: 'n1' });
  expect(judge(journal)).toMatchObject({ verdict: 'held', observed: 'preserved on 5 of 5' });
  journal.flow({ ingress: 'n3', observedSource: '10.77.0.13' });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', why: 'the source of 1 flow was rewritten by n3' });
});

test('source-ip: rewritten is broken by one that survived', () => {
  const journal = aDrop({ check: 'source-ip', is: 'rewritten' }, { policy: 'cluster' });
  journal.flows(5, { ingress: 'n1', observedSource: '10.77.0.11' });
  expect(judge(journal).verdict).toBe('held');
  journal.flow({ ingress: null });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', observed: 'rewritten on 5 of 6' });
});

test('source-ip during a phase sees what was true in it', () => {
  const journal = aDrop({ check: 'source-ip', is: 'preserved', during: 'recovery' });
  journal.flow({ ingress: 'n1' });
  const rewritten = journal.flow({ ingress: 'n1', observedSource: '10.77.0.11' });
  journal.breaks(rewritten, 6_100);
  expect(judge(journal)).toMatchObject({ verdict: 'held', observed: 'preserved on 1 of 1' });
});

test('path-availability judges the paths that should work, from two seconds after the last change', () => {
  const journal = aDrop({ check: 'path-availability', min: 0.99, during: 'recovery' });
  journal.flows(60, { ingress: 'n1' });
  for (const path of ALL) {
    for (let bin = 14; bin < 17; bin += 1) journal.tally(bin, { path, lost: 40 });
    for (let bin = 17; bin < 34; bin += 1) journal.tally(bin, { path, ok: 40 });
  }
  const why = 'while the set was settled, none of 680 exchanges was late or lost';
  expect(judge(journal)).toMatchObject({ verdict: 'held', expected: 'min 99%', why });
  for (let bin = 17; bin < 34; bin += 1) journal.tally(bin, { path: 'n2', lost: 40 });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', observed: '50% on n2' });
});

test('path-availability does not ask for the dead path, and says nothing good of one without a flow', () => {
  const journal = aDrop({ check: 'path-availability', min: 0.99, during: 'fault' });
  journal.flows(60, { ingress: 'n1' });
  for (let bin = 6; bin < 14; bin += 1) {
    journal.tally(bin, { path: 'n1', ok: 40 }).tally(bin, { path: 'n2', lost: 40 }).tally(bin, { path: 'n3', ok: 40, fresh: true });
  }
  expect(judge(journal)).toMatchObject({ verdict: 'inconclusive', why: 'no flow was on n3 while it should have worked' });
  for (let bin = 6; bin < 14; bin += 1) journal.tally(bin, { path: 'n3', ok: 40 });
  expect(judge(journal)).toMatchObject({ verdict: 'held' });
});

test('path-availability cannot be held by what is known while the set of another window is not', () => {
  const journal = aJournal({ probes: ['tcp-hold'], expect: [{ check: 'path-availability', min: 0.99 }] });
  journal.set(100, ALL).fault(6_000, 14_000).set(13_500, ['n1', 'n3']).flows(60, { ingress: 'n1' });
  for (const path of ALL) for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { path, ok: 40 });
  expect(judge(journal)).toMatchObject({ verdict: 'inconclusive', observed: 'nothing' });
});

test('availability is what users felt: late and lost count against it, the prober’s own failures and fresh dials do not', () => {
  const journal = aDrop({ check: 'availability', min: 0.99, during: 'baseline' });
  journal.flows(100, { ingress: 'n1' });
  for (let bin = 1; bin < 6; bin += 1) {
    journal.tally(bin, { ok: 200, notSent: 100, invalid: 100 }).tally(bin, { lost: 100, fresh: true });
  }
  expect(judge(journal)).toMatchObject({ verdict: 'held', observed: '100%' });
  journal.tally(2, { path: 'unknown', late: 10, lost: 10 });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', observed: '98.04%' });
});

test('the second in which a fault begins or ends is the fault’s', () => {
  const observed = (during: 'baseline' | 'fault' | 'recovery') => {
    const journal = aJournal({ probes: ['tcp-hold'], expect: [{ check: 'availability', min: 0.5, during }] });
    journal.set(100, ALL).fault(6_500, 14_500).flows(10);
    for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, bin === 6 || bin === 14 ? { lost: 20 } : { ok: 20 });
    return judge(journal).observed;
  };
  expect([observed('baseline'), observed('fault'), observed('recovery')]).toEqual(['100%', '77.78%', '100%']);
});

test('losses of few flows leave an availability less sure than the same losses of many', () => {
  const widthOf = (gaps: number) => {
    const journal = aDrop({ check: 'availability', min: 0.5, during: 'fault' });
    for (const flow of journal.flows(100, { ingress: 'n1' }).slice(0, gaps)) {
      journal.of(flow, 12_000, 'flow.quiet', { fromT: 8_000, untilT: 12_000 });
    }
    for (let bin = 6; bin < 14; bin += 1) journal.tally(bin, { ok: 200 - gaps, lost: gaps });
    const { share } = judge(journal);
    return (share?.high ?? 0) - (share?.low ?? 0);
  };
  const alone = aDrop({ check: 'availability', min: 0.5, during: 'fault' });
  alone.flows(100, { ingress: 'n1' });
  for (let bin = 6; bin < 14; bin += 1) alone.tally(bin, { ok: 190, lost: 10 });
  const { share } = judge(alone);
  expect(widthOf(10)).toBeGreaterThan(2 * ((share?.high ?? 0) - (share?.low ?? 0)));
});

test('gaps that reckon more losses than the tallies count leave a share as unsure as flows that fail together', () => {
  const journal = aDrop({ check: 'availability', min: 0.5, during: 'fault' });
  for (const flow of journal.flows(100, { ingress: 'n1' }).slice(0, 10)) {
    journal.of(flow, 12_000, 'flow.quiet', { fromT: 8_000, untilT: 12_000 });
  }
  for (let bin = 6; bin < 14; bin += 1) journal.tally(bin, { ok: 195, lost: 5 });
  const { share } = judge(journal);
  expect(share?.low).toBeLessThan(0.97);
});

test('restored: from the read-back until the old set and a whole second of good fresh dials', () => {
  const verdictOf = (within: number, dial: (bin: number) => { ok?: number; lost?: number }) => {
    const journal = aDrop({ check: 'restored', within });
    for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { ...dial(bin), fresh: true });
    const { verdict, observed } = judge(journal);
    return [verdict, observed];
  };
  // Read back at 14.05 s, the set whole at 14.5 s: the first whole second is the 15th.
  expect(verdictOf(5_000, () => ({ ok: 8 }))).toEqual(['held', '1 s']);
  expect(verdictOf(5_000, (bin) => (bin < 18 ? { ok: 7, lost: 1 } : { ok: 8 }))).toEqual(['held', '4 s']);
  expect(verdictOf(3_000, (bin) => (bin < 18 ? { ok: 7 } : { ok: 8 }))).toEqual(['deviated', '4 s']);
  expect(verdictOf(5_000, (bin) => (bin < 14 ? { ok: 8 } : { ok: 7, lost: 1 }))).toEqual(['deviated', 'not within 20 s']);
  expect(verdictOf(30_000, (bin) => (bin < 14 ? { ok: 8 } : { ok: 7, lost: 1 }))).toEqual(['inconclusive', 'not within 20 s']);
  expect(verdictOf(5_000, () => ({ ok: 7 }))).toEqual(['inconclusive', 'nothing']);
});

test('restored asks fresh dials, as a new user would be; held flows do not count', () => {
  const journal = aDrop({ check: 'restored', within: 5_000 });
  for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { ok: 2_000 }).tally(bin, { lost: 8, fresh: true });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', why: 'no second of fresh dials was 99% ok' });
});

test('restored: a set that is not the baseline’s is not whole, however well dials fare', () => {
  const journal = aJournal({ probes: ['tcp-hold'], expect: [{ check: 'restored', within: 5_000 }] });
  journal.set(100, ALL).fault(6_000, 14_000).set(6_060, ['n1', 'n3']);
  for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { ok: 8, fresh: true });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', why: 'the next-hop set is n1, n3, and was n1, n2, n3' });
});

test('restored counts from the read-back, also where the route came back before it', () => {
  const journal = aJournal({ probes: ['tcp-hold'], expect: [{ check: 'restored', within: 5_000 }] });
  journal.set(100, ALL).fault(6_000, 14_000).set(6_060, ['n1', 'n3']).set(10_000, ALL);
  for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { ok: 8, fresh: true });
  expect(judge(journal)).toMatchObject({ verdict: 'held', observed: '1 s' });
});

test('interruption: from the last ok exchange to the next on the flow, or on the one that took its place', () => {
  const journal = aDrop({ check: 'interruption', max: 1_000, during: 'fault' });
  const [flow = '', quiet = ''] = journal.flows(10, { ingress: 'n2' });
  expect(judge(journal)).toMatchObject({ verdict: 'held', observed: 'none' });
  journal.breaks(flow, 6_100, { lastOkT: 5_700 });
  journal.flow({ ingress: 'n1', openT: 6_600, replaces: flow });
  expect(judge(journal)).toMatchObject({ verdict: 'held', observed: '0.9 s' });
  journal.of(quiet, 7_200, 'flow.quiet', { fromT: 5_900, untilT: 7_200 });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', observed: '1.3 s' });
});

test('interruption: one that was not over at the end may have been any length', () => {
  const journal = aDrop({ check: 'interruption', max: 1_000, during: 'recovery' });
  const [early = '', late = ''] = journal.flows(10, { ingress: 'n1' });
  journal.breaks(late, 33_700, { lastOkT: 33_600 });
  expect(judge(journal)).toMatchObject({ verdict: 'inconclusive', observed: 'at least 0.4 s' });
  journal.breaks(early, 20_000);
  expect(judge(journal)).toMatchObject({ verdict: 'deviated' });
});

test('paths-covered: a next hop without a flow is a path of which nothing is known', () => {
  const journal = aDrop({ check: 'paths-covered', during: 'baseline' });
  journal.flow({ ingress: 'n1' });
  journal.flow({ ingress: 'n2' });
  expect(judge(journal)).toMatchObject({ verdict: 'deviated', observed: 'none on n3' });
  journal.flow({ ingress: 'n3' });
  expect(judge(journal)).toMatchObject({ verdict: 'held' });
});

test('fault-effective: the target left the set, or every flow on it broke', () => {
  const left = aDrop({ check: 'fault-effective' });
  left.flow({ ingress: 'n2' });
  expect(judge(left)).toMatchObject({ verdict: 'held', observed: 'n2 left the set' });
  const stayed = aJournal({ probes: ['tcp-hold'], expect: [{ check: 'fault-effective' }] })
    .set(100, ALL)
    .fault(6_000, 14_000);
  const [one = '', other = ''] = stayed.flows(2, { ingress: 'n2' });
  expect(judge(stayed)).toMatchObject({ verdict: 'deviated', observed: 'n2: 0 of 2 flows broke' });
  stayed.breaks(one, 7_000);
  expect(judge(stayed)).toMatchObject({ verdict: 'inconclusive' });
  stayed.breaks(other, 7_000);
  expect(judge(stayed)).toMatchObject({ verdict: 'held' });
});

test('fault-effective: that the target stayed is said only where the set is known at the end', () => {
  const blind = (target: string, told = {}) =>
    aJournal({ probes: ['tcp-hold'], expect: [{ check: 'fault-effective' }] })
      .set(100, ALL)
      .fault(6_000, 14_000, { target, told })
      .add(9_000, 'observer.blind', { observer: 'routes', reason: 'gone' }, 'observer:tor');
  const node = blind('n2');
  const [one = ''] = node.flows(2, { ingress: 'n2' });
  expect(judge(node)).toMatchObject({ verdict: 'inconclusive', why: expect.stringContaining('not known') as string });
  node.breaks(one, 7_000);
  expect(judge(node)).toMatchObject({ verdict: 'inconclusive', why: expect.stringContaining('not known') as string });
  for (const told of [{ aimedAt: 'vip' }, { aimedAt: 'vip', isControl: true }] as const) {
    const vip = blind('web', told);
    vip.flow({ ingress: 'n1' });
    expect(judge(vip)).toMatchObject({ verdict: 'inconclusive', observed: '0 of 1 flow broke, the set is not known' });
  }
});

test('fault-effective: a fault of a VIP broke flows of it, or changed its next-hop set', () => {
  const flipped = () =>
    aJournal({ probes: ['tcp-hold'], expect: [{ check: 'fault-effective' }] })
      .set(100, ALL)
      .fault(6_000, 14_000, { target: 'web', kind: 'policy-flip', told: { aimedAt: 'vip' } });
  const without = flipped();
  const [flow = ''] = without.flows(2, { ingress: 'n1' });
  expect(judge(without)).toMatchObject({ verdict: 'deviated', observed: '0 of 2 flows broke, the set stayed' });
  without.breaks(flow, 7_000);
  expect(judge(without)).toMatchObject({ verdict: 'held' });
  const changed = flipped().set(7_000, ['n1', 'n3']);
  changed.flow({ ingress: 'n1' });
  expect(judge(changed)).toMatchObject({ verdict: 'held', observed: '0 of 1 flow broke, the set changed' });
});

test('fault-effective: of a control nothing may come, for no VIP', () => {
  const control = () =>
    aJournal({ probes: ['tcp-hold'], expect: [{ check: 'fault-effective' }] })
      .set(100, ALL)
      .fault(6_000, 14_000, { target: 'web-cluster', kind: 'unrelated-service', told: { aimedAt: 'vip', isControl: true } });
  const quiet = control();
  const flows = quiet.flows(100, { ingress: 'n1' });
  expect(judge(quiet)).toMatchObject({ verdict: 'held', observed: '0 of 100 flows broke, the set stayed' });
  const [background = '', ...others] = flows;
  quiet.breaks(background, 7_000);
  expect(judge(quiet)).toMatchObject({ verdict: 'inconclusive', observed: '1 of 100 flows broke, the set stayed' });
  for (const flow of others.slice(0, 40)) quiet.breaks(flow, 7_000);
  expect(judge(quiet)).toMatchObject({ verdict: 'deviated', observed: '41 of 100 flows broke, the set stayed' });
  const changed = control().set(7_000, ['n1', 'n3']);
  changed.flow({ ingress: 'n1' });
  expect(judge(changed)).toMatchObject({ verdict: 'deviated' });
});

test('fault-effective: what an ill prober took for broken is no effect of a fault, and no proof that there was none', () => {
  for (const told of [undefined, { aimedAt: 'vip' }, { aimedAt: 'vip', isControl: true }] as const) {
    const journal = aJournal({ probes: ['tcp-hold'], expect: [{ check: 'fault-effective' }] })
      .set(100, ALL)
      .fault(6_000, 14_000, { target: told ? 'web' : 'n2', ...(told && { told }) });
    for (const flow of journal.flows(50, { ingress: 'n2' }).slice(1)) journal.breaks(flow, 7_000, { breakCause: 'stalled' });
    journal.add(7_200, 'prober.ill', { vantage: 'v1', fromT: 6_900, untilT: 7_200, why: 'stood still' });
    const why = 'what became of 49 flows is not known: the prober was ill';
    expect(judge(journal)).toMatchObject({ verdict: 'inconclusive', observed: expect.stringMatching(/\b0 of 50/) as string, why });
  }
});

test('during names a phase; without it the whole run is judged', () => {
  const observed = (during?: 'baseline' | 'recovery') => {
    const journal = aDrop({ check: 'broken', max: 0, ...(during && { during }) });
    const flows = journal.flows(3, { ingress: 'n1' });
    flows.forEach((flow, index) => journal.breaks(flow, [3_000, 7_000, 15_000][index] ?? 0));
    return judge(journal).observed;
  };
  expect([observed('baseline'), observed('recovery'), observed()]).toEqual(['1 of 3', '1 of 1', '3 of 6']);
});
