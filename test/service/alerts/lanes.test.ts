import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BACKOFF, waitMs } from '../../../src/service/alerts/backoff.ts';
import { type Entry, Lanes } from '../../../src/service/alerts/lanes.ts';

const entry = (id: string, ...alerts: string[]): Entry => ({ id, alerts, dueMs: 0, attempts: 0, waitedMs: 0 });

test('what speaks of one alert goes one after the other; another alert does not wait for it', () => {
  const lanes = new Lanes();
  for (const each of [entry('a1', 'a'), entry('a2', 'a'), entry('b1', 'b')]) lanes.add(each);
  const first = lanes.take(0);
  expect([first?.id, lanes.take(0)?.id, lanes.take(0)]).toEqual(['a1', 'b1', null]);
  if (first) lanes.postpone(Object.assign(first, { dueMs: 5_000 }));
  expect(lanes.take(4_999)).toBeNull();
  expect(lanes.take(5_000)?.id).toBe('a1');
  if (first) lanes.finish(first);
  expect(lanes.take(5_000)?.id).toBe('a2');
});

test('a summary waits for all that it speaks of, and all of that waits for it', () => {
  const lanes = new Lanes();
  const [a1, b1, sum] = [entry('a1', 'a'), entry('b1', 'b'), entry('sum', 'c', 'a', 'b')];
  for (const each of [a1, b1, sum, entry('b2', 'b')]) lanes.add(each);
  expect([lanes.take(0), lanes.take(0), lanes.take(0)]).toEqual([a1, b1, null]);
  lanes.finish(b1);
  expect(lanes.take(0)).toBeNull();
  lanes.finish(a1);
  expect(lanes.take(0)).toBe(sum);
  expect(lanes.take(0)).toBeNull();
  lanes.finish(sum);
  expect(lanes.take(0)?.id).toBe('b2');
});

test('one that a person hastens is due now', () => {
  const lanes = new Lanes();
  lanes.add({ ...entry('a1', 'a'), dueMs: 60_000 });
  expect(lanes.take(0)).toBeNull();
  lanes.hasten('a1', 0);
  expect(lanes.take(0)?.id).toBe('a1');
});

test('every entry ends, those of one alert in their order, however often attempts fail', () => {
  const alerts = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(alerts, { maxLength: 40 }), fc.infiniteStream(fc.boolean()), (list, fails) => {
      const lanes = new Lanes();
      list.forEach((each, index) => {
        lanes.add(entry(String(index), ...each));
      });
      const done: Entry[] = [];
      for (let nowMs = 0; lanes.size > 0 && nowMs < 10_000; nowMs += 1) {
        const taken = [lanes.take(nowMs), lanes.take(nowMs)].filter((each) => each !== null);
        for (const each of taken.reverse()) {
          if (fails.next().value === true && each.attempts < 5) {
            Object.assign(each, { dueMs: nowMs + 2, attempts: each.attempts + 1 });
            lanes.postpone(each);
          } else {
            done.push(each);
            lanes.finish(each);
          }
        }
      }
      expect(done.length).toBe(list.length);
      for (const alert of ['a', 'b', 'c', 'd']) {
        const order = done.filter((each) => each.alerts.includes(alert)).map(({ id }) => Number(id));
        expect(order).toEqual(order.toSorted((x, y) => x - y));
      }
    }),
    { numRuns: 200 },
  );
});

test('attempts go on for 24 h, ever rarer, and end with one when the time is up', () => {
  for (const random of [0, 0.5, 0.999]) {
    let waitedMs = 0;
    const waits: number[] = [];
    for (let attempts = 1; ; attempts += 1) {
      const wait = waitMs(BACKOFF, { attempts, waitedMs, retryAfterMs: null }, random);
      if (wait === null) break;
      waits.push(wait);
      waitedMs += wait;
    }
    expect(waitedMs).toBe(24 * 3_600_000);
    expect(waits[0]).toBeLessThanOrEqual(1_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(900_000);
    expect(waits.length).toBeLessThan(250);
  }
});

test('a receiver that asks for more time gets it, up to the end', () => {
  expect(waitMs(BACKOFF, { attempts: 1, waitedMs: 0, retryAfterMs: 120_000 }, 0)).toBe(120_000);
  expect(waitMs(BACKOFF, { attempts: 1, waitedMs: BACKOFF.giveUpAfterMs - 5, retryAfterMs: 120_000 }, 0)).toBe(5);
  expect(waitMs(BACKOFF, { attempts: 1, waitedMs: BACKOFF.giveUpAfterMs, retryAfterMs: null }, 0)).toBeNull();
});
