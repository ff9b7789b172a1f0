// The secret that probers and responders of an environment share, and what is derived from it.
import { createHmac, createSecretKey } from 'node:crypto';
import type { Mac } from '../core/wire.ts';

export type EnvironmentKey = {
  /** Names the key on the wire without telling it; two keys of one responder may be told apart by it. */
  readonly id: number;
  readonly mac: Mac;
  /** First 8 bytes of HMAC(key, text). */
  tag(text: string): bigint;
};

/** The bytes of a key from the text of its file or reference: UTF-8, blanks at both ends cut. */
export function keyBytes(text: string): Buffer {
  return Buffer.from(text.trim(), 'utf8');
}

/** An environment key from its bytes. */
export function environmentKey(secret: Uint8Array): EnvironmentKey {
  const key = createSecretKey(secret);
  const mac = (bytes: Uint8Array) => createHmac('sha256', key).update(bytes).digest();
  return {
    id: mac(Buffer.from('holdfast key id')).readUInt16BE(0),
    mac,
    tag: (text) => mac(Buffer.from(text, 'utf8')).readBigUInt64BE(0),
  };
}
