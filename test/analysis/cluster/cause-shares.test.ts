import { expect, test } from 'vitest';
import { analyse } from '../../../src/analysis/analyse.ts';
import { aJournal } from '../../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];
const PODS = ['old-1@n1', 'old-2@n2', 'old-3@n3'];

test('a sentence gives causes for as many flows as it says broke: those that opened within the window are in its table only', () => {
  const of = (older: number) => {
    const journal = aJournal({ probes: ['tcp-hold'], policy: 'cluster' })
      .set(100, ALL)
      .endpoints(100, PODS);
    const flows = [
      ...journal.flows(older, { backend: 'old-3', backendNode: 'n3' }),
      ...journal.flows(4, { backend: 'old-3', backendNode: 'n3', openT: 3_000 }),
    ];
    for (const flow of flows) journal.breaks(flow, 6_010).maps(flow, 6_400, 'n1');
    const stray = journal.flow({ backend: 'old-1', openT: 3_000 });
    journal.breaks(stray, 9_000).maps(stray, 9_300, 'n1');
    return analyse(journal.endpoints(6_000, PODS.slice(0, 2)).end(20_000)).report;
  };
  const { summary, events } = of(2);
  expect(summary).toBe('Nothing was broken on purpose: 2 of 2 TCP flows broke in 19 s (n3 lost its last ready endpoint (old-3): 2).');
  expect(events[0]?.causes?.[0]?.evidence).toEqual({ 'its-pod': 6 });
  expect(of(0).summary).toBe('Nothing was broken on purpose: none of 0 TCP flows broke in 19 s.');
});
