// What the keeper of another machine and its service say to each other: one connection, made by the keeper's side, kept open.
//
//   service                                                    keeper-link (beside the keeper, behind NAT)
//     | <- GET /api/v1/keeper/link, Upgrade: holdfast-keeper-link, the keeper's token, a hello with a fresh X25519 key
//     | -- 101, an offer with a fresh X25519 key, signed (Ed25519) by the controller's key ->|   checks that this very key is the pinned one,
//     |                                                                                      |   and that the offer answers this very hello
//     | == records, each sealed (AES-256-GCM) with what the two fresh keys agreed upon ======|
//     |      open, data, end: a runner's connection to the keeper's Unix socket, as bytes
//     |      beat: both ends, every 2 s; silence for 6 s is the end
//
// Only who holds the pinned key can make the offer, and only who made the offer can seal what the keeper will take: neither a hijacked
// name, nor a proxy that ends TLS in between, nor a recorded conversation is the power to inject. The keeper decides all the same.
import { z } from 'zod';
import { name } from './names.ts';

export const LINK_SCHEMA = 1;
/** Below the service's URL. */
export const LINK_PATH = '/api/v1/keeper/link';
export const LINK_PROTOCOL = 'holdfast-keeper-link';
/** Header of the request: base64url of a `LinkHello` as JSON. */
export const HELLO_HEADER = 'holdfast-keeper-hello';
/** Header of the answer: base64url of a `LinkAnswer` as JSON. */
export const ANSWER_HEADER = 'holdfast-keeper-answer';

/** 32 bytes of X25519 (RFC 7748), base64url. */
const linkKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** What a log can show on one line. */
const oneLine = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^\P{C}*$/u);

/** Who joins. `boot` and `place` tell a link that comes again from a second keeper of the same name. */
export const linkHello = z.object({
  schema: z.literal(LINK_SCHEMA),
  keeper: name,
  key: linkKey,
  /** Boot id of its machine. */
  boot: oneLine(64),
  /** The keeper's socket there. */
  place: oneLine(256),
  version: oneLine(64),
});
export type LinkHello = z.infer<typeof linkHello>;

/** What the controller signs. It names both fresh keys, so that it fits one hello and no other. */
export const linkOffer = z.object({
  purpose: z.literal('holdfast keeper link'),
  schema: z.literal(LINK_SCHEMA),
  keeper: name,
  keeperKey: linkKey,
  serviceKey: linkKey,
});
export type LinkOffer = z.infer<typeof linkOffer>;

/** `offer` is the JSON text that was signed, byte for byte; `controllerKey` is PEM (SPKI), and worth what its fingerprint is. */
export const linkAnswer = z.object({ offer: z.string(), signature: z.string(), controllerKey: z.string() });
export type LinkAnswer = z.infer<typeof linkAnswer>;

/** Of the payload of one record; longer chunks are cut up. */
export const MAX_PAYLOAD_BYTES = 32 << 10;
const FRAME_HEAD_BYTES = 5;
/** What sealing adds to a frame: the tag of AES-GCM. */
export const SEAL_BYTES = 16;
export const MAX_RECORD_BYTES = FRAME_HEAD_BYTES + MAX_PAYLOAD_BYTES + SEAL_BYTES;
const LENGTH_BYTES = 4;

/** `end` says why where that is no ordinary end; empty otherwise. */
export type LinkFrame =
  | { kind: 'beat' }
  | { kind: 'open'; channel: number }
  | { kind: 'data'; channel: number; bytes: Uint8Array }
  | { kind: 'end'; channel: number; why: string };

const KINDS = ['beat', 'open', 'data', 'end'] as const;
const MAX_WHY_CHARACTERS = 500;

/** One frame as the bytes that are sealed: kind (1), channel (4, big endian), the rest. */
export function encodeFrame(frame: LinkFrame): Uint8Array {
  const rest =
    frame.kind === 'data' ? frame.bytes : new TextEncoder().encode(frame.kind === 'end' ? frame.why.slice(0, MAX_WHY_CHARACTERS) : '');
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + rest.byteLength);
  bytes[0] = KINDS.indexOf(frame.kind);
  new DataView(bytes.buffer).setUint32(1, 'channel' in frame ? frame.channel : 0);
  bytes.set(rest, FRAME_HEAD_BYTES);
  return bytes;
}

/** @returns null for bytes that are no frame of this version */
export function decodeFrame(bytes: Uint8Array): LinkFrame | null {
  if (bytes.byteLength < FRAME_HEAD_BYTES || bytes.byteLength > FRAME_HEAD_BYTES + MAX_PAYLOAD_BYTES) return null;
  const channel = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1);
  const rest = bytes.subarray(FRAME_HEAD_BYTES);
  const kind = KINDS[bytes[0] ?? KINDS.length];
  switch (kind) {
    case 'beat':
      return { kind: 'beat' };
    case 'open':
      return { kind: 'open', channel };
    case 'data':
      return { kind: 'data', channel, bytes: rest };
    case 'end':
      return { kind: 'end', channel, why: new TextDecoder().decode(rest).slice(0, MAX_WHY_CHARACTERS) };
    case undefined:
      break; // of another version
  }
  return null;
}

/** A record as it travels: its length (4, big endian), then itself. */
export function encodeRecord(sealed: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + sealed.byteLength);
  new DataView(bytes.buffer).setUint32(0, sealed.byteLength);
  bytes.set(sealed, LENGTH_BYTES);
  return bytes;
}

/** Cuts a byte stream into records. Holds at most one that is incomplete. */
export class RecordCutter {
  #rest = new Uint8Array(0);

  /**
   * Takes the next bytes and calls `onRecord` for each record that is complete.
   * @returns false when a record is announced that nobody of ours would send: the stream cannot be read on
   */
  push(chunk: Uint8Array, onRecord: (sealed: Uint8Array) => void): boolean {
    let bytes = chunk;
    if (this.#rest.byteLength > 0) {
      bytes = new Uint8Array(this.#rest.byteLength + chunk.byteLength);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.byteLength);
    }
    let offset = 0;
    while (bytes.byteLength - offset >= LENGTH_BYTES) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(0);
      if (length > MAX_RECORD_BYTES || length < FRAME_HEAD_BYTES + SEAL_BYTES) return false;
      if (bytes.byteLength - offset - LENGTH_BYTES < length) break;
      onRecord(bytes.subarray(offset + LENGTH_BYTES, offset + LENGTH_BYTES + length));
      offset += LENGTH_BYTES + length;
    }
    this.#rest = bytes.slice(offset);
    return true;
  }
}
