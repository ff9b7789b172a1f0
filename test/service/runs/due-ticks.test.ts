import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRhythm, dueTicks, LATE_MS, nextStartMs, tickRunId } from '../../../src/service/runs/due-ticks.ts';
import { aSchedule } from '../../support/some-service-runs.ts';

const T0 = Date.parse('2026-03-14T12:00:00Z');
const MINUTE = 60_000;

const specs = fc.oneof(
  fc.record({ every: fc.constantFrom('10s', '15s', '1m', '7m', '1h'), jitter: fc.constantFrom('0s', '3s', '50s', '5m') }),
  fc.record({
    cron: fc.constantFrom('* * * * *', '*/20 * * * * *', '30 2 * * *', '0 * * * *', '*/7 3-5 * * 1-5'),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
    jitter: fc.constantFrom('0s', '45s'),
  }),
);
/** What a clock does from one look to the next: it goes on, sleeps, or steps either way. */
const walk = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -3_600_000, max: 7_200_000 }) },
  ),
  { minLength: 1, maxLength: 200 },
);

test('whatever the clock does, no tick starts early or too late, and its id is its instant', () => {
  fc.assert(
    fc.property(specs, walk, (fields, steps) => {
      const spec = aSchedule(fields);
      const instants = new Map<string, number>();
      let nowMs = T0;
      let handledUntilMs = T0;
      for (const step of steps) {
        nowMs += step;
        const due = dueTicks(spec, handledUntilMs, nowMs);
        for (const { atMs, startMs } of due.start) {
          expect(startMs).toBeGreaterThanOrEqual(atMs);
          expect(startMs - atMs).toBeLessThanOrEqual(spec.jitter);
          expect(nowMs - startMs).toBeGreaterThanOrEqual(0);
          expect(nowMs - startMs).toBeLessThan(LATE_MS);
          const id = tickRunId(spec.name, atMs);
          expect(instants.get(id) ?? atMs).toBe(atMs);
          instants.set(id, atMs);
        }
        for (const { tick } of due.skip) expect(nowMs - tick.startMs).toBeGreaterThanOrEqual(LATE_MS);
        expect(due.handledUntilMs).toBeLessThanOrEqual(nowMs);
        ({ handledUntilMs } = due);
      }
    }),
  );
});

test('with a clock that goes on, each tick of an interval starts once, and none is forgotten', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('10s', '15s', '1m'),
      fc.constantFrom('0s', '7s', '40s', '2m'),
      fc.integer({ min: 0, max: MINUTE }),
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 100, maxLength: 200 }),
      (every, jitter, offset, steps) => {
        const spec = aSchedule({ every, jitter });
        const first = T0 + offset;
        const started = new Map<number, number>();
        let nowMs = first;
        let handledUntilMs = first;
        for (const step of steps) {
          nowMs += step;
          const due = dueTicks(spec, handledUntilMs, nowMs);
          // With jitter a tick may be seen again: its run is there already.
          for (const { tick } of due.skip) expect(started.has(tick.atMs)).toBe(true);
          for (const { atMs } of due.start) if (!started.has(atMs)) started.set(atMs, nowMs);
          ({ handledUntilMs } = due);
        }
        const everyMs = spec.every ?? 0;
        const certain = nowMs - spec.jitter - 5_000;
        for (let atMs = (Math.floor(first / everyMs) + 1) * everyMs; atMs <= certain; atMs += everyMs) {
          expect((started.get(atMs) ?? Infinity) - atMs).toBeLessThanOrEqual(spec.jitter + 5_000);
        }
      },
    ),
  );
});

test('ticks that were slept through are recorded, the newest one by one', () => {
  const spec = aSchedule({ every: '1m' });
  const hour = dueTicks(spec, T0, T0 + 10 * MINUTE + 5_000);
  expect(hour.skip).toHaveLength(9);
  expect(hour.start).toEqual([{ atMs: T0 + 10 * MINUTE, startMs: T0 + 10 * MINUTE }]);
  const year = dueTicks(spec, T0, T0 + 365 * 24 * 60 * MINUTE);
  expect(year.skip).toHaveLength(20);
  expect(year.skip[0]?.hasEarlier).toBe(true);
  expect(year.skip.slice(1).some(({ hasEarlier }) => hasEarlier)).toBe(false);
  const cron = dueTicks(aSchedule({ cron: '0 3 * * *' }), T0, T0 + 5 * 24 * 60 * MINUTE);
  expect(cron.skip.map(({ tick }) => new Date(tick.atMs).toISOString().slice(0, 13))).toEqual(
    ['15', '16', '17', '18', '19'].map((day) => `2026-03-${day}T03`),
  );
});

test('just under a minute late still starts; a minute does not', () => {
  const spec = aSchedule({ every: '1h' });
  expect(dueTicks(spec, T0 - 1, T0 + LATE_MS - 1).start).toHaveLength(1);
  expect(dueTicks(spec, T0 - 1, T0 + LATE_MS)).toMatchObject({ start: [], skip: [{ tick: { atMs: T0 } }] });
});

test('a paused schedule passes its ticks by', () => {
  expect(dueTicks(aSchedule({ every: '10s', paused: true }), T0, T0 + 3_600_000)).toEqual({
    start: [],
    skip: [],
    handledUntilMs: T0 + 3_600_000,
  });
  expect(nextStartMs(aSchedule({ paused: true }), T0)).toBeNull();
  expect(nextStartMs(aSchedule({ cron: '0 0 30 2 *' }), T0)).toBeNull();
});

describe('summer time', () => {
  const day = (fields: Record<string, unknown>, from: string, hours: number) => {
    const spec = aSchedule(fields);
    const ticks: string[] = [];
    let handledUntilMs = Date.parse(from);
    for (let nowMs = handledUntilMs; nowMs <= Date.parse(from) + hours * 3_600_000; nowMs += 30_000) {
      const due = dueTicks(spec, handledUntilMs, nowMs);
      for (const { atMs } of due.start) ticks.push(new Date(atMs).toISOString().slice(5, 16));
      ({ handledUntilMs } = due);
    }
    return ticks;
  };
  const berlin = { timeZone: 'Europe/Berlin' };

  test('02:30 on the night that has none comes once, an hour later on the clock', () => {
    expect(day({ cron: '30 2 * * *', ...berlin }, '2026-03-28T12:00:00Z', 48)).toEqual(['03-29T01:00', '03-30T00:30']);
  });

  test('02:30 on the night that has two comes once', () => {
    expect(day({ cron: '30 2 * * *', ...berlin }, '2026-10-24T12:00:00Z', 48)).toEqual(['10-25T00:30', '10-26T01:30']);
  });

  test('every half hour goes on through both', () => {
    expect(day({ cron: '*/30 * * * *', ...berlin }, '2026-10-24T23:29:00Z', 3)).toHaveLength(6);
    expect(day({ cron: '*/30 * * * *', ...berlin }, '2026-03-29T00:29:00Z', 3)).toHaveLength(6);
  });
});

test('the next tick that is told is the next that starts', () => {
  fc.assert(
    fc.property(specs, fc.integer({ min: 0, max: 400 * 24 * 3_600_000 }), (fields, offset) => {
      const spec = aSchedule(fields);
      const nowMs = T0 + offset;
      const nextMs = nextStartMs(spec, nowMs) ?? 0;
      expect(nextMs).toBeGreaterThan(nowMs);
      const fromMs = nowMs - spec.jitter - 1;
      expect(dueTicks(spec, fromMs, nextMs).start.map(({ startMs }) => startMs)).toContain(nextMs);
      expect(dueTicks(spec, fromMs, nextMs - 1).start.filter(({ startMs }) => startMs > nowMs)).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test('a run id has only what a queue, a folder and a URL take', () => {
  expect(tickRunId('nightly', T0)).toBe('nightly-20260314T120000Z');
  expect(tickRunId('nightly', T0 + 500)).toBe('nightly-20260314T120000.500Z');
});

test.each([
  ['* * * *', 'UTC', 'five or six fields'],
  ['0 0 1 1 * * 2027', 'UTC', 'five or six fields'],
  ['61 * * * *', 'UTC', 'nightly'],
  ['0 3 * * *', 'Europe/Atlantis', 'Europe/Atlantis'],
])('the cron "%s" in %s is refused with what is wrong', (cron, timeZone, what) => {
  expect(() => {
    checkRhythm(aSchedule({ cron, timeZone }));
  }).toThrow(what);
});
