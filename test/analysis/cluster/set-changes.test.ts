import { expect, test } from 'vitest';
import { analyse } from '../../../src/analysis/analyse.ts';
import { aJournal, type JournalDraft } from '../../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];
const PODS = ['old-1@n1', 'old-2@n2', 'old-3@n3'];

const METALLB = { kind: 'IPAddressPool', object: 'metallb-system/spare', change: 'changed', what: 'is new: 10.99.0.0/24' };

function rowsWithEffect(journal: JournalDraft, endT = 20_000): string[] {
  const rows = analyse(journal.end(endT)).report.events.flatMap(({ causes = [] }) => causes);
  return rows.filter(({ effect, kind }) => effect !== null || kind === 'next-hops').map(({ what }) => what);
}

test('an object of MetalLB explains a move only where the intent for that node turned with it', () => {
  const of = (intents: (journal: JournalDraft) => unknown) => {
    const journal = aJournal().set(100, ALL).endpoints(100, PODS);
    intents(journal);
    journal.cluster(6_000, 'cluster.metallb', METALLB).flow({ ingress: 'n1' });
    return rowsWithEffect(journal.set(13_000, ['n1', 'n2']));
  };
  const intent = (journal: JournalDraft, t: number, reason: string | null) =>
    journal.cluster(t, 'cluster.intent', { vip: 'web', nodes: [{ node: 'n3', advertises: reason === null, reason }] });
  const unexplained = ['n3 left the next-hop set of web, and nothing that was seen tells why'];
  expect(of(() => null)).toEqual(unexplained);
  expect(of((journal) => intent(journal, 100, null))).toEqual(unexplained);
  expect(of((journal) => intent(intent(journal, 100, null), 5_000, 'notOwner'))).toEqual(unexplained);
  expect(of((journal) => intent(intent(journal, 100, null), 6_000, 'notOwner'))).toEqual(['IPAddressPool spare: is new: 10.99.0.0/24']);
});

test('a BGPPeer explains a move only where a session of that node ended with it, and a fault in force there goes before it', () => {
  const of = (node: string | null, fault = false) => {
    const journal = aJournal().set(100, ALL).endpoints(100, PODS);
    journal.cluster(6_000, 'cluster.metallb', { ...METALLB, kind: 'BGPPeer', object: 'metallb-system/tor', what: 'holdTime is now 3 s' });
    if (node !== null)
      journal.add(6_500, 'bgp-session', { observer: 'bgp', router: 'tor', peer: node, node, state: 'Idle', reason: '' }, 'observer:tor');
    if (fault) journal.fault(5_900, 15_000, { target: 'n3', headline: 'n3 lost its BGP session' });
    journal.flow({ ingress: 'n1' });
    return rowsWithEffect(journal.set(6_600, ['n1', 'n2']));
  };
  const unexplained = ['n3 left the next-hop set of web, and nothing that was seen tells why'];
  expect(of(null)).toEqual(unexplained);
  expect(of('n2')).toEqual(unexplained);
  expect(of('n3')).toEqual(['BGPPeer tor: holdTime is now 3 s']);
  expect(of('n3', true)).toEqual(['n3 lost its BGP session']);
});

test('a speaker’s end explains no later move once its node came back', () => {
  const journal = aJournal().set(100, ALL).endpoints(100, PODS);
  const speaker = { node: 'n3', pod: 'metallb-system/speaker-a', exists: true, ready: true, terminating: false };
  journal.cluster(100, 'cluster.speaker', speaker).cluster(6_000, 'cluster.speaker', { ...speaker, terminating: true });
  journal.set(6_100, ['n1', 'n2']).set(7_000, ALL).set(12_000, ['n1', 'n2']).flow({ ingress: 'n1' });
  expect(rowsWithEffect(journal)).toEqual([
    'the speaker on n3 was told to end (speaker-a)',
    'n3 joined the next-hop set of web, and nothing that was seen tells why',
    'n3 left the next-hop set of web, and nothing that was seen tells why',
  ]);
});

test('a revert explains the return of its target, and no later one', () => {
  const of = (sets: (journal: JournalDraft) => JournalDraft) => {
    const journal = aJournal().set(100, ALL).endpoints(100, PODS).fault(6_000, 10_000).set(6_300, ['n1', 'n3']);
    journal.flow({ ingress: 'n1' });
    return rowsWithEffect(sets(journal), 90_000).filter((what) => !what.includes(' left '));
  };
  expect(of((journal) => journal.set(11_000, ALL).set(14_000, ['n1', 'n3']).set(15_000, ALL))).toEqual([
    'bgp-session-down on n2',
    'bgp-session-down on n2 is reverted',
    'n2 joined the next-hop set of web, and nothing that was seen tells why',
  ]);
  expect(of((journal) => journal.set(70_000, ALL))).toEqual([
    'bgp-session-down on n2',
    'n2 joined the next-hop set of web, and nothing that was seen tells why',
  ]);
});
