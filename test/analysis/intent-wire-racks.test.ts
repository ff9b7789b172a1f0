// Intent against wire where several routers are read: what each of them should have.
import { describe, expect, test } from 'vitest';
import { PROPAGATION_MS } from '../../src/analysis/motions.ts';
import { differences } from '../../src/analysis/intent-wire-words.ts';
import type { Environment } from '../../src/core/environment.ts';
import { aJournal, type JournalDraft } from '../support/a-journal.ts';
import { ALL, CONTEXT, dials, doubtsOf, END, intends, kinds, wireOf } from '../support/intent-wire.ts';

/** What the cluster intends from `t` on, with the routers that each node is to tell: `b1` is the BGPPeer at the address of the router `r1`. */
function tells(journal: JournalDraft, t: number, routersOf: Record<string, readonly string[]>): JournalDraft {
  const peer = (router: string) => ({ name: router.replace('r', 'b'), address: ADDRESS_OF_ROUTER[router] ?? null });
  const nodes = ALL.map((node) => {
    const peers = (routersOf[node] ?? []).map(peer);
    return { node, advertises: peers.length > 0, reason: peers.length > 0 ? null : 'noPeer', peers };
  });
  return journal.cluster(t, 'cluster.intent', { vip: 'web', nodes });
}
const ADDRESS_OF_ROUTER: Record<string, string> = { r1: '10.1.0.1', r2: '10.2.0.1', r3: '10.3.0.1' };
/** An environment whose file says the addresses of its routers. */
const withAddresses = (routers: readonly string[]): Partial<Environment> => ({
  routers: routers.map((name) => ({ name, netns: null, driver: 'frr', vtysh: [], addresses: [ADDRESS_OF_ROUTER[name] ?? ''] })),
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

  test('a node that is to tell another peer than those of the router that is read may be in a router that nobody reads', () => {
    const journal = () => tells(aJournal({ routers: ['r1'] }), 100, { n1: ['r1'], n2: ['r1'], n3: ['r2'] });
    const wire = wireOf(dials(journal().set(100, ['n1', 'n2'], { router: 'r1' }), 1_000, { n1: 3, n2: 3, n3: 3 }));
    expect(kinds(wire)).toEqual([]);
    expect(doubtsOf(wire)).toEqual(['r1 has no path by n3, and nobody says which routers should']);
    const alike = tells(aJournal({ routers: ['r1'] }), 100, { n1: ['r1'], n2: ['r1'], n3: ['r1'] });
    expect(kinds(wireOf(alike.set(100, ['n1', 'n2'], { router: 'r1' })))).toEqual(['missing n3 router']);
  });

  test('a peer of one node alone puts no other node’s path in doubt, once a router is known to be the peer that all share', () => {
    const journal = () => tells(aJournal({ routers: ['r1'] }), 100, { n1: ['r1'], n2: ['r1'], n3: ['r1', 'r2'] });
    const wire = wireOf(dials(journal().set(100, ['n1', 'n3'], { router: 'r1' }), 1_000, { n1: 4, n3: 4 }));
    expect(kinds(wire)).toEqual(['missing n2 router']);
    expect(doubtsOf(wire)).toEqual([]);
    // It may be the other one, which n1 and n2 need not tell.
    const other = wireOf(journal().set(100, ['n3'], { router: 'r1' }));
    expect(kinds(other)).toEqual([]);
    expect(doubtsOf(other)).toContain('r1 has no path by n2, and nobody says which routers should');
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
  const session = (journal: JournalDraft, router: string, node: string | null, state = 'Established') =>
    journal.add(100, 'bgp-session', { observer: 'bgp', router, peer: '10.77.0.9', node, state, reason: '' });

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
    // Every router has all nodes as neighbours by one template, and speaks with those of its rack.
    const configured = wireOf(session(leaked(), 'r2', 'n2', 'Active'), {}, withAddresses(routers));
    expect(configured.parts).toMatchObject([{ findings: [], doubts: [] }]);
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

  test('a router that has the paths by others that the environment names lacks none, and names no stranger', () => {
    const journal = journalOf(RACKS, ['n1', 'n2'], ['n3']).set(100, ['10.1.0.1', '10.2.0.1'], { router: 'r3' });
    const wire = wireOf(dials(journal, 1_000, { n1: 3, n2: 3, n3: 3 }), {}, withAddresses(['r1', 'r2', 'r3']));
    expect(wire.parts).toMatchObject([{ findings: [], doubts: [] }]);
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
