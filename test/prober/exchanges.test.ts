import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Exchanges } from '../../src/prober/exchanges.ts';

const never = () => 0;

/** Exchanges 1, 2, 3, … each 500 ms from t = 0, sent up to `count`. */
function sent(count: number): Exchanges {
  const exchanges = new Exchanges(-100);
  for (let sequence = 1; sequence <= count; sequence++) exchanges.sent({ sequence, dueT: (sequence - 1) * 500 });
  return exchanges;
}

describe('a flow is stalled', () => {
  test('from the first exchange that is unanswered, once that has been so for stallAfter', () => {
    const exchanges = sent(4);
    exchanges.answered(1, 3);
    expect(exchanges.stalledSince(1_999, 1_500, never)).toBeNull();
    expect(exchanges.stalledSince(2_000, 1_500, never)).toBe(500);
  });

  test('not while later exchanges are answered: one lost datagram is no silence', () => {
    const exchanges = sent(4);
    for (const sequence of [1, 3, 4]) exchanges.answered(sequence, sequence * 500);
    expect(exchanges.silentSinceT).toBeNull();
    expect(exchanges.giveUp(500)).toEqual([{ sequence: 2, dueT: 500 }]);
    expect(exchanges.stalledSince(10_000, 1_500, never)).toBeNull();
  });

  test('not before it was silent that long, when the last answer came late', () => {
    const exchanges = sent(3);
    exchanges.answered(1, 900);
    expect(exchanges.stalledSince(2_100, 1_500, never)).toBeNull();
    expect(exchanges.stalledSince(2_400, 1_500, never)).toBe(500);
  });

  test('not for the time in which the prober itself stood still', () => {
    const exchanges = sent(1);
    expect(exchanges.stalledSince(2_500, 1_500, () => 1_200)).toBeNull();
    expect(exchanges.stalledSince(2_700, 1_500, () => 1_200)).toBe(0);
  });

  test('with the same onset after the exchange that began the silence was given up', () => {
    const exchanges = sent(5);
    exchanges.answered(1, 5);
    exchanges.giveUp(1_000);
    expect(exchanges.stalledSince(3_000, 1_500, never)).toBe(500);
  });

  test('not from an exchange that never left: that was the failure of the prober', () => {
    const exchanges = sent(2);
    expect(exchanges.unsent(1)).toEqual({ sequence: 1, dueT: 0 });
    expect(exchanges.unsent(1)).toBeNull();
    expect(exchanges.stalledSince(1_900, 1_500, never)).toBeNull();
    expect(exchanges.stalledSince(2_000, 1_500, never)).toBe(500);
    exchanges.unsent(2);
    expect(exchanges.silentSinceT).toBeNull();
  });

  test('no more once it is answered again, by an echo of an old exchange too', () => {
    const exchanges = sent(5);
    exchanges.giveUp(1_000);
    exchanges.answered(5, 3_000);
    expect(exchanges.silentSinceT).toBeNull();
    exchanges.answered(4, 3_010);
    expect(exchanges.silentSinceT).toBeNull();
  });
});

test('every exchange is answered once or given up once, whatever arrives', () => {
  const acts = fc.array(
    fc.oneof(
      fc.record({ act: fc.constant('send' as const) }),
      fc.record({ act: fc.constant('answer' as const), sequence: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ act: fc.constant('giveUp' as const), dueT: fc.integer({ min: 0, max: 3_000 }) }),
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(acts, (list) => {
      const exchanges = new Exchanges(0);
      const ended: number[] = [];
      let count = 0;
      for (const act of list) {
        switch (act.act) {
          case 'send':
            count += 1;
            exchanges.sent({ sequence: count, dueT: count * 100 });
            break;
          case 'answer': {
            const exchange = exchanges.answered(act.sequence, count * 100 + 1);
            if (exchange) ended.push(exchange.sequence);
            break;
          }
          case 'giveUp':
            ended.push(...exchanges.giveUp(act.dueT).map(({ sequence }) => sequence));
        }
      }
      ended.push(...exchanges.giveUp(Infinity).map(({ sequence }) => sequence));
      expect(ended.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
      expect(exchanges.count).toBe(0);
    }),
  );
});
