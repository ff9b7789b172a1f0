// What a dial needs, for tests that hold conversations without a prober around them.
import { randomBytes } from 'node:crypto';
import { monoMs } from '../../src/io/clock.ts';
import { environmentKey, keyBytes } from '../../src/io/environment-key.ts';
import type { Target, Tools } from '../../src/prober/protocols/protocol.ts';
import { KEY_TEXT } from './a-responder.ts';

export function someTools(keyText = KEY_TEXT): Tools {
  const key = environmentKey(keyBytes(keyText));
  return {
    keyId: key.id,
    mac: key.mac,
    runTag: 0x1122334455667788n,
    now: monoMs,
    nonce: () => randomBytes(8).readBigUInt64BE(0),
    readBuffer: new Uint8Array(65_536),
  };
}

/** Ports below the kernel's own range that other tests of this run are unlikely to use; 127.0.0.1 unless told otherwise. */
export function aTarget(port: number, target: Partial<Target> = {}): Target {
  return {
    address: '127.0.0.1',
    port,
    sourceAddress: '127.0.0.1',
    // Below those of the probers that other tests start meanwhile.
    sourcePort: 2_000 + (randomBytes(4).readUInt32BE(0) % 8_000),
    flow: 7,
    intervalMs: 500,
    payloadBytes: 64,
    ...target,
  };
}
