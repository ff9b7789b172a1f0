// The estimate of the service's clock, on invented clocks and networks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carriedEvent } from '../../src/agent/carried-event.ts';
import { ServiceClock } from '../../src/agent/service-clock.ts';
import type { EventOf } from '../../src/core/journal.ts';

/** One way there, time at the service, one way back; ms. */
const trip = fc.record({
  pauseMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
  thereMs: fc.double({ min: 0, max: 3_000, noNaN: true }),
  atServiceMs: fc.double({ min: 0, max: 500, noNaN: true }),
  backMs: fc.double({ min: 0, max: 3_000, noNaN: true }),
});
const world = fc.record({
  offsetMs: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  driftPpm: fc.double({ min: -50, max: 50, noNaN: true }),
  trips: fc.array(trip, { minLength: 1, maxLength: 100 }),
  laterMs: fc.double({ min: 0, max: 3_600_000, noNaN: true }),
});

describe('the estimate of the service’s clock', () => {
  it('is never off by more than it says, however lopsided the network and whichever way the clocks drift', () => {
    fc.assert(
      fc.property(world, ({ offsetMs, driftPpm, trips, laterMs }) => {
        const serviceMs = (agentMs: number) => agentMs + offsetMs + agentMs * driftPpm * 1e-6;
        const clock = new ServiceClock('mine');
        let nowMs = 0;
        for (const { pauseMs, thereMs, atServiceMs, backMs } of trips) {
          const sentMs = nowMs + pauseMs;
          const receivedThereMs = serviceMs(sentMs + thereMs);
          const answeredThereMs = serviceMs(sentMs + thereMs + atServiceMs);
          nowMs = sentMs + thereMs + atServiceMs + backMs;
          clock.learn('theirs', { sentMs, receivedThereMs, answeredThereMs, gotMs: nowMs });
        }
        const readMs = nowMs + laterMs;
        const estimate = clock.estimate('theirs', readMs);
        expect(Math.abs(readMs + (estimate?.offsetMs ?? NaN) - serviceMs(readMs))).toBeLessThanOrEqual((estimate?.errMs ?? NaN) + 1e-4);
      }),
    );
  });

  it('goes by the shortest of the last round trips, and gets worse with time', () => {
    const clock = new ServiceClock('mine');
    clock.learn('theirs', { sentMs: 0, receivedThereMs: 1_050, answeredThereMs: 1_050, gotMs: 100 });
    clock.learn('theirs', { sentMs: 200, receivedThereMs: 1_201, answeredThereMs: 1_201, gotMs: 202 });
    clock.learn('theirs', { sentMs: 300, receivedThereMs: 1_700, answeredThereMs: 1_700, gotMs: 800 });
    expect(clock.estimate('theirs', 1_000)).toEqual({ offsetMs: 1_000, errMs: 1 + 50e-6 * 800 });
    expect(clock.estimate('theirs', 61_000)?.errMs).toBeCloseTo(1 + 3.04);
  });

  it('is exactly zero where both read one clock, without an exchange', () => {
    expect(new ServiceClock('same').estimate('same', 5)).toEqual({ offsetMs: 0, errMs: 0 });
  });

  it('knows nothing of a boot it never met, and still knows the one before the last', () => {
    const clock = new ServiceClock('mine');
    expect(clock.serviceBoot).toBeNull();
    expect(clock.estimate('first', 0)).toBeNull();
    for (const [index, boot] of ['first', 'second', 'third'].entries()) {
      clock.learn(boot, { sentMs: 0, receivedThereMs: index, answeredThereMs: index, gotMs: 0 });
    }
    expect(clock.serviceBoot).toBe('third');
    expect(['first', 'second', 'third'].map((boot) => clock.estimate(boot, 0)?.offsetMs)).toEqual([undefined, 1, 2]);
  });
});

describe('an event that is carried to the session’s clock', () => {
  const broken: EventOf<'flow.broken'> = {
    ...{ t: 1_000.5, from: 'prober:v1', seq: 7, type: 'flow.broken' },
    ...{ flow: 'v1/a/1', breakCause: 'reset', onsetT: 990, lastOkT: null, evidence: '' },
  };

  it('stays as it is where there is nothing to carry', () => {
    expect(carriedEvent(broken, 0, 0)).toBe(broken);
  });

  it('moves with every instant in it and is stamped with the bound', () => {
    expect(carriedEvent(broken, -0.25, 1.23456)).toEqual({ ...broken, t: 1_000.25, onsetT: 989.75, clockErrMs: 1.235 });
  });

  it('moves the second of a tally once the shift is nearer to the next one', () => {
    const tally = { t: 5_000, from: 'prober:v1', seq: 1, type: 'tally', bin: 3 } as EventOf<'tally'>;
    expect([0.4, 499, 501, -1_600].map((shiftMs) => (carriedEvent(tally, shiftMs, 1) as typeof tally).bin)).toEqual([3, 3, 4, 1]);
  });
});
