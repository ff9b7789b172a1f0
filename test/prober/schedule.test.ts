import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Schedule, type Turn, turnAt, TurnCursor } from '../../src/prober/schedule.ts';
import { TICK_MS } from '../../src/prober/ticker.ts';

const schedules: fc.Arbitrary<Schedule> = fc.record({
  originT: fc.integer({ min: 0, max: 1e6 }),
  intervalMs: fc.integer({ min: 50, max: 10_000 }),
  seats: fc.integer({ min: 1, max: 2_000 }),
});

test('each seat has its turn exactly once an interval, at the same phase, whatever the number of seats', () => {
  fc.assert(
    fc.property(schedules, fc.nat(5_000), (schedule, number) => {
      const turn = turnAt(schedule, number);
      const next = turnAt(schedule, number + schedule.seats);
      expect(next).toMatchObject({ seat: turn.seat, sequence: turn.sequence + 1 });
      expect(next.dueT - turn.dueT).toBeCloseTo(schedule.intervalMs, 6);
    }),
  );
});

test('turns are in order and evenly spread, but for the ticks they are cut to', () => {
  fc.assert(
    fc.property(schedules, fc.nat(5_000), (schedule, number) => {
      const gap = turnAt(schedule, number + 1).dueT - turnAt(schedule, number).dueT;
      expect(gap).toBeGreaterThanOrEqual(0);
      expect(Math.abs(gap - schedule.intervalMs / schedule.seats)).toBeLessThan(TICK_MS);
      expect(((turnAt(schedule, number).dueT - schedule.originT) % schedule.intervalMs) % TICK_MS).toBe(0);
    }),
  );
});

test('a cursor takes every turn exactly once, at its time or later, however long it was not asked', () => {
  fc.assert(
    fc.property(
      schedules,
      fc.integer({ min: 0, max: 3_000 }),
      fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 20 }),
      (schedule, delayMs, steps) => {
        fc.pre(schedule.seats / schedule.intervalMs < 1);
        const cursor = new TurnCursor(schedule, delayMs);
        const taken: Turn[] = [];
        let nowT = schedule.originT;
        for (const step of steps) {
          nowT += step;
          cursor.advance(nowT, (turn) => taken.push(turn));
        }
        expect(taken).toEqual(taken.map((_, number) => turnAt(schedule, number)));
        for (const turn of taken) expect(turn.dueT + delayMs).toBeLessThanOrEqual(nowT);
        if (steps.length > 0) expect(turnAt(schedule, taken.length).dueT + delayMs).toBeGreaterThan(nowT);
      },
    ),
  );
});
