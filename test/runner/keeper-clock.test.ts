import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareClocks } from '../../src/runner/keeper-clock.ts';

test('the error that is told bounds the error that is made, whatever the ways there and back take', async () => {
  const ways = fc.array(fc.tuple(fc.double({ min: 0, max: 500, noNaN: true }), fc.double({ min: 0, max: 500, noNaN: true })), {
    minLength: 8,
    maxLength: 8,
  });
  const drift = fc.double({ min: -40e-6, max: 40e-6, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      ways,
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      drift,
      fc.nat(3_600_000),
      async (pairs, offsetMs, rate, laterMs) => {
        let nowMs = 0;
        const thereMs = () => nowMs * (1 + rate) + offsetMs;
        const left = [...pairs];
        const clock = await compareClocks(
          () => {
            const [out = 0, back = 0] = left.pop() ?? [];
            nowMs += out;
            const monoMs = thereMs();
            nowMs += back;
            return Promise.resolve({ boot: 'there', monoMs });
          },
          { boot: 'here', now: () => nowMs },
        );
        nowMs += laterMs;
        expect(Math.abs(thereMs() - (nowMs + clock.offsetMs))).toBeLessThanOrEqual(clock.errMs(nowMs) + 1e-3);
      },
    ),
  );
});

test('on one machine there is one clock, whatever a round trip takes', async () => {
  let asked = 0;
  const read = () => {
    asked += 1;
    return Promise.resolve({ boot: 'here', monoMs: 123 });
  };
  const clock = await compareClocks(read, { boot: 'here', now: () => 0 });
  expect([clock.offsetMs, clock.errMs(1e9), asked]).toEqual([0, 0, 1]);
});
