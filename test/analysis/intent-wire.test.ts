import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { intentWire, type IntentWire, PROPAGATION_MS, type WireScope } from '../../src/analysis/intent-wire.ts';
import { differences } from '../../src/analysis/intent-wire-words.ts';
import { indexJournal } from '../../src/analysis/run-facts.ts';
import { spansWithout } from '../../src/analysis/spans.ts';
import type { Phase } from '../../src/core/checks.ts';
import type { Environment } from '../../src/core/environment.ts';
import type { CheckResult } from '../../src/core/report-format.ts';
import { aJournal, type JournalDraft, type JournalOptions } from '../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];
const END = 20_000;
const CONTEXT = { vip: 'web', service: 'default/web', metallbNamespace: 'metallb-system' };

/** What the cluster intends from `t` on: these nodes advertise, the others lack a local endpoint. */
function intends(journal: JournalDraft, t: number, advertisers: readonly string[], reason = 'noLocalEndpoints'): JournalDraft {
  const nodes = ALL.map((node) => ({ node, advertises: advertisers.includes(node), reason: advertisers.includes(node) ? null : reason }));
  return journal.cluster(t, 'cluster.intent', { vip: 'web', nodes });
}

/** The same, with the routers that each node is to tell: `b1` is the BGPPeer at the address of the router `r1`. */
function tells(journal: JournalDraft, t: number, routersOf: Record<string, readonly string[]>): JournalDraft {
  const peer = (router: string) => ({ name: router.replace('r', 'b'), address: ADDRESS_OF_ROUTER[router] ?? null });
  const nodes = ALL.map((node) => {
    const peers = (routersOf[node] ?? []).map(peer);
    return { node, advertises: peers.length > 0, reason: peers.length > 0 ? null : 'noPeer', peers };
  });
  return journal.cluster(t, 'cluster.intent', { vip: 'web', nodes });
}
const ADDRESS_OF_ROUTER: Record<string, string> = { r1: '10.1.0.1', r2: '10.2.0.1', r3: '10.3.0.1' };
/** An environment whose file says the addresses of its routers, and how they spread flows where it is asked. */
const withAddresses = (routers: readonly string[], ecmp?: Environment['ecmp']): Partial<Environment> => ({
  routers: routers.map((name) => ({ name, netns: null, driver: 'frr', vtysh: [], addresses: [ADDRESS_OF_ROUTER[name] ?? ''] })),
  ...(ecmp && { ecmp }),
});

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

/** Fresh dials of every second from `fromT` to the end, so many by each node. */
function dials(journal: JournalDraft, fromT: number, perSecond: Record<string, number>, vantage = 'v1'): JournalDraft {
  for (let bin = Math.ceil(fromT / 1_000); bin < END / 1_000; bin += 1) {
    for (const [path, ok] of Object.entries(perSecond)) journal.tally(bin, { vantage, path, ok, fresh: true });
  }
  return journal;
}

function wireOf(journal: JournalDraft, scope: Partial<WireScope> = {}, more: Partial<Environment> = {}): IntentWire {
  const facts = indexJournal(journal.end(END));
  return intentWire({ ...facts, environment: { ...facts.environment, ...more } }, { vip: 'web', ...scope }, { fromT: 1_000, untilT: END });
}
const doubtsOf = ({ parts }: IntentWire) => parts.flatMap(({ doubts }) => doubts.map(({ text }) => text));
const kinds = ({ parts }: IntentWire) => parts.flatMap(({ findings }) => findings.map(({ kind, node, by }) => `${kind} ${node} ${by}`));

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

describe('several routers', () => {
  const racks = () => intends(aJournal({ routers: ['r1', 'r2'] }), 100, ALL).set(100, ['n1', 'n2'], { router: 'r1' });

  test('a node is missing only if no router has it; that one has it and another not is a doubt', () => {
    const wire = wireOf(dials(racks().set(100, ['n3'], { router: 'r2' }), 1_000, { n1: 3, n2: 3, n3: 3 }));
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toContain('r2 has no path by n1, and nobody says which routers should');
    expect(kinds(wireOf(racks().set(100, ['n1'], { router: 'r2' })))).toEqual(['missing n3 router', 'missing n3 router']);
  });

  test('a router that nobody reads may have what the others lack', () => {
    const wire = wireOf(dials(racks(), 1_000, { n1: 3, n2: 3, n3: 3 }));
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toEqual(['r1 has no path by n3, and nobody says which routers should']);
  });

  test('flows from behind one of them prove nothing of the nodes of another', () => {
    const wire = wireOf(dials(racks().set(100, ['n3'], { router: 'r2' }), 1_000, { n1: 3, n2: 3 }));
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toContain('none of 66 new flows from v1 came in by n3, and each of several routers has paths of its own');
  });
});

describe('several routers, and it is known which of them a node is to tell', () => {
  const RACKS = { n1: ['r1'], n2: ['r1'], n3: ['r2'] };
  const BOTH = { n1: ['r1', 'r2'], n2: ['r1', 'r2'], n3: ['r1', 'r2'] };
  const routers = ['r1', 'r2'];
  const journalOf = (asked: Record<string, readonly string[]>, r1: readonly string[], r2: readonly string[]) =>
    tells(aJournal({ routers }), 100, asked).set(100, r1, { router: 'r1' }).set(100, r2, { router: 'r2' });
  const session = (journal: JournalDraft, router: string, node: string | null) =>
    journal.add(100, 'bgp-session', { observer: 'bgp', router, peer: '10.77.0.9', node, state: 'Established', reason: '' });

  test('a router need not have the nodes of another rack: nothing is found and nothing doubted', () => {
    const wire = wireOf(dials(journalOf(RACKS, ['n1', 'n2'], ['n3']), 1_000, { n1: 3, n2: 3, n3: 3 }), {}, withAddresses(routers));
    expect(wire.parts).toMatchObject([{ findings: [], doubts: [] }]);
  });

  test('a router that should have a path and lacks it misses it, although another has it', () => {
    const wire = wireOf(dials(journalOf(BOTH, ALL, ['n1', 'n3']), 1_000, { n1: 3, n2: 3, n3: 3 }), {}, withAddresses(routers));
    expect(wire.parts[0]?.findings).toEqual([{ kind: 'missing', node: 'n2', by: 'router', router: 'r2' }]);
    expect(doubtsOf(wire)).toEqual([]);
    const [told] = differences(wire.parts[0]?.rows ?? [], wire.parts[0]?.findings ?? [], CONTEXT);
    expect(told?.look).toMatch(/^what the router does with the route/);
  });

  test('a router that has a path of a node which speaks with it, and is to tell another one, has a phantom', () => {
    const leaked = () => dials(journalOf(RACKS, ['n1', 'n2'], ['n2', 'n3']), 1_000, { n1: 3, n2: 3, n3: 3 });
    const wire = wireOf(session(leaked(), 'r2', 'n2'), {}, withAddresses(routers));
    expect(wire.parts[0]?.findings).toEqual([{ kind: 'phantom', node: 'n2', by: 'router', router: 'r2' }]);
    const [told] = differences(wire.parts[0]?.rows ?? [], wire.parts[0]?.findings ?? [], CONTEXT);
    expect(told?.what).toMatch(/^n2 should advertise web to b1 alone, and r2 has a path by it\./);
    expect(told?.look).toMatch(/^the speaker on n2/);
  });

  test('a path that a router was told by another router is no phantom; whether it was is in doubt where nobody tells of sessions', () => {
    const leaked = () => dials(journalOf(RACKS, ['n1', 'n2'], ['n2', 'n3']), 1_000, { n1: 3, n2: 3, n3: 3 });
    const reflected = wireOf(session(leaked(), 'r2', null), {}, withAddresses(routers));
    expect(reflected.parts).toMatchObject([{ findings: [], doubts: [] }]);
    const untold = wireOf(leaked(), {}, withAddresses(routers));
    expect(kinds(untold)).toEqual([]);
    expect(doubtsOf(untold)).toEqual(['r2 has a path by n2, which is not to announce to it, and nobody says whether they have a session']);
  });

  test('a path at a router that may have one more address than the environment says is a doubt', () => {
    const asked = { ...RACKS, n2: ['r3'] };
    const wire = wireOf(session(journalOf(asked, ['n1'], ['n2', 'n3']), 'r2', 'n2'), {}, withAddresses(routers));
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toContain('r2 has a path by n2, and whether BGPPeer b3 is r2 the environment does not say');
  });

  test('a node of a rack whose router nobody reads is judged by flows alone, and none of them is a doubt', () => {
    const journal = () => tells(aJournal({ routers: ['r1'] }), 100, RACKS).set(100, ['n1', 'n2'], { router: 'r1' });
    const seen = wireOf(dials(journal(), 1_000, { n1: 3, n2: 3, n3: 3 }), {}, withAddresses(['r1']));
    expect(seen.parts).toMatchObject([{ findings: [], doubts: [] }]);
    const unseen = wireOf(dials(journal(), 1_000, { n1: 3, n2: 3 }), {}, withAddresses(['r1']));
    expect(kinds(unseen)).toEqual([]);
    expect(doubtsOf(unseen)).toEqual(['none of 66 new flows from v1 came in by n3, and not every node is to announce to the same routers']);
  });

  test('flows behind any of several routers prove what every node is to tell all of them', () => {
    const wire = wireOf(dials(journalOf(BOTH, ALL, ALL), 1_000, { n1: 4, n3: 4 }), {}, withAddresses(routers));
    expect(kinds(wire)).toEqual(['missing n2 flows']);
  });

  test('a change of whom a node tells takes its time, as any change of intent', () => {
    const journal = tells(journalOf(BOTH, ALL, ALL), 10_000, { ...BOTH, n2: ['r1'] });
    const { parts } = wireOf(journal.set(14_500, ['n1', 'n3'], { router: 'r2', settled: true }), {}, withAddresses(routers));
    expect(parts.map(({ fromT, untilT }) => [fromT, untilT])).toEqual([
      [100 + PROPAGATION_MS, 10_000],
      [10_000 + PROPAGATION_MS, END],
    ]);
    expect(parts.flatMap(({ findings }) => findings)).toEqual([]);
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
