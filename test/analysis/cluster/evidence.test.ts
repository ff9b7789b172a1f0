import { expect, test } from 'vitest';
import { analyse } from '../../../src/analysis/analyse.ts';
import type { Report } from '../../../src/core/report-format.ts';
import { aJournal, type JournalDraft } from '../../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];
const PODS = ['old-1@n1', 'old-2@n2', 'old-3@n3'];

function reportOf(journal: JournalDraft, endT = 20_000): Report {
  return analyse(journal.end(endT)).report;
}

test('a pod that served on while a set changed broke its flow, not the rehash long before; nor did that break one that was answered since', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS)
    .clusterNode(100, 'n2')
    .endpoints(5_000, ['old-1@n1', 'old-2@n2', '~old-3@n3'])
    .clusterNode(9_900, 'n2', { excluded: true })
    .set(10_000, ['n1', 'n3'])
    .endpoints(11_000, ['old-1@n1', 'old-2@n2', '-old-3@n3'])
    .endpoints(11_200, PODS.slice(0, 2));
  const [ended, outlived, rehashed] = [
    journal.flow({ ingress: 'n3', backend: 'old-3' }),
    journal.flow({ ingress: 'n3', backend: 'unheard-of' }),
    journal.flow({ ingress: 'n3', backend: 'unheard-of' }),
  ];
  journal.breaks(ended, 11_050, { lastOkT: 10_100 }).breaks(outlived, 11_050, { lastOkT: 10_900 });
  journal.breaks(rehashed, 10_300, { lastOkT: 9_900 });
  for (const flow of [ended, outlived, rehashed]) journal.maps(flow, 11_900, 'n1');
  const [window] = reportOf(journal).events;
  expect(window?.causes?.filter(({ broken }) => broken[0]?.share.count)).toMatchObject([
    { pod: 'old-3', evidence: { 'its-pod': 1 } },
    { node: 'n2', evidence: { rehashed: 1 } },
  ]);
  expect(window?.unexplained).toMatchObject([{ share: { count: 1, n: 3 }, why: 'no-cause-seen' }]);
});

test('a break while the router’s observer was blind is unseen, not one that nothing explains', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS)
    .add(5_000, 'observer.blind', { observer: 'routes', reason: 'vtysh does not answer' }, 'observer:tor');
  const [blind, seen] = [journal.flow({ backend: 'old-1' }), journal.flow({ backend: 'old-1' })];
  journal.breaks(blind, 6_000).maps(blind, 6_400, 'n1').set(8_000, ALL).breaks(seen, 9_000).maps(seen, 9_400, 'n1');
  expect(reportOf(journal).events[0]?.unexplained).toMatchObject([
    { share: { count: 1 }, why: 'no-cause-seen' },
    { share: { count: 1 }, why: 'unseen' },
  ]);
});

test('a node that became NotReady explains what fell silent on it before, and no reset: a dead node sends none', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS)
    .clusterNode(100, 'n3');
  const [silent = '', reset = ''] = journal.flows(2, { ingress: 'n3', backend: 'old-3', backendNode: 'n3' });
  journal.breaks(silent, 6_000, { breakCause: 'stalled' }).breaks(reset, 6_000).clusterNode(50_000, 'n3', { ready: 'Unknown' });
  const [window] = reportOf(journal, 60_000).events;
  expect(window?.causes).toMatchObject([{ what: 'n3 became NotReady', evidence: { 'on-node': 1 } }]);
  expect(window?.unexplained).toMatchObject([{ share: { count: 1, n: 2 }, why: 'no-cause-seen' }]);
});

test('where a 5-tuple goes once the set has changed again says nothing of the change before: neither that it moved, nor that it stayed', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS)
    .set(6_000, ['n1', 'n2'])
    .set(6_700, ALL);
  const [moved, stayed, seen] = journal.flows(3, { ingress: 'n1', backend: 'unheard-of' });
  for (const flow of [moved, stayed, seen]) journal.breaks(flow ?? '', 6_050);
  journal
    .maps(seen ?? '', 6_350, 'n2')
    .maps(moved ?? '', 9_000, 'n2')
    .maps(stayed ?? '', 9_000, 'n1');
  const [window] = reportOf(journal).events;
  expect(window?.causes?.flatMap(({ evidence }) => evidence.rehashed ?? [])).toEqual([1]);
  expect(window?.unexplained).toMatchObject([{ share: { count: 2, n: 3 }, why: 'unmapped' }]);
});

test('a cause of the window before is told with what became of the set by it', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .endpoints(100, PODS)
    .clusterNode(100, 'n2')
    .clusterNode(5_900, 'n2', { excluded: true })
    .set(5_950, ['n1', 'n3'])
    .fault(6_000, 12_000, { target: 'web', told: { aimedAt: 'vip' } });
  const flow = journal.flow({ ingress: 'n2', backend: 'old-2' });
  journal.breaks(flow, 6_100).maps(flow, 6_400, 'n1');
  expect(reportOf(journal).events[1]?.causes?.find(({ evidence }) => evidence['left-hop'] === 1)).toMatchObject({
    what: 'n2 was excluded from load balancers',
    effect: 'n2 left the next-hop set of web 50 ms later',
  });
});

test('a set that one vantage’s flows show explains no break of another’s', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vantages: ['v1', 'v2'] }).endpoints(100, PODS);
  for (let bin = 0; bin < 18; bin += 1) {
    for (const path of bin < 6 ? ALL : ['n1', 'n2']) journal.tally(bin, { path, ok: 8, fresh: true });
    for (const path of ALL) journal.tally(bin, { vantage: 'v2', path, ok: 8, fresh: true });
  }
  const flow = journal.flow({ vantage: 'v1', ingress: 'n3', backend: 'old-1' });
  journal.breaks(flow, 6_900).maps(flow, 7_300, 'n1');
  const other = journal.flow({ vantage: 'v2', ingress: 'n3', backend: 'old-1' });
  journal.breaks(other, 6_900).maps(other, 7_300, 'n3');
  const [window] = reportOf(journal).events;
  expect(window?.causes).toMatchObject([{ kind: 'next-hops', evidence: { 'left-hop': 1 } }]);
  expect(window?.unexplained).toMatchObject([{ share: { count: 1, n: 2 }, why: 'no-cause-seen' }]);
});

test('a pod that ends on a node cordoned long ago is no drain, unless a fault drains the node', () => {
  const of = (fault: boolean) => {
    const journal = aJournal({ policy: 'cluster' })
      .set(100, ALL)
      .endpoints(100, [...PODS, 'old-4@n3', 'old-5@n2'])
      .clusterNode(100, 'n3')
      .clusterNode(2_000, 'n3', { unschedulable: true });
    if (fault) journal.fault(1_900, 30_000, { kind: 'node-drain', target: 'n3' });
    journal
      .endpoints(15_000, [...PODS, 'old-5@n2'])
      .endpoints(16_000, [...PODS.slice(0, 2), 'old-5@n2'])
      .flow({ ingress: 'n1' });
    const causes = reportOf(journal).events.flatMap((window) => window.causes ?? []);
    return causes.filter(({ kind }) => kind === 'pod').map(({ what }) => what);
  };
  expect(of(false)).toEqual([
    'the pod old-4 on n3, which is cordoned, ended',
    'n3, which is cordoned, lost its last ready endpoint (old-3)',
  ]);
  expect(of(true)).toEqual(['drain of n3: the pod old-4 on n3 ended', 'drain of n3: n3 lost its last ready endpoint (old-3)']);
});

test('a window that one vantage’s set opens does not begin with a break of another’s', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vantages: ['v1', 'v2'] });
  for (let bin = 0; bin < 58; bin += 1) {
    for (const path of bin < 45 ? ALL : ['n1', 'n2']) journal.tally(bin, { path, ok: 8, fresh: true });
    for (const path of ALL) journal.tally(bin, { vantage: 'v2', path, ok: 8, fresh: true });
  }
  journal.breaks(journal.flow({ vantage: 'v2', ingress: 'n3' }), 30_000);
  expect(reportOf(journal, 60_000).events.map(({ fromT }) => fromT)).toEqual([1_000, 45_000]);
});
