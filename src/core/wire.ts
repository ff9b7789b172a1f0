// The layout of every message between prober and responder: bytes in, bytes out (FORMATS.md, "On the wire").
//
//   header     magic 'HF' 2 | version 1 | type 1 | key id 2 | total bytes 2
//   hello      header 8 | run tag 8 | flow 8 | nonce 8 | interval 4 | zero 4 | MAC 16 | padding to 1,024
//   answer     header 8 | token 8 | nonce 8 | source hash 8 | port 2 | node, backend, boot, address (each: length 1, text) | MAC 16
//   heartbeat  header 8 | run tag 8 | flow 8 | sequence 8 | MAC 16 (UDP; zero over TCP) | payload >= 16
//   echo       header 8 | token 8 | sequence 8 | source hash 8 | padding to the heartbeat's size
//
// Numbers are big-endian. A MAC is HMAC-SHA-256 cut to 16 bytes, over all that stands before it in its message.
// Request and reply differ in their type, so that an answer is never answered.
import { MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES } from './probe-file.ts';

const MAGIC = 0x4846;
export const WIRE_VERSION = 1;
export const HEADER_BYTES = 8;
export const HELLO_BYTES = 1024;
const MAC_BYTES = 16;
const HELLO_SIGNED = 40;
const HEARTBEAT_SIGNED = 32;
/** Longer names are cut, and end with this mark. */
const MAX_NAME_BYTES = 250;
const CUT_MARK = '…';
/** One for all answers: to make one costs more than to decode a name. */
const textDecoder = new TextDecoder();

export const MessageType = { hello: 1, answer: 2, heartbeat: 3, echo: 4 } as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export type Header = { type: MessageType; keyId: number; /** Total size of the message. */ bytes: number };
/** HMAC-SHA-256 under one environment key; at least 16 bytes come back. */
export type Mac = (bytes: Uint8Array) => Uint8Array;

export type Hello = {
  keyId: number;
  /** Tag of the run, in clear. */
  runTag: bigint;
  /** Number of the flow within its prober. */
  flow: number;
  /** Comes back in the answer, which a late answer to an earlier hello thus cannot be taken for. */
  nonce: bigint;
  /** Between two heartbeats; the responder lets a flow be silent for a few of them. */
  intervalMs: number;
};

/** Who answered, and what it saw. */
export type Answer = {
  /** First 8 bytes of HMAC(key, boot id): names the responder's boot in every echo. */
  token: bigint;
  nonce: bigint;
  /** Of the observed source address and port. */
  sourceHash: bigint;
  observedPort: number;
  observedAddress: string;
  node: string;
  backend: string;
  boot: string;
};

export type Heartbeat = { keyId: number; runTag: bigint; flow: number; bytes: number };
export type Echo = { token: bigint; sequence: number; sourceHash: bigint };

/** The header of a message; null when it is none of ours, or of a version or size that cannot be. */
export function readHeader(message: Uint8Array): Header | null {
  if (message.byteLength < HEADER_BYTES) return null;
  const view = viewOf(message);
  if (view.getUint16(0) !== MAGIC || view.getUint8(2) !== WIRE_VERSION) return null;
  const type = view.getUint8(3);
  const bytes = view.getUint16(6);
  return isPossible(type, bytes) ? { type, keyId: view.getUint16(4), bytes } : null;
}

function isPossible(type: number, bytes: number): type is MessageType {
  switch (type) {
    case MessageType.hello:
      return bytes === HELLO_BYTES;
    case MessageType.answer:
      return bytes > HEARTBEAT_SIGNED + MAC_BYTES && bytes <= HELLO_BYTES;
    case MessageType.heartbeat:
    case MessageType.echo:
      return bytes >= MIN_PAYLOAD_BYTES && bytes <= MAX_PAYLOAD_BYTES;
    default:
      return false;
  }
}

export function encodeHello(hello: Hello, mac: Mac): Uint8Array {
  const message = new Uint8Array(HELLO_BYTES);
  const view = writeHeader(message, MessageType.hello, hello.keyId);
  view.setBigUint64(8, hello.runTag);
  view.setBigUint64(16, BigInt(hello.flow));
  view.setBigUint64(24, hello.nonce);
  view.setUint32(32, hello.intervalMs);
  seal(message, HELLO_SIGNED, mac);
  return message;
}

/** A hello whose MAC is right; null for any other. The header must have been read as one. */
export function decodeHello(message: Uint8Array, mac: Mac): Hello | null {
  if (message.byteLength !== HELLO_BYTES || !isSealed(message, HELLO_SIGNED, mac)) return null;
  const view = viewOf(message);
  return {
    keyId: view.getUint16(4),
    runTag: view.getBigUint64(8),
    flow: Number(view.getBigUint64(16)),
    nonce: view.getBigUint64(24),
    intervalMs: view.getUint32(32),
  };
}

/** The answer to a hello: never longer than it, since names are cut. */
export function encodeAnswer(answer: Answer, keyId: number, mac: Mac): Uint8Array {
  const texts = [answer.node, answer.backend, answer.boot, answer.observedAddress].map(cutName);
  const signed = texts.reduce((sum, text) => sum + 1 + text.byteLength, HEARTBEAT_SIGNED + 2);
  const message = new Uint8Array(signed + MAC_BYTES);
  const view = writeHeader(message, MessageType.answer, keyId);
  view.setBigUint64(8, answer.token);
  view.setBigUint64(16, answer.nonce);
  view.setBigUint64(24, answer.sourceHash);
  view.setUint16(32, answer.observedPort);
  let offset = HEARTBEAT_SIGNED + 2;
  for (const text of texts) {
    message[offset] = text.byteLength;
    message.set(text, offset + 1);
    offset += 1 + text.byteLength;
  }
  seal(message, signed, mac);
  return message;
}

/** An answer whose MAC is right; null for any other. */
export function decodeAnswer(message: Uint8Array, mac: Mac): Answer | null {
  const signed = message.byteLength - MAC_BYTES;
  if (signed < HEARTBEAT_SIGNED + 2 || !isSealed(message, signed, mac)) return null;
  const view = viewOf(message);
  let offset = HEARTBEAT_SIGNED + 2;
  const nextText = () => {
    const end = offset + 1 + (message[offset] ?? 0);
    const text = textDecoder.decode(message.subarray(offset + 1, Math.min(end, signed)));
    offset = end;
    return text;
  };
  return {
    token: view.getBigUint64(8),
    nonce: view.getBigUint64(16),
    sourceHash: view.getBigUint64(24),
    observedPort: view.getUint16(32),
    node: nextText(),
    backend: nextText(),
    boot: nextText(),
    observedAddress: nextText(),
  };
}

/** A heartbeat without sequence or MAC, to be used again and again by `setSequence` and, over UDP, `sealHeartbeat`. */
export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const message = new Uint8Array(heartbeat.bytes);
  const view = writeHeader(message, MessageType.heartbeat, heartbeat.keyId);
  view.setBigUint64(8, heartbeat.runTag);
  view.setBigUint64(16, BigInt(heartbeat.flow));
  return message;
}

export function setSequence(heartbeat: Uint8Array, sequence: number): void {
  viewOf(heartbeat).setBigUint64(24, BigInt(sequence));
}

export function sealHeartbeat(heartbeat: Uint8Array, mac: Mac): void {
  seal(heartbeat, HEARTBEAT_SIGNED, mac);
}

export function isSealedHeartbeat(heartbeat: Uint8Array, mac: Mac): boolean {
  return isSealed(heartbeat, HEARTBEAT_SIGNED, mac);
}

/** Number of the flow that a heartbeat belongs to. */
export function flowOfHeartbeat(heartbeat: Uint8Array): number {
  return Number(viewOf(heartbeat).getBigUint64(16));
}

/** Turns a heartbeat into its echo, in place: the same size, and the payload comes back. */
export function turnIntoEcho(heartbeat: Uint8Array, identity: Pick<Echo, 'token' | 'sourceHash'>): void {
  const view = viewOf(heartbeat);
  const sequence = view.getBigUint64(24);
  view.setUint8(3, MessageType.echo);
  view.setBigUint64(8, identity.token);
  view.setBigUint64(16, sequence);
  view.setBigUint64(24, identity.sourceHash);
}

/** What an echo says. The header must have been read as one. */
export function decodeEcho(message: Uint8Array): Echo {
  const view = viewOf(message);
  return { token: view.getBigUint64(8), sequence: Number(view.getBigUint64(16)), sourceHash: view.getBigUint64(24) };
}

function viewOf(message: Uint8Array): DataView {
  return new DataView(message.buffer, message.byteOffset, message.byteLength);
}

function writeHeader(message: Uint8Array, type: MessageType, keyId: number): DataView {
  const view = viewOf(message);
  view.setUint16(0, MAGIC);
  view.setUint8(2, WIRE_VERSION);
  view.setUint8(3, type);
  view.setUint16(4, keyId);
  view.setUint16(6, message.byteLength);
  return view;
}

function seal(message: Uint8Array, signed: number, mac: Mac): void {
  message.set(mac(message.subarray(0, signed)).subarray(0, MAC_BYTES), signed);
}

/** Compares all bytes whatever the first ones say, so that the time taken tells nothing of the right MAC. */
function isSealed(message: Uint8Array, signed: number, mac: Mac): boolean {
  const right = mac(message.subarray(0, signed));
  let difference = 0;
  for (let index = 0; index < MAC_BYTES; index++) difference |= (right[index] ?? 0) ^ (message[signed + index] ?? 0);
  return difference === 0;
}

function cutName(text: string): Uint8Array {
  const encoder = new TextEncoder();
  const whole = encoder.encode(text);
  if (whole.byteLength <= MAX_NAME_BYTES) return whole;
  const room = new Uint8Array(MAX_NAME_BYTES - encoder.encode(CUT_MARK).byteLength);
  // encodeInto never splits a character.
  const { written } = encoder.encodeInto(text, room);
  return new Uint8Array([...room.subarray(0, written), ...encoder.encode(CUT_MARK)]);
}
