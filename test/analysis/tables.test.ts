import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { aJournal } from '../support/a-journal.ts';

const ALL = ['n1', 'n2', 'n3'];

test('source-IP: preserved, rewritten by a node, rewritten by somebody else; a flow that moved counts on both of its paths', () => {
  const journal = aJournal({ policy: 'cluster' }).set(100, ALL);
  journal.flows(3, { ingress: 'n1', observedSource: '10.77.0.11' });
  journal.flow({ ingress: null, observedSource: '192.0.2.9' });
  const moved = journal.flow({ ingress: null, protocol: 'udp' });
  journal.of(moved, 3_000, 'flow.changed', { ingress: 'n2', backend: 'b', backendNode: 'n1', boot: 'x', observedSource: '10.77.0.12' });
  journal.of(moved, 4_000, 'flow.changed', { ingress: null, backend: 'b', backendNode: 'n1', boot: 'x', observedSource: '10.77.1.2' });
  const common = { vantage: 'v1', vip: 'web', policy: 'cluster', family: 4 };
  expect(analyse(journal.end(20_000)).report.sourceIp).toEqual([
    { ...common, ingress: 'n1', verdict: 'node-snat', rewrittenBy: 'n1', flows: 3 },
    { ...common, ingress: 'n2', verdict: 'node-snat', rewrittenBy: 'n2', flows: 1 },
    { ...common, ingress: 'unknown', verdict: 'other-snat', rewrittenBy: null, flows: 1 },
    { ...common, ingress: 'unknown', verdict: 'preserved', rewrittenBy: null, flows: 1 },
  ]);
});

test('paths: tallies sum per path and phase, fresh dials stand outside, and what nothing was judged on is not called good', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000);
  journal.tally(2, { path: 'n1', ok: 90, late: 4, lost: 6 }).tally(3, { path: 'n1', ok: 100, notSent: 3, invalid: 2 });
  journal.tally(3, { path: 'n1', protocol: 'udp', ok: 50 }).tally(3, { path: 'n1', lost: 50, fresh: true });
  journal.tally(7, { path: 'n2', invalid: 10 }).tally(7, { path: 'n1', ok: 10 });
  const { paths } = analyse(journal.end(34_000)).report;
  expect(paths.map(({ phase, ingress, tally }) => [phase, ingress, tally])).toEqual([
    ['baseline', 'n1', { scheduled: 255, ok: 240, late: 4, lost: 6, notSent: 3, invalid: 2 }],
    ['fault', 'n1', { scheduled: 10, ok: 10, late: 0, lost: 0, notSent: 0, invalid: 0 }],
    ['fault', 'n2', { scheduled: 10, ok: 0, late: 0, lost: 0, notSent: 0, invalid: 10 }],
  ]);
  expect(paths[0]?.availability.value).toBeCloseTo(0.96);
  expect(paths[1]?.availability).toMatchObject({ value: 1, high: 1 });
  expect(paths[1]?.availability.low).toBeLessThan(0.8);
  expect(paths[2]?.availability).toEqual({ value: 0, low: 0, high: 1 });
});

test('health: seconds that were invalid, and reasons without their figures', () => {
  const journal = aJournal({ vantages: ['v1', 'v2'] });
  journal.tally(2, { ok: 1 }).tally(3, { invalid: 1 }).tally(3, { protocol: 'udp', invalid: 1 });
  for (const ms of [114, 230])
    journal.add(3_500, 'prober.ill', { vantage: 'v1', fromT: 3_000, untilT: 3_000 + ms, why: `stood still for ${String(ms)} ms` });
  expect(analyse(journal.end(20_000)).report.health).toEqual([
    { vantage: 'v1', invalidBins: 1, bins: 2, reasons: { 'stood still for N ms': 2 }, clockErrMs: 0 },
    { vantage: 'v2', invalidBins: 0, bins: 0, reasons: {}, clockErrMs: 0 },
  ]);
});

test('interruptions stand in the window of their onset, replacements and recoveries ending them', () => {
  const journal = aJournal().set(100, ALL).fault(6_000, 14_000);
  const tcp = journal.flow({ ingress: 'n2' });
  journal.breaks(tcp, 6_100, { lastOkT: 5_900 });
  journal.flow({ ingress: 'n1', openT: 6_400, replaces: tcp });
  const udp = journal.flow({ ingress: 'n2', protocol: 'udp' });
  journal
    .breaks(udp, 6_300, { lastOkT: 5_800 })
    .recovers(udp, 13_300, 'n1')
    .of(udp, 15_600, 'flow.quiet', { fromT: 14_000, untilT: 15_600 });
  const row = { vantage: 'v1', vip: 'web' };
  expect(analyse(journal.end(34_000)).report.interruptions).toEqual([
    { event: 1, ...row, protocol: 'tcp', p50Ms: 500, p99Ms: 500, maxMs: 500, n: 1 },
    { event: 1, ...row, protocol: 'udp', p50Ms: 7_500, p99Ms: 7_500, maxMs: 7_500, n: 1 },
    { event: 2, ...row, protocol: 'udp', p50Ms: 1_600, p99Ms: 1_600, maxMs: 1_600, n: 1 },
  ]);
});

test('the timeline counts flows on each path at the end of each step, and what happened when', () => {
  const journal = aJournal({ probes: ['tcp-hold'] })
    .set(100, ALL)
    .fault(4_000, 6_000)
    .set(4_100, ['n1', 'n3']);
  const flow = journal.flow({ ingress: 'n2' });
  journal.breaks(flow, 4_200);
  journal.flow({ ingress: 'n1', openT: 5_300, replaces: flow });
  journal.tally(4, { path: 'n2', ok: 3, lost: 2 }).add(5_000, 'run.note', { note: 'a word' });
  const { timeline } = analyse(journal.end(9_500)).report;
  const steps = (...runs: [count: number, steps: number][]) => runs.flatMap(([count, length]) => Array.from({ length }, () => count));
  expect(timeline).toMatchObject({ bins: 10, stepMs: 100 });
  expect(timeline.flows).toEqual([
    { vip: 'web', protocol: 'tcp', ingress: 'n1', flows: steps([0, 53], [1, 47]) },
    { vip: 'web', protocol: 'tcp', ingress: 'n2', flows: steps([0, 5], [1, 37], [0, 58]) },
  ]);
  expect(timeline.breaks).toEqual([{ vip: 'web', cause: 'reset', breaks: steps([0, 42], [1, 1], [0, 57]) }]);
  expect(timeline.exchanges[0]?.lost[4]).toBe(2);
  expect(timeline.nextHops.map(({ t, nodes }) => [t, nodes.join()])).toEqual([
    [100, 'n1,n2,n3'],
    [4_100, 'n1,n3'],
  ]);
  expect(timeline.marks.map(({ t, kind }) => [t, kind])).toEqual([
    [4_050, 'fault'],
    [5_000, 'note'],
    [6_000, 'fault'],
    [6_050, 'fault'],
  ]);
});

test('VIPs that hold no flow are nobody’s question', () => {
  const journal = aJournal().set(100, ALL);
  const idle = { observer: 'routes', router: 'tor', prefix: '10.77.200.99/32', nextHops: [], settled: true };
  journal.add(200, 'next-hops', idle, 'observer:tor');
  journal.flow();
  const { report } = analyse(journal.end(20_000));
  expect(report.events[0]?.nextHops.map((row) => row.vip)).toEqual(['web']);
});

test('several routers that disagree leave the set unknown; where they agree it is known', () => {
  const journal = aJournal().set(100, ALL).set(110, ALL, { router: 'tor2' }).fault(6_000, 14_000);
  const flow = journal.flow({ ingress: 'n1' });
  journal.set(6_100, ['n1', 'n3']).set(15_000, ALL);
  const lines = [...analyse(journal.end(34_000)).flows].filter((line) => line.flowId === flow);
  expect(lines.map(({ outcome, router }) => [outcome, router])).toEqual([
    ['unmoved', null],
    ['unknown', null],
    ['unmoved', null],
  ]);
});
