import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { disruptedShare, survivorsMovedShare } from '../../src/analysis/rfc2992.ts';
import type { JournalEvent } from '../../src/core/journal.ts';
import { OUTCOMES } from '../../src/core/report-format.ts';
import { simulate, type SimulatedRun } from '../support/ecmp-simulator.ts';

const aRun = (fields: Partial<SimulatedRun> = {}): SimulatedRun => ({
  family: 'hash-threshold',
  nodes: 3,
  target: 1,
  fault: 'session',
  holdMs: 7_400,
  flows: 300,
  seed: 1,
  hasObserver: true,
  ...fields,
});

const anyRun: fc.Arbitrary<SimulatedRun> = fc
  .record({
    family: fc.constantFrom<SimulatedRun['family']>('hash-threshold', 'modulo', 'resilient'),
    nodes: fc.integer({ min: 2, max: 5 }),
    target: fc.nat(),
    fault: fc.constantFrom<SimulatedRun['fault']>('session', 'node', 'none'),
    holdMs: fc.constantFrom(900, 7_400, 90_000),
    flows: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(),
  })
  .map((run) => aRun({ ...run, target: run.target % run.nodes }));

function compare(run: SimulatedRun): void {
  const { events, truth } = simulate(run);
  const lines = new Map([...analyse(events).flows].map((line) => [`${line.flowId} ${String(line.event)}`, line]));
  const expected = truth.map(({ event, flowId, ...rest }) => ({ name: `${flowId} ${String(event)}`, ...rest }));
  const found = expected.map(({ name }) => {
    const line = lines.get(name);
    if (!line) return { name };
    const { outcome, ingressBefore, ingressAfter, broken, breakCause } = line;
    return { name, outcome, ingressBefore, ingressAfter, broken, breakCause };
  });
  const disagreements = expected.flatMap((each, index) => (equal(each, found[index]) ? [] : [{ truth: each, found: found[index] }]));
  expect(disagreements).toEqual([]);
}

function equal(one: Record<string, unknown>, other: Record<string, unknown> | undefined): boolean {
  return Object.keys(one).every((key) => one[key] === other?.[key]);
}

test('every flow is told as it truly was, whatever the router, the fault and its timing', () => {
  fc.assert(fc.property(anyRun, compare), { numRuns: 60 });
});

test('every ledger sums to its population, and every flow of it has one line', () => {
  fc.assert(
    fc.property(anyRun, (run) => {
      const { report, flows } = analyse(simulate(run).events);
      const lines = [...flows];
      for (const [event, window] of report.events.entries()) {
        for (const ledger of window.ledgers) {
          const sum = OUTCOMES.reduce((total, outcome) => total + ledger.outcomes[outcome].count, 0);
          expect(sum).toBe(ledger.population);
          const own = lines.filter((line) => line.event === event && line.protocol === ledger.protocol);
          expect(own.length).toBe(ledger.population);
          const moves = report.matrix.filter((row) => row.event === event && row.protocol === ledger.protocol);
          expect(moves.reduce((total, row) => total + row.flows, 0)).toBe(ledger.population);
        }
      }
      expect(new Set(lines.map((line) => `${line.flowId} ${String(line.event)}`)).size).toBe(lines.length);
    }),
    { numRuns: 30 },
  );
});

test('hash-threshold moves what RFC 2992 says, on the drop and on the return', () => {
  for (const [nodes, target] of [
    [3, 1],
    [3, 2],
    [5, 0],
    [5, 1],
  ] as const) {
    const { report } = analyse(simulate(aRun({ nodes, target, flows: 1_500 })).events);
    const [tcpIn, udpIn] = report.events[1]?.ledgers ?? [];
    const [, udpOut] = report.events[2]?.ledgers ?? [];
    for (const ledger of [tcpIn, udpIn]) {
      const { outcomes, population = 0 } = ledger ?? {};
      const moved = (outcomes?.['moved-broken'].count ?? 0) + (outcomes?.['moved-survived'].count ?? 0);
      const dead = outcomes?.['on-dead-hop'].count ?? 0;
      expect(moved / (population - dead)).toBeCloseTo(survivorsMovedShare(nodes, target + 1), 1);
      expect((moved + dead) / population).toBeCloseTo(disruptedShare(nodes, target + 1), 1);
    }
    // On the return every UDP twin goes back to where it was: as many move as were disrupted.
    expect((udpOut?.outcomes['moved-survived'].count ?? 0) / (udpOut?.population ?? 1)).toBeCloseTo(disruptedShare(nodes, target + 1), 1);
  }
});

test('a resilient group moves nobody but the flows of the hop that left', () => {
  const { report } = analyse(simulate(aRun({ family: 'resilient', target: 2 })).events);
  for (const { outcomes } of report.events.flatMap((window) => window.ledgers)) {
    expect(outcomes['moved-broken'].count + outcomes['moved-survived'].count).toBe(0);
  }
  expect(report.events[1]?.ledgers[0]?.outcomes['on-dead-hop'].count).toBeGreaterThan(50);
});

test('without an observer the same flows are told the same way, once each hop has shown itself', () => {
  for (const fault of ['session', 'node'] as const) {
    const seen = analyse(simulate(aRun({ target: 2, fault })).events);
    const inferred = analyse(simulate(aRun({ target: 2, fault, hasObserver: false })).events);
    expect(inferred.report.events[1]?.nextHops).toEqual([
      { router: 'tor', vip: 'web', vantage: 'v1', before: ['n1', 'n2', 'n3'], after: ['n1', 'n2'], from: 'flows' },
    ]);
    expect([...inferred.flows].map((line) => line.outcome)).toEqual([...seen.flows].map((line) => line.outcome));
    expect(inferred.report.remarks.join()).toContain('Nobody observed the router');
  }
});

test('a journal cut off after any event is told as far as it goes, and errored', () => {
  const { events } = simulate(aRun({ flows: 6, nodes: 3, fault: 'node', options: { expect: [{ check: 'broken', max: 0 }] } }));
  const byArrival = events.filter((event) => event.type !== 'run.ended');
  for (let length = 0; length <= byArrival.length; length += 1) {
    const { report, flows } = analyse(byArrival.slice(0, length));
    expect(report.verdict).toBe('errored');
    expect(report.summary).toMatch(/\.$/);
    expect([...flows].length).toBe(report.events.flatMap((each) => each.ledgers).reduce((sum, ledger) => sum + ledger.population, 0));
    JSON.stringify(report);
  }
});

test('the report is the same before and after the verdict is written down, and whatever order the lines came in', () => {
  const { events } = simulate(aRun({ flows: 20, options: { expect: [{ check: 'availability', min: 0.9 }] } }));
  const whole = told(events);
  const unended = events.filter((event) => event.type !== 'run.ended');
  expect(told(unended, { isComplete: true })).toBe(whole);
  const last = { t: 99_000, from: 'runner', seq: 900 } as const;
  const aftermath: JournalEvent[] = [
    { ...last, type: 'check.evaluated', check: 'availability', verdict: 'deviated', why: '' },
    { ...last, seq: 901, type: 'run.ended', verdict: 'deviated' },
  ];
  expect(told([...unended, ...aftermath])).toBe(whole);
  fc.assert(
    fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (shuffled) => {
      expect(told(shuffled)).toBe(whole);
    }),
    { numRuns: 5 },
  );
});

test('what a newer version writes is passed over', () => {
  const { events } = simulate(aRun({ flows: 10 }));
  const future = { t: 7_000, from: 'runner', seq: 900, type: 'future.event', what: 1 } as unknown as JournalEvent;
  const grown = events.map((event) => ({ ...event, futureField: { deep: true } }));
  expect(told([...grown, future])).toBe(told(events));
});

function told(events: readonly JournalEvent[], options = {}): string {
  const { report, flows } = analyse(events, options);
  return JSON.stringify([report, ...flows]);
}
