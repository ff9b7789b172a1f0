// What an agent may say: its own vantage's measurements of what the monitor holds, and nothing else.
import { describe, expect, test } from 'vitest';
import type { JournalEvent } from '../../../src/core/journal.ts';
import { acceptEvents } from '../../../src/service/monitors/accept-chunk.ts';
import { planMonitor } from '../../../src/service/monitors/monitor-plan.ts';
import { aJournal } from '../../support/a-journal.ts';
import { aCatalogue, aChunk, aMonitorSpec } from './support/a-monitor.ts';

const plan = planMonitor(aMonitorSpec(), aCatalogue());
const about = { plan, vantage: 'v1', nowT: 60_000 };

function measured(): JournalEvent[] {
  const journal = aJournal();
  const flow = journal.flow();
  journal.breaks(flow, 5_000).maps(flow, 5_300, 'n2').tally(4, { ok: 3, lost: 1 });
  return journal.sorted().filter(({ from }) => from === 'prober:v1');
}

describe('a chunk of a prober', () => {
  test('is taken, numbered by its place in the stream', () => {
    const taken = acceptEvents(aChunk({ firstSeq: 40, events: measured() }), about);
    expect(taken.map(({ type }) => type)).toEqual(['flow.opened', 'vantage.ready', 'flow.broken', 'flow.mapped', 'tally']);
    expect(taken.map(({ seq }) => seq)).toEqual([40, 41, 42, 43, 44]);
    expect(taken.every(({ clockErrMs = 0 }) => clockErrMs === 0)).toBe(true);
  });

  test('carries the bound of its agent’s clock into every event', () => {
    const taken = acceptEvents(aChunk({ events: measured(), clock: { offsetMs: 12, errMs: 3 } }), about);
    expect(new Set(taken.map(({ clockErrMs }) => clockErrMs))).toEqual(new Set([3]));
  });
});

describe('a chunk is refused whole when one of its events', () => {
  const event = (fields: object): JournalEvent => ({ ...measured().find(({ type }) => type === 'tally'), ...fields }) as JournalEvent;
  const broken = measured().find(({ type }) => type === 'flow.broken');
  test.each<[string, object, RegExp]>([
    ['is another vantage’s', event({ from: 'prober:v2' }), /is from prober:v2/],
    ['is the runner’s', event({ from: 'runner' }), /is from runner/],
    ['speaks for another vantage', event({ vantage: 'v2' }), /is of the vantage v2/],
    ['is of a VIP that is not held', event({ vip: 'bank' }), /is of bank over tcp/],
    ['is of a protocol that is not held', event({ protocol: 'tls' }), /is of web over tls/],
    ['is of the next year', event({ bin: 31_536_000 }), /in the future/],
    ['was before the session', event({ t: -1e9 }), /before its session/],
    ['counts below nothing', event({ ok: -1, scheduled: 0 }), /does not add up/],
    ['counts other than it says', event({ scheduled: 99 }), /does not add up/],
    ['counts beyond all measure', event({ ok: 1e12, lost: 0, scheduled: 1e12 }), /exchanges in a second/],
    ['has latencies that nobody measured', event({ rtt: { '-1': 1 } }), /latencies that nobody measured/],
    ['has more latencies than answers', event({ rtt: { '233': 1e9 } }), /latencies that nobody measured/],
    ['names a flow of another vantage', { ...broken, flow: 'v2/1' }, /a flow of another vantage/],
    ['broke in the next year', { ...broken, onsetT: 1e12 }, /in the future/],
    ['has a name without end', event({ path: 'n'.repeat(10_000) }), /a path of 10000 characters/],
    [
      'is a fault',
      { t: 1, from: 'prober:v1', seq: 0, type: 'fault.intent', fault: 'f1', kind: 'x', target: 'n1', epoch: 1, forMs: 1 },
      /nothing that a prober says/,
    ],
    [
      'is a next-hop set',
      { t: 1, from: 'prober:v1', seq: 0, type: 'next-hops', observer: 'routes', router: 'tor', prefix: 'p', nextHops: [], settled: true },
      /nothing that a prober says/,
    ],
  ])('%s', (_, hostile, message) => {
    const chunk = aChunk({ events: [...measured(), hostile as JournalEvent] });
    expect(() => acceptEvents(chunk, about)).toThrow(message);
    expect(() => acceptEvents(chunk, about)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  });

  test('and when its agent does not know the time', () => {
    expect(() => acceptEvents(aChunk({ events: measured(), clock: { offsetMs: 0, errMs: 1e9 } }), about)).toThrow(
      /knows the time to 1000000 s only/,
    );
  });

  test('and when its stream has no proper name', () => {
    for (const stream of ['', 'x'.repeat(10_000)]) {
      expect(() => acceptEvents(aChunk({ events: measured(), stream }), about)).toThrow(/no proper name/);
    }
  });
});
