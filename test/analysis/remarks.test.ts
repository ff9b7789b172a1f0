import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { aJournal, vipAddress } from '../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];

test('how many flows a rehash moved is said of the flows whose set lost the target and whose fate is known', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vips: ['web', 'web-cluster'] })
    .set(100, ALL)
    .set(100, ALL, { address: vipAddress(1) })
    .fault(6_000, 14_000, { target: 'n3', kind: 'node-drain', headline: 'n3 was drained' });
  for (let bin = 1; bin < 34; bin += 1) journal.tally(bin, { ok: 8, fresh: true });
  journal.set(6_300, ['n1', 'n2']).set(14_500, ALL);
  for (const flow of journal.flows(20, { ingress: 'n3' })) journal.breaks(flow, 6_050).maps(flow, 6_350, 'n1');
  const others = journal.flows(40, { ingress: 'n2' });
  for (const flow of others.slice(0, 8)) journal.breaks(flow, 6_400).maps(flow, 6_700, 'n1');
  // Broken, and nobody knows where it went.
  for (const flow of others.slice(8, 16)) journal.breaks(flow, 6_400).maps(flow, 6_700, null);
  journal.flows(60, { vip: 'web-cluster', ingress: 'n2' });
  expect(analyse(journal.end(34_000)).report.remarks.join('\n')).toContain(
    'of 32 flows on the others 8 were rehashed (25%; RFC 2992 predicts 25%), and 8 of them broke',
  );
});

test('how many a rehash moved and broke is said of the sets that lost the target for the window, not of one that had it back', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vips: ['web', 'web2'] })
    .set(100, ALL)
    .set(100, ALL, { address: vipAddress(1) })
    .fault(6_000, 24_000, { target: 'n3', kind: 'advertisement-deselect' });
  for (let bin = 1; bin < 44; bin += 1) journal.tally(bin, { ok: 8, fresh: true });
  journal.set(6_300, ['n1', 'n2']).set(24_500, ALL);
  journal.set(6_300, ['n1', 'n2'], { address: vipAddress(1) }).set(12_000, ALL, { address: vipAddress(1) });
  for (const flow of journal.flows(20, { ingress: 'n2' }).slice(0, 5)) journal.breaks(flow, 6_400).maps(flow, 6_700, 'n1');
  for (const flow of journal.flows(60, { vip: 'web2', ingress: 'n2' }).slice(0, 30)) journal.breaks(flow, 6_400).maps(flow, 6_700, 'n1');
  const remarks = analyse(journal.end(44_000)).report.remarks.join('\n');
  expect(remarks).toContain('of 20 flows on the others 5 were rehashed (25%; RFC 2992 predicts 25%), and 5 of them broke');
  expect(remarks).toContain('would have spared the 35 flows broken elsewhere');
});

test('flows that could not be mapped are told, whatever an ill prober leaves in doubt where the set was unknown', () => {
  const journal = aJournal({ probes: ['tcp-hold'], vips: ['web', 'web2'] })
    .set(100, ALL)
    .set(100, ALL, { address: vipAddress(1) });
  for (const flow of journal.flows(5, { ingress: 'n2' })) journal.breaks(flow, 6_400).maps(flow, 6_700, null);
  for (const flow of journal.flows(10, { ingress: 'n2', vip: 'web2' })) journal.breaks(flow, 10_000, { breakCause: 'stalled' });
  journal.add(10_500, 'prober.ill', { vantage: 'v1', fromT: 9_500, untilT: 10_500, why: 'stood still' });
  journal.set(33_000, ['n1', 'n2'], { address: vipAddress(1) });
  expect(analyse(journal.end(34_000)).report.remarks.join('\n')).toContain(
    'The outcome of 15 flows is unknown: the settled next-hop set was not known at the end of window 0; 5 broke and could not be mapped; ' +
      'the prober was ill when 10 seemed to break.',
  );
});
