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
