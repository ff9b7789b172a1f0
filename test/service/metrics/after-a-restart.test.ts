// Metrics and monitors together over a restart of the service: breaks stand on their path, and nothing is counted twice.
import { expect, test } from 'vitest';
import type { JournalEvent } from '../../../src/core/journal.ts';
import { aJournal, type JournalDraft } from '../../support/a-journal.ts';
import { someMetrics } from '../../support/some-metrics.ts';
import { Bench } from '../monitors/support/a-bench.ts';

const ofProber = (draft: JournalDraft): JournalEvent[] => draft.events.filter(({ from }) => from === 'prober:v1');

test('a flow that is older than the segment keeps its path and its source over a restart', async () => {
  await using first = await someMetrics();
  await using bench = await Bench.open({ onEvents: first.metrics.onEvents });
  bench.clock.step(30_000);
  const draft = aJournal();
  const [flow] = [draft.flow({ ingress: 'n2' }), draft.flow({ ingress: 'n3', observedSource: '10.77.0.13' })];
  draft.tally(1, { path: 'n2', ok: 4 });
  await bench.send('a1', { events: ofProber(draft) });
  // An hour later its opening is in no segment that is read again.
  bench.clock.step(3_600_000);
  await bench.pass(1);

  await using second = await someMetrics({ monitors: () => bench.monitors.status() });
  await bench.restart({ onEvents: second.metrics.onEvents });
  const told = draft.events.length;
  draft.breaks(flow, 3_630_500);
  const { nextSeq } = await bench.send('a1', { events: [] });
  await bench.send('a1', { events: draft.events.slice(told), firstSeq: nextSeq });
  expect(await second.value('holdfast_flow_breaks_total', { path: 'n2', cause: 'reset' })).toBe(1);
  expect(await second.value('holdfast_source_ip_lost_flows', { path: 'n3' })).toBe(1);
  expect(await second.value('holdfast_exchanges_total', { path: 'n2', outcome: 'ok' })).toBe(0);
});
