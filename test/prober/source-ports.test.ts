import fc from 'fast-check';
import { expect, test } from 'vitest';
import { portRange, SourcePorts } from '../../src/prober/source-ports.ts';

test('ports lie outside the range the kernel chooses from, where that leaves enough', () => {
  expect(portRange({ first: 32_768, last: 60_999 })).toEqual({ first: 10_000, last: 32_767 });
  expect(portRange({ first: 1_024, last: 65_535 })).toEqual({ first: 10_000, last: 65_000 });
});

test('no port is handed out twice while it is taken, and all are before it runs out', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (size, random) => {
      const ports = new SourcePorts({ first: 10_000, last: 9_999 + size }, random);
      const taken = Array.from({ length: size }, () => ports.take());
      expect([...taken].sort()).toEqual(Array.from({ length: size }, (_, index) => 10_000 + index));
      expect(ports.take()).toBeNull();
    }),
  );
});

test('a port that was given back comes again only after all others', () => {
  const ports = new SourcePorts({ first: 10_000, last: 10_004 }, 0.5);
  const [first, second] = [ports.take(), ports.take()];
  expect([first, second]).toEqual([10_002, 10_003]);
  ports.release(10_002);
  expect(ports.isTaken(10_002)).toBe(false);
  expect(ports.isTaken(10_003)).toBe(true);
  expect([ports.take(), ports.take(), ports.take(), ports.take(), ports.take()]).toEqual([10_004, 10_000, 10_001, 10_002, null]);
});
