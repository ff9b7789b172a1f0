// How far streams were taken is known for as long as a chunk of them may come again, and not for ever.
import { expect, test } from 'vitest';
import { StreamPositions } from '../../../src/service/monitors/stream-positions.ts';

const HOUR_MS = 3_600_000;
const OWNER = 'prober:v1';

/** The owner talks, in streams of a minute each. */
function talk(positions: StreamPositions, fromMs: number, hours: number): number {
  const untilMs = fromMs + hours * HOUR_MS;
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += 30_000)
    positions.advance(OWNER, `life-${String(Math.floor(nowMs / 60_000))}`, 7, nowMs);
  return untilMs;
}

test('a prober that dies again and again forgets no life of the last day, and those before it', () => {
  const positions = new StreamPositions();
  positions.advance(OWNER, 'first', 5, 0);
  const nowMs = talk(positions, 0, 23);
  expect(positions.nextSeq(OWNER, 'first')).toBe(5);
  talk(positions, nowMs, 2);
  expect(positions.nextSeq(OWNER, 'first')).toBe(0);
  expect(positions.all().length).toBeLessThan(1_500);
});

test('a stream goes on after days in which its owner, or the service, was away', () => {
  const positions = new StreamPositions();
  positions.advance(OWNER, 'half', 500, 0);
  positions.advance(OWNER, 'other', 3, 96 * HOUR_MS);
  expect(positions.nextSeq(OWNER, 'half')).toBe(500);
  const again = new StreamPositions(positions.all());
  again.advance(OWNER, 'other', 4, 999 * HOUR_MS);
  expect(again.nextSeq(OWNER, 'half')).toBe(500);
});

test('however many there are, memory is bounded', () => {
  const positions = new StreamPositions();
  for (let life = 0; life < 20_000; life += 1) positions.advance(OWNER, String(life), 1, life);
  expect(positions.all().length).toBe(10_000);
  expect(positions.nextSeq(OWNER, '19999')).toBe(1);
});
