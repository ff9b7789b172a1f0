import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Framer } from '../../src/core/framing.ts';
import { MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES } from '../../src/core/probe-file.ts';
import {
  type Answer,
  decodeAnswer,
  decodeEcho,
  decodeHello,
  encodeAnswer,
  encodeHeartbeat,
  encodeHello,
  flowOfHeartbeat,
  HELLO_BYTES,
  isSealedHeartbeat,
  type Mac,
  readHeader,
  sealHeartbeat,
  setSequence,
  turnIntoEcho,
} from '../../src/core/wire.ts';

const macOf =
  (key: string): Mac =>
  (bytes) =>
    createHmac('sha256', key).update(bytes).digest();
const mac = macOf('a key');
const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const id = fc.integer({ min: 0, max: 65_535 });
const flow = fc.integer({ min: 0, max: 2 ** 40 });
const hellos = fc.record({ keyId: id, runTag: word, flow, nonce: word, intervalMs: fc.integer({ min: 50, max: 3_600_000 }) });
const names = fc.string({ maxLength: 80, unit: 'grapheme' });
const answers: fc.Arbitrary<Answer> = fc.record({
  token: word,
  nonce: word,
  sourceHash: word,
  observedPort: id,
  observedAddress: fc.oneof(fc.ipV4(), fc.ipV6()),
  node: names,
  backend: names,
  boot: names,
});
const heartbeats = fc.record({ keyId: id, runTag: word, flow, bytes: fc.integer({ min: MIN_PAYLOAD_BYTES, max: MAX_PAYLOAD_BYTES }) });

describe('the wire', () => {
  it('carries a hello whole, in exactly 1,024 bytes', () => {
    fc.assert(
      fc.property(hellos, (hello) => {
        const message = encodeHello(hello, mac);
        expect(message.byteLength).toBe(HELLO_BYTES);
        expect(readHeader(message)).toEqual({ type: 1, keyId: hello.keyId, bytes: HELLO_BYTES });
        expect(decodeHello(message, mac)).toEqual(hello);
      }),
    );
  });

  it('carries an answer whole', () => {
    fc.assert(
      fc.property(answers, id, (answer, keyId) => {
        const message = encodeAnswer(answer, keyId, mac);
        expect(readHeader(message)).toEqual({ type: 2, keyId, bytes: message.byteLength });
        expect(decodeAnswer(message, mac)).toEqual(answer);
      }),
    );
  });

  it('cuts long names with a mark, so that an answer is never longer than its hello', () => {
    const long = fc.string({ minLength: 100, maxLength: 2_000, unit: 'grapheme' });
    fc.assert(
      fc.property(answers, long, long, (answer, node, backend) => {
        const message = encodeAnswer({ ...answer, node, backend, boot: 'b'.repeat(32) }, 1, mac);
        expect(message.byteLength).toBeLessThanOrEqual(HELLO_BYTES);
        const decoded = decodeAnswer(message, mac);
        for (const [said, meant] of [
          [decoded?.node ?? '', node],
          [decoded?.backend ?? '', backend],
        ] as const) {
          if (said !== meant) expect(said.endsWith('…') && meant.startsWith(said.slice(0, -1))).toBe(true);
        }
      }),
    );
  });

  it('takes no hello and no answer that was changed in any bit before its MAC, or sealed with another key', () => {
    const other = macOf('another key');
    fc.assert(
      fc.property(hellos, answers, fc.integer({ min: 0, max: 40 * 8 - 1 }), (hello, answer, bit) => {
        for (const [message, decode] of [
          [encodeHello(hello, mac), decodeHello],
          [encodeAnswer(answer, 1, mac), decodeAnswer],
        ] as const) {
          expect(decode(message, other)).toBeNull();
          message[bit >> 3] = (message[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          expect(decode(message, mac)).toBeNull();
        }
      }),
    );
  });

  it('echoes the sequence in a message of the same size, and returns the payload', () => {
    fc.assert(
      fc.property(heartbeats, fc.integer({ min: 1, max: 2 ** 40 }), word, word, (heartbeat, sequence, token, sourceHash) => {
        const message = encodeHeartbeat(heartbeat);
        message[message.byteLength - 1] = 0xab;
        setSequence(message, sequence);
        expect(flowOfHeartbeat(message)).toBe(heartbeat.flow);
        turnIntoEcho(message, { token, sourceHash });
        expect(readHeader(message)).toEqual({ type: 4, keyId: heartbeat.keyId, bytes: heartbeat.bytes });
        expect(decodeEcho(message)).toEqual({ token, sequence, sourceHash });
        expect(message[message.byteLength - 1]).toBe(0xab);
      }),
    );
  });

  it('knows a heartbeat whose flow, run or sequence was changed', () => {
    fc.assert(
      fc.property(heartbeats, fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 0, max: 32 * 8 - 1 }), (heartbeat, sequence, bit) => {
        const message = encodeHeartbeat(heartbeat);
        setSequence(message, sequence);
        sealHeartbeat(message, mac);
        expect(isSealedHeartbeat(message, mac)).toBe(true);
        message[bit >> 3] = (message[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(isSealedHeartbeat(message, mac)).toBe(false);
      }),
    );
  });

  it('takes nothing for one of its messages that is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_100 }), (bytes) => {
        fc.pre(bytes[0] !== 0x48 || bytes[1] !== 0x46);
        expect(readHeader(bytes)).toBeNull();
      }),
    );
    const hello = encodeHello({ keyId: 1, runTag: 1n, flow: 1, nonce: 1n, intervalMs: 500 }, mac);
    for (const [offset, value] of [
      [2, 2], // another version
      [3, 9], // no such type
      [6, 0xff], // a size that cannot be
    ] as const) {
      const changed = hello.slice();
      changed[offset] = value;
      expect(readHeader(changed)).toBeNull();
    }
  });
});

describe('a byte stream', () => {
  it('gives the same messages however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(
          heartbeats.map((each) => ({ ...each, bytes: each.bytes % 400 })),
          { minLength: 1, maxLength: 8 },
        ),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
        (each, cuts) => {
          const messages = each.map((heartbeat) => encodeHeartbeat({ ...heartbeat, bytes: Math.max(MIN_PAYLOAD_BYTES, heartbeat.bytes) }));
          const stream = new Uint8Array(messages.flatMap((message) => [...message]));
          const framer = new Framer();
          const seen: Uint8Array[] = [];
          // One buffer for all reads, as the prober does: what is kept must be a copy.
          const shared = new Uint8Array(300);
          for (let offset = 0, turn = 0; offset < stream.byteLength; turn++) {
            const chunk = stream.subarray(offset, offset + (cuts[turn % cuts.length] ?? 1));
            shared.set(chunk);
            expect(framer.push(shared.subarray(0, chunk.byteLength), (message) => seen.push(message.slice()))).toBe(true);
            offset += chunk.byteLength;
          }
          expect(seen).toEqual(messages);
        },
      ),
    );
  });

  it('is given up when it is none of ours', () => {
    expect(new Framer().push(new TextEncoder().encode('GET / HTTP/1.1\r\n'), () => undefined)).toBe(false);
  });
});
