// What monitors hear of their flows, counted by path, each event once.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JournalEvent } from '../../../src/core/journal.ts';
import { PATH_KEEP_MS } from '../../../src/service/metrics/path-labels.ts';
import { aJournal } from '../../support/a-journal.ts';
import { aMonitorStatus, aPathStatus, OF, someMetrics, valueIn } from '../../support/some-metrics.ts';

const PATH = { monitor: 'web-all-day', environment: 'three-nodes', vantage: 'v1', vip: 'web', protocol: 'tcp', path: 'n1' };
/** The events of probers and observers alone: those of a run are no monitor's. */
const eventsOf = (draft: ReturnType<typeof aJournal>): JournalEvent[] => draft.events.filter(({ from }) => from !== 'runner');

const outcomes = fc.record({ ok: fc.nat(50), late: fc.nat(5), lost: fc.nat(5), notSent: fc.nat(5), invalid: fc.nat(5) });
const someTallies = fc.array(fc.record({ path: fc.constantFrom('n1', 'n2', 'unknown'), counts: outcomes, fresh: fc.boolean() }), {
  maxLength: 20,
});

test('every exchange of every tally is counted once, by path and outcome, and fresh dials apart', async () => {
  await fc.assert(
    fc.asyncProperty(someTallies, async (tallies) => {
      await using bench = await someMetrics();
      const draft = aJournal();
      for (const [bin, { path, counts, fresh }] of tallies.entries()) draft.tally(bin, { path, ...counts, fresh });
      bench.metrics.onEvents(OF, eventsOf(draft), false);
      const text = await bench.metrics.text();
      for (const [name, isFresh] of [
        ['holdfast_exchanges_total', false],
        ['holdfast_fresh_dials_total', true],
      ] as const) {
        for (const path of ['n1', 'n2', 'unknown']) {
          const own = tallies.filter((tally) => tally.path === path && tally.fresh === isFresh);
          for (const [field, outcome] of Object.entries({
            ok: 'ok',
            late: 'late',
            lost: 'lost',
            notSent: 'not_sent',
            invalid: 'invalid',
          })) {
            const expected = own.reduce((sum, { counts }) => sum + counts[field as keyof typeof counts], 0);
            expect(valueIn(text, name, { ...PATH, path, outcome }) ?? 0).toBe(expected);
          }
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('latencies come as a histogram in seconds whose buckets add up', async () => {
  await using bench = await someMetrics();
  // Bucket 233 of a tally is 1.0 ms, 466 is 101 ms.
  const [tally] = eventsOf(aJournal().tally(0, { ok: 12 })).filter(({ type }) => type === 'tally');
  bench.metrics.onEvents(OF, [{ ...tally, rtt: { 233: 9, 466: 3 } } as JournalEvent], false);
  const text = await bench.metrics.text();
  const upTo = (le: string) => valueIn(text, 'holdfast_exchange_latency_seconds_bucket', { ...PATH, le });
  expect([upTo('0.0005'), upTo('0.0025'), upTo('0.1'), upTo('0.25'), upTo('+Inf')]).toEqual([0, 9, 9, 12, 12]);
  expect(valueIn(text, 'holdfast_exchange_latency_seconds_count', PATH)).toBe(12);
  expect(valueIn(text, 'holdfast_exchange_latency_seconds_sum', PATH)).toBeCloseTo(9 * 0.001 + 3 * 0.101, 2);
});

describe('breaks', () => {
  test('are counted on the path that the flow was on, by cause, and each path begins with 0', async () => {
    await using bench = await someMetrics();
    const draft = aJournal();
    const [one, two] = [draft.flow(), draft.flow({ ingress: 'n2' })];
    draft.tally(0, { ok: 1 }).changes(one, 3_000, 'n3').breaks(one, 4_000).breaks(two, 4_000, { breakCause: 'stalled' });
    bench.metrics.onEvents(OF, eventsOf(draft), false);
    const breaks = (path: string, cause: string) => bench.value('holdfast_flow_breaks_total', { ...PATH, path, cause });
    expect([await breaks('n1', 'reset'), await breaks('n3', 'reset'), await breaks('n2', 'stalled'), await breaks('n2', 'reset')]).toEqual([
      0, 1, 1, 0,
    ]);
  });

  test('of before a restart are not counted again, but their flows stay known', async () => {
    await using bench = await someMetrics();
    const draft = aJournal();
    const [gone, living] = [draft.flow(), draft.flow()];
    draft.breaks(gone, 2_000).tally(1, { ok: 4 });
    bench.metrics.onEvents(OF, eventsOf(draft), true);
    const after = aJournal();
    after.breaks(living, 3_000);
    bench.metrics.onEvents(OF, eventsOf(after).slice(1), false);
    expect(await bench.value('holdfast_flow_breaks_total', { ...PATH, cause: 'reset' })).toBe(1);
    expect(await bench.value('holdfast_exchanges_total', { ...PATH, outcome: 'ok' })).toBe(0);
  });

  test('of a flow that nobody saw open are on the path unknown', async () => {
    await using bench = await someMetrics();
    bench.metrics.onEvents(OF, eventsOf(aJournal().breaks('v1/77', 3_000)), false);
    expect(await bench.value('holdfast_flow_breaks_total', { vantage: 'v1', path: 'unknown', cause: 'reset' })).toBe(1);
  });
});

describe('flows whose source address was lost', () => {
  const lost = (bench: Awaited<ReturnType<typeof someMetrics>>, path = 'n1') => bench.value('holdfast_source_ip_lost_flows', { path });
  const monitors = () => [aMonitorStatus()];

  test('are those that live now, and a flow that moves takes its own with it', async () => {
    await using bench = await someMetrics({ monitors });
    const draft = aJournal();
    const [first] = [draft.flow({ observedSource: '10.77.0.11' }), draft.flow({ observedSource: '10.77.0.11' }), draft.flow()];
    bench.metrics.onEvents(OF, eventsOf(draft), false);
    expect(await lost(bench)).toBe(2);
    bench.metrics.onEvents(OF, eventsOf(aJournal().changes(first, 4_000, 'n2')).slice(1), false);
    expect([await lost(bench), await lost(bench, 'n2')]).toEqual([1, 0]);
  });

  test('do not outlive their prober or their session', async () => {
    await using bench = await someMetrics({ monitors });
    const draft = aJournal();
    draft.flow({ observedSource: '10.77.0.11' });
    bench.metrics.onEvents(OF, eventsOf(draft), false);
    bench.metrics.onEvents(OF, eventsOf(aJournal()), false); // its first event has seq 0: another life of the prober
    expect(await lost(bench)).toBe(null);
    bench.metrics.onEvents(OF, eventsOf(draft), false);
    bench.metrics.onEvents({ ...OF, session: 's2' }, [], false);
    expect(await lost(bench)).toBe(null);
  });
});

describe('labels stay few', () => {
  test('beyond the cap paths are counted as other, nothing is lost, and that is told', async () => {
    await using bench = await someMetrics({ pathCap: 2 });
    const draft = aJournal();
    for (const path of ['n1', 'n2', 'evil-1', 'evil-2', 'n1']) draft.tally(0, { path, ok: 10 });
    bench.metrics.onEvents(OF, eventsOf(draft), false);
    const ok = (path: string) => bench.value('holdfast_exchanges_total', { path, outcome: 'ok' });
    expect([await ok('n1'), await ok('n2'), await ok('other'), await ok('evil-1')]).toEqual([20, 10, 20, null]);
    expect(await bench.value('holdfast_path_labels_overflow_total', { monitor: OF.monitor })).toBe(2);
  });

  test('a path that is gone leaves after an hour, one that a monitor still shows does not', async () => {
    await using bench = await someMetrics({ monitors: () => [aMonitorStatus({ paths: [aPathStatus({ ingress: 'n2', flows: 0 })] })] });
    bench.metrics.onEvents(OF, eventsOf(aJournal().tally(0, { path: 'n1', ok: 1 }).tally(0, { path: 'n2', ok: 1 })), false);
    const ok = (path: string) => bench.value('holdfast_exchanges_total', { path, outcome: 'ok' });
    bench.clock.now += PATH_KEEP_MS / 2;
    expect([await ok('n1'), await ok('n2')]).toEqual([1, 1]);
    bench.clock.now += PATH_KEEP_MS / 2 + 1;
    await bench.metrics.text();
    expect([await ok('n1'), await ok('n2')]).toEqual([null, 1]);
    expect(await bench.metrics.text()).not.toContain('path="n1"');
  });
});

test('an agent that sends nonsense makes no counter fall and no text unreadable', async () => {
  await using bench = await someMetrics();
  const tallies = eventsOf(aJournal().tally(0, { ok: 3 })).filter(({ type }) => type === 'tally');
  const [tally] = tallies;
  const hostile = { ...tally, path: 'n1"}\n# "\\', ok: -5, lost: 2, rtt: { x: 3, 233: -1, 1e9: 4, 0: 0.5 } } as unknown as JournalEvent;
  bench.metrics.onEvents(OF, [...tallies, hostile], false);
  const text = await bench.metrics.text();
  expect(valueIn(text, 'holdfast_exchanges_total', { ...PATH, outcome: 'ok' })).toBe(3);
  expect(text).toContain('path="n1\\"}\\n# \\"\\\\"');
  expect(text).not.toMatch(/NaN|Inf$/m);
});

test('the time of an ill prober and a blind observer are told', async () => {
  await using bench = await someMetrics();
  const draft = aJournal();
  draft.add(5_000, 'prober.ill', { vantage: 'v1', fromT: 4_000, untilT: 5_500, why: 'stalled' }, 'prober:v1');
  draft.add(5_000, 'observer.blind', { observer: 'routes', reason: 'ip: no such device' }, 'observer:tor');
  bench.metrics.onEvents(OF, eventsOf(draft), false);
  expect(await bench.value('holdfast_prober_ill_seconds_total', { vantage: 'v1' })).toBe(1.5);
  expect(await bench.value('holdfast_observer_blind_total', { observer: 'routes' })).toBe(1);
});
