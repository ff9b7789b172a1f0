import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeFrame,
  encodeFrame,
  encodeRecord,
  type LinkFrame,
  MAX_PAYLOAD_BYTES,
  MAX_RECORD_BYTES,
  RecordCutter,
} from '../../src/core/keeper-link.ts';

const channel = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const aFrame: fc.Arbitrary<LinkFrame> = fc.oneof(
  fc.constant<LinkFrame>({ kind: 'beat' }),
  fc.record({ kind: fc.constant('open' as const), channel }),
  fc.record({ kind: fc.constant('data' as const), channel, bytes: fc.uint8Array({ maxLength: 2_000 }) }),
  fc.record({ kind: fc.constant('end' as const), channel, why: fc.string({ maxLength: 100 }) }),
);

test('a frame is what it was, once encoded and decoded', () => {
  fc.assert(
    fc.property(aFrame, (frame) => {
      expect(decodeFrame(encodeFrame(frame))).toEqual(frame);
    }),
  );
});

test('records arrive whole and in order, whatever pieces their bytes come in', () => {
  const aRecord = fc.uint8Array({ minLength: 21, maxLength: 500 });
  fc.assert(
    fc.property(fc.array(aRecord, { maxLength: 20 }), fc.infiniteStream(fc.integer({ min: 1, max: 700 })), (records, sizes) => {
      const bytes = Buffer.concat(records.map(encodeRecord));
      const cutter = new RecordCutter();
      const found: number[][] = [];
      for (let at = 0; at < bytes.length;) {
        const size = Number(sizes.next().value);
        expect(cutter.push(bytes.subarray(at, at + size), (record) => found.push([...record]))).toBe(true);
        at += size;
      }
      expect(found).toEqual(records.map((record) => [...record]));
    }),
  );
});

test('a record of a size that nobody sends is refused by its announcement alone', () => {
  for (const size of [0, 20, MAX_RECORD_BYTES + 1, 2 ** 32 - 1]) {
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, size);
    expect(
      new RecordCutter().push(head, () => undefined),
      String(size),
    ).toBe(false);
  }
});

test('whatever bytes come, decoding never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(() => decodeFrame(bytes)).not.toThrow();
    }),
  );
  expect(decodeFrame(new Uint8Array(MAX_PAYLOAD_BYTES + 6))).toBeNull();
});
