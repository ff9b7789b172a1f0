import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { PROPAGATION_MS } from '../../src/analysis/motions.ts';
import { differences } from '../../src/analysis/intent-wire-words.ts';
import { spansWithout } from '../../src/analysis/spans.ts';
import { PEER_IS_GONE } from '../../src/core/capabilities.ts';
import type { Phase } from '../../src/core/checks.ts';
import type { Environment } from '../../src/core/environment.ts';
import type { CheckResult } from '../../src/core/report-format.ts';
import { aJournal, type JournalDraft, type JournalOptions } from '../support/a-journal.ts';
import { ALL, CONTEXT, dials, doubtsOf, END, intends, kinds, wireOf } from '../support/intent-wire.ts';

/** What MetalLB says from `t` on: the announcers, and who refuses the configuration. */
function says(journal: JournalDraft, t: number, announcers: readonly string[], refusers: readonly string[] = []): JournalDraft {
  const session = { peer: 'tor', address: '10.77.0.1', myAsn: 64_500, peerAsn: '64501', state: null };
  const nodes = ALL.map((node) => ({
    node,
    announcedTo: announcers.includes(node) ? ['tor'] : [],
    configuration: refusers.includes(node) ? 'Invalid' : 'Valid',
    error: refusers.includes(node) ? 'peer x has no ASN' : null,
    sessions: [session],
  }));
  return journal.cluster(t, 'cluster.metallb-status', { vip: 'web', nodes });
}

function healthy(): JournalDraft {
  return dials(says(intends(aJournal(), 100, ALL), 100, ALL).set(100, ALL), 1_000, { n1: 3, n2: 3, n3: 2 });
}

describe('where all layers agree', () => {
  test('nothing is found and nothing doubted, and each layer is told', () => {
    const wire = wireOf(healthy());
    expect(wire).toMatchObject({ unjudged: null, parts: [{ fromT: 100 + PROPAGATION_MS, untilT: END, findings: [], doubts: [] }] });
    expect(wire.parts[0]?.rows[0]).toMatchObject({
      node: 'n1',
      intended: { advertises: true },
      status: { announcedTo: ['tor'] },
      routers: [{ router: 'tor', has: true }],
      flows: [{ vantage: 'v1', seen: 33, of: 88 }],
    });
  });

  test('a node that is not intended and that nobody sees is right', () => {
    const journal = dials(intends(aJournal(), 100, ['n1', 'n3']).set(100, ['n1', 'n3']), 1_000, { n1: 4, n3: 4 });
    expect(wireOf(journal)).toMatchObject({ parts: [{ findings: [], doubts: [] }] });
  });
});

describe('a missing path', () => {
  test('the router has no path by a node that should advertise', () => {
    const journal = dials(says(intends(aJournal(), 100, ALL), 100, ALL).set(100, ['n1', 'n3']), 1_000, { n1: 4, n3: 4 });
    journal.add(100, 'bgp-session', {
      observer: 'bgp',
      router: 'tor',
      peer: '10.77.0.12',
      node: 'n2',
      state: 'Active',
      reason: 'bad peer AS',
    });
    const wire = wireOf(journal);
    expect(kinds(wire)).toEqual(['missing n2 router']);
    const [told] = differences(wire.parts[0]?.rows ?? [], wire.parts[0]?.findings ?? [], CONTEXT);
    expect(told?.what).toBe(
      'n2 should advertise web, and tor has no path by it. Its speaker says that it announces web to tor; it says so before a session is up, ' +
        'and after it died. BGPPeer tor asks for AS 64500 to AS 64501 at 10.77.0.1. tor’s session with it is Active (bad peer AS).',
    );
    expect(told?.look).toMatch(/^AS numbers, addresses and passwords at both ends/);
  });

  test('a session that ended by its hold timer leads to the speaker first', () => {
    const journal = says(intends(aJournal(), 100, ALL), 100, ALL).set(100, ['n1', 'n3']);
    const reason = 'BGP Notification send: Hold Timer Expired';
    journal.add(100, 'bgp-session', { observer: 'bgp', router: 'tor', peer: '10.77.0.12', node: 'n2', state: 'Active', reason });
    const [part] = wireOf(journal).parts;
    const [told] = differences(part?.rows ?? [], part?.findings ?? [], CONTEXT);
    expect(told?.look).toMatch(/^the speaker on n2 .*: it fell silent/);
  });

  test('of several sessions with the node the one counts that speaks the VIP’s family and is not up, whichever was told last', () => {
    const journal = intends(aJournal(), 100, ALL).set(100, ['n1', 'n3']);
    const told = (t: number, peer: string, state: string) =>
      journal.add(t, 'bgp-session', { observer: 'bgp', router: 'tor', peer, node: 'n2', state, reason: '' });
    told(100, '10.77.0.12', 'Active');
    told(101, '10.78.0.12', 'Established');
    told(102, 'fd77::12', 'Connect');
    const [part] = wireOf(journal).parts;
    const [difference] = differences(part?.rows ?? [], part?.findings ?? [], CONTEXT);
    expect(difference?.what).toMatch(/MetalLB says nothing of it\. tor’s session with it is Active\.$/);
    expect(difference?.look).toMatch(/^AS numbers/);
  });

  test('a session whose peer the router no longer has counts for nothing where it has another one of the node', () => {
    const journal = intends(aJournal(), 100, ALL).set(100, ['n1', 'n3']);
    const told = (t: number, peer: string, state: string, reason = '') =>
      journal.add(t, 'bgp-session', { observer: 'bgp', router: 'tor', peer, node: 'n2', state, reason });
    const sessions = () =>
      wireOf(journal)
        .parts[0]?.rows.find(({ node }) => node === 'n2')
        ?.sessions.map(({ state }) => state);
    told(100, 'fd77::12', 'Established');
    told(101, '10.77.0.12', 'Idle', PEER_IS_GONE);
    expect(sessions()).toEqual(['Idle']);
    told(102, '10.77.0.22', 'Established');
    expect(sessions()).toEqual(['Established']);
  });

  test('of the only path there is, no flow by it is no matter of chance, and nothing is said of any', () => {
    const journal = intends(aJournal({ nodes: ['n1'] }), 100, ['n1']).set(100, ['n1']);
    const finding = { kind: 'missing', node: 'n1', by: 'flows', vantage: 'v1', seen: 0, of: 40, chance: 0 } as const;
    const [difference] = differences(wireOf(journal).parts[0]?.rows ?? [], [finding], CONTEXT);
    expect(difference?.claim).toBe('n1 should advertise web, and none of 40 flows from v1 came in by it');
  });

  test('no flow comes in by a node that the router sends flows to, and that is no chance', () => {
    const wire = wireOf(dials(intends(aJournal(), 100, ALL).set(100, ALL), 1_000, { n1: 4, n3: 4 }));
    expect(kinds(wire)).toEqual(['missing n2 flows']);
    const [finding] = wire.parts[0]?.findings ?? [];
    expect(finding).toMatchObject({ seen: 0, of: 88 });
    expect(finding?.by === 'flows' && finding.chance).toBeCloseTo((2 / 3) ** 88, 20);
  });

  test('too few flows to have met a node are a doubt, and no finding', () => {
    const journal = intends(aJournal(), 100, ALL).set(100, ALL);
    journal.flows(5, { ingress: 'n1', openT: 9_000 });
    expect(wireOf(journal).parts[0]?.findings).toEqual([]);
    expect(doubtsOf(wireOf(journal))).toEqual(
      ['n2', 'n3'].map((node) => `5 new flows from v1 are too few to tell whether ${node} takes any`),
    );
  });

  test('flows that are older than the part had no chance to come in by a path that returned: they are no proof', () => {
    const journal = intends(aJournal(), 100, ALL).set(100, ALL);
    journal.flows(200, { ingress: 'n1' });
    journal.flows(200, { ingress: 'n3' });
    expect(kinds(wireOf(journal))).toEqual([]);
    expect(doubtsOf(wireOf(journal))).toEqual(['0 new flows from v1 are too few to tell whether n2 takes any']);
  });

  test('nothing is concluded from flows where the router keeps old buckets, nor where nobody says how it spreads', () => {
    const unseen = (spread: 'resilient' | 'unknown') =>
      wireOf(dials(intends(aJournal({ spread }), 100, ALL).set(100, ALL), 1_000, { n1: 4, n3: 4 }));
    expect(kinds(unseen('resilient'))).toEqual([]);
    expect(doubtsOf(unseen('resilient'))).toEqual([
      'none of 88 new flows from v1 came in by n2, and a resilient group leaves its buckets where they were',
    ]);
    expect(kinds(unseen('unknown'))).toEqual([]);
    expect(doubtsOf(unseen('unknown'))).toHaveLength(1);
  });

  test('outside a lab the environment may say how its routers spread flows: then no flow by a node is no chance either', () => {
    const unseen = (ecmp: Environment['ecmp']) =>
      wireOf(dials(intends(aJournal({ spread: 'unknown' }), 100, ALL).set(100, ALL), 1_000, { n1: 4, n3: 4 }), {}, ecmp && { ecmp });
    const wire = unseen({ hash: 'l4', nextHopGroups: 'hash-threshold' });
    expect(kinds(wire)).toEqual(['missing n2 flows']);
    const doubt = (why: string) => [`none of 88 new flows from v1 came in by n2, and ${why}`];
    expect(doubtsOf(unseen({ hash: 'l3', nextHopGroups: 'hash-threshold' }))).toEqual(doubt('the router spreads addresses, not flows'));
    expect(doubtsOf(unseen({ hash: 'l4', nextHopGroups: 'resilient' }))).toEqual(
      doubt('a resilient group leaves its buckets where they were'),
    );
    expect(doubtsOf(unseen(undefined))).toEqual(doubt('how the router spreads flows is not known'));
  });

  test('where nobody reads the router, what is to be looked at begins with it', () => {
    const wire = wireOf(dials(intends(aJournal({ routers: [] }), 100, ALL), 1_000, { n1: 4, n3: 4 }));
    const [told] = differences(wire.parts[0]?.rows ?? [], wire.parts[0]?.findings ?? [], CONTEXT);
    expect(told?.look).toMatch(/^whether the router has the path; if not, .*; if it has, the way from the router to n2/);
  });

  test('a path that only flows know of is one more that they may fall on: the chance is larger', () => {
    const journal = dials(intends(aJournal(), 100, ALL), 1_000, { n1: 4, n3: 4, n4: 1 });
    const missing = wireOf(journal).parts[0]?.findings.find(({ kind }) => kind === 'missing');
    expect(missing?.by === 'flows' && missing.chance).toBeCloseTo((3 / 4) ** 99, 20);
  });

  test('the session that is told is that of the router which lacks the path', () => {
    const journal = intends(aJournal({ routers: ['tor', 'tor2'] }), 100, ALL)
      .set(100, ['n1', 'n3'])
      .set(100, ['n1', 'n3'], { router: 'tor2' });
    const session = { observer: 'bgp', peer: '10.77.0.12', node: 'n2' };
    journal.add(100, 'bgp-session', { ...session, router: 'tor', state: 'Active', reason: 'bad peer AS' });
    journal.add(200, 'bgp-session', { ...session, router: 'tor2', state: 'Idle', reason: '' });
    const [part] = wireOf(journal).parts;
    expect(differences(part?.rows ?? [], part?.findings ?? [], CONTEXT)[0]?.what).toMatch(
      /tor’s session with it is Active \(bad peer AS\)\. tor2’s session with it is Idle\.$/,
    );
  });
});

describe('a phantom path', () => {
  test('the router and flows use a node that should not advertise', () => {
    const wire = wireOf(dials(intends(aJournal(), 100, ['n1', 'n3']).set(100, ALL), 1_000, { n1: 3, n2: 3, n3: 3 }));
    expect(kinds(wire)).toEqual(['phantom n2 router', 'phantom n2 flows']);
    const [told] = differences(wire.parts[0]?.rows ?? [], wire.parts[0]?.findings ?? [], CONTEXT);
    expect(told?.what).toMatch(
      /^n2 should not advertise web \(no endpoint serves on the node, and the policy is Local\), and tor has a path by it and 33 of 99 flows/,
    );
  });

  test('a next hop that is no node of the environment is a doubt, and a node that the router lacks may be it', () => {
    const strange = wireOf(intends(aJournal(), 100, ALL).set(100, [...ALL, '10.77.0.99']));
    expect(kinds(strange)).toEqual([]);
    expect(doubtsOf(strange)).toContain('10.77.0.99 is used as a path, and whose address that is the environment does not say');
    const renamed = wireOf(intends(aJournal(), 100, ALL).set(100, ['n1', 'n3', '10.77.0.99']));
    expect(kinds(renamed)).toEqual([]);
    expect(doubtsOf(renamed)).toContain('whether 10.77.0.99, which tor sends flows to, is n2 the environment does not say');
  });

  test('a speaker that refuses its configuration goes by an older one: what differs on its node is a doubt', () => {
    const journal = says(intends(aJournal(), 100, ['n1', 'n3']), 100, ALL, ['n2']).set(100, ALL);
    const wire = wireOf(dials(journal, 1_000, { n1: 3, n2: 3, n3: 3 }));
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toEqual([
      'the speaker on n2 refuses its configuration (peer x has no ASN) and goes by an older one, so what it is to advertise is not known: ' +
        'see kubectl describe configurationstates',
    ]);
  });

  test('a configuration that is taken again takes its time too', () => {
    const journal = says(says(intends(aJournal(), 100, ALL), 100, ALL, ['n2']), 10_000, ALL).set(100, ALL);
    expect(wireOf(journal).parts.map(({ fromT, untilT }) => [fromT, untilT])).toEqual([
      [100 + PROPAGATION_MS, 10_000],
      [10_000 + PROPAGATION_MS, END],
    ]);
  });
});

describe('a zombie path', () => {
  test('the router let go of a node, and flows opened afterwards still come in by it', () => {
    const journal = dials(intends(aJournal(), 100, ['n1', 'n3']).set(100, ['n1', 'n3']), 1_000, { n1: 3, n2: 1, n3: 3 });
    expect(kinds(wireOf(journal))).toEqual(['zombie n2 flows']);
  });

  test('nobody reads the router, and a node that was withdrawn is still used', () => {
    const journal = intends(intends(aJournal(), 100, ALL), 5_000, ['n1', 'n3']);
    expect(kinds(wireOf(dials(journal, 1_000, { n1: 3, n2: 1, n3: 3 })))).toEqual(['zombie n2 flows']);
  });

  test('flows that are older than the withdrawal are no proof', () => {
    const journal = dials(intends(aJournal(), 100, ['n1', 'n3']).set(100, ['n1', 'n3']), 1_000, { n1: 4, n3: 4 });
    journal.flows(9, { ingress: 'n2', protocol: 'udp' });
    expect(kinds(wireOf(journal))).toEqual([]);
  });
});

describe('what is not judged', () => {
  test('the time after a change of intent, and after a change of the set', () => {
    const journal = intends(intends(aJournal(), 100, ALL).set(100, ALL), 10_000, ['n1', 'n3']).set(14_500, ['n1', 'n3']);
    const { parts } = wireOf(journal);
    expect(parts.map(({ fromT, untilT }) => [fromT, untilT])).toEqual([
      [8_100, 10_000],
      [18_000, END],
    ]);
    expect(parts.flatMap(({ findings }) => findings)).toEqual([]);
  });

  test('the time after nobody watched the cluster: the intent may have changed just before, and back', () => {
    const blind = intends(aJournal(), 100, ALL).set(100, ALL).cluster(3_000, 'observer.blind', { reason: 'gone' });
    expect(wireOf(intends(blind, 6_000, ALL)).parts.map(({ fromT }) => fromT)).toEqual([6_000 + PROPAGATION_MS]);
  });

  test('layers that nobody saw', () => {
    expect(wireOf(aJournal())).toEqual({ vip: 'web', parts: [], unjudged: 'nobody told what the cluster intends', isBlind: false });
    const blind = intends(aJournal(), 100, ALL).set(100, ALL).cluster(12_000, 'observer.blind', { reason: 'gone' });
    expect(wireOf(blind)).toMatchObject({ unjudged: 'the cluster could not be watched all the time', parts: [{ untilT: 12_000 }] });
    const bare = wireOf(intends(aJournal(), 100, []));
    expect(doubtsOf(bare)).toEqual(['neither a router nor a flow tells which paths there are']);
  });
});

test('a part is judged by the set that stood in it, and not by the change that ended it', () => {
  const journal = intends(aJournal(), 100, ALL).set(100, ['n1', 'n3']).set(15_000, ALL);
  const { parts } = wireOf(journal);
  expect(parts[0]?.rows[1]).toMatchObject({ node: 'n2', routers: [{ router: 'tor', has: false }] });
  expect(parts[0]?.findings).toMatchObject([{ kind: 'missing', node: 'n2', by: 'router' }]);
});

describe('the check intent-matches-wire', () => {
  function judge(journal: JournalDraft, endT = END): CheckResult {
    const [check] = analyse(journal.end(endT)).report.checks;
    if (!check) throw new Error('no check was judged');
    return check;
  }
  const asking = (during?: Phase): JournalOptions => ({
    probes: ['tcp-hold'],
    expect: [{ check: 'intent-matches-wire', ...(during && { during }) }],
  });
  const seenOn = (journal: JournalDraft, nodes: readonly string[], perSecond: Record<string, number>) =>
    dials(intends(journal, 100, ALL).set(100, nodes), 1_000, perSecond);

  test('is held where every intended path is in the router and used', () => {
    expect(judge(seenOn(aJournal(asking()), ALL, { n1: 3, n2: 3, n3: 2 }))).toMatchObject({
      verdict: 'held',
      observed: 'n1, n2 and n3',
      why: 'over 11.9 s of settled time, by the router and by flows',
    });
  });

  test('is held by flows alone where no router is read, and says so', () => {
    const journal = dials(intends(aJournal(asking()), 100, ALL), 1_000, { n1: 3, n2: 3, n3: 2 });
    expect(judge(journal)).toMatchObject({ verdict: 'held', why: 'over 11.9 s of settled time, by flows alone: no router was read' });
  });

  test('is deviated by any difference, which it names', () => {
    expect(judge(seenOn(aJournal(asking()), ['n1', 'n3'], { n1: 4, n3: 4 }))).toMatchObject({
      verdict: 'deviated',
      observed: 'missing path n2',
    });
  });

  test('is inconclusive where a layer is unknown, where nothing was settled, and where nobody told of the cluster', () => {
    expect(judge(seenOn(aJournal(asking()), ALL, { n1: 1 }))).toMatchObject({
      verdict: 'inconclusive',
      why: expect.stringMatching(/too few/) as string,
    });
    expect(judge(seenOn(aJournal(asking()), ALL, { n1: 3, n2: 3, n3: 2 }), 6_000)).toMatchObject({
      verdict: 'inconclusive',
      why: 'no part of the time was settled',
    });
    expect(judge(aJournal(asking()))).toMatchObject({ verdict: 'inconclusive', why: 'nobody told what the cluster intends' });
  });

  test('is inconclusive where some of the time nobody watched the cluster, although the rest was as intended', () => {
    const journal = seenOn(aJournal(asking()), ALL, { n1: 3, n2: 3, n3: 2 }).fault(12_000, 16_000);
    intends(journal.cluster(12_100, 'observer.blind', { reason: 'gone' }), 35_900, ALL);
    journal.set(35_900, ALL);
    expect(judge(journal, 36_000)).toMatchObject({ verdict: 'inconclusive', why: 'the cluster could not be watched all the time' });
  });

  test('judges the phase that it is asked about', () => {
    const journal = dials(intends(aJournal(asking('recovery')), 100, ALL).set(100, ALL), 1_000, { n1: 3, n2: 3, n3: 2 });
    journal.fault(2_000, 4_000).set(2_100, ['n1', 'n3']).set(4_200, ALL);
    expect(judge(journal)).toMatchObject({
      verdict: 'held',
      during: 'recovery',
      why: 'over 8 s of settled time, by the router and by flows',
    });
  });
});

test('what is left of a stretch never overlaps what was taken out, and nothing else is missing', () => {
  const span = fc
    .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 30 }))
    .map(([fromT, length]) => ({ fromT, untilT: fromT + length }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 6 }), (others) => {
      const whole = { fromT: 10, untilT: 90 };
      const left = spansWithout(whole, others);
      const isIn = (spans: readonly { fromT: number; untilT: number }[], t: number) =>
        spans.some((one) => one.fromT <= t && t < one.untilT);
      for (let t = 0; t < 110; t += 1) expect(isIn(left, t)).toBe(isIn([whole], t) && !isIn(others, t));
    }),
  );
});
