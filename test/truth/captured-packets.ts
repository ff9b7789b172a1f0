// Reads what capture.py wrote: the packets of one interface, as far as the oracle needs them.
import { readFileSync } from 'node:fs';
import { SocketAddress } from 'node:net';

export type TcpFlags = { syn: boolean; ack: boolean; fin: boolean; rst: boolean };

/** One packet to or from a VIP. `client` is the side that is not the VIP's. */
export type Packet = {
  /** Unix time in ms, by the kernel. */
  unixMs: number;
  /** As the node sees it: `in` is towards the VIP. */
  direction: 'in' | 'out';
  protocol: 'tcp' | 'udp';
  clientAddress: string;
  clientPort: number;
  vipAddress: string;
  vipPort: number;
  /** Null for UDP. */
  flags: TcpFlags | null;
  /** TCP's numbers; 0 for UDP. */
  sequence: number;
  acknowledged: number;
  payloadBytes: number;
  /** Type byte of a Holdfast message (FORMATS.md), null when the payload does not start with one. */
  messageType: number | null;
  /** What no address translation changes, and no other packet shares but a repetition; null where there is no payload. */
  fingerprint: string | null;
  /** An ICMP error about a packet of this 5-tuple, and not a packet of it. */
  isUnreachable: boolean;
};

export type Capture = { packets: Packet[]; /** How far the wall clock strayed from the monotonic one meanwhile. */ clockStrayMs: number };

const MAGIC = 'HFCAP1\n';
const PACKET_OUTGOING = 4;
const MESSAGE_MAGIC = 0x4846;
/** Bytes of a payload that tell messages apart: run, flow and number of a request, boot and number of an answer (FORMATS.md). */
const TELLING_BYTES = 40;

/**
 * Reads one capture.
 * @throws Error when it proves nothing: torn, without its end, or with dropped packets
 */
export function readCapture(path: string, vips: ReadonlySet<string>): Capture {
  const file = readFileSync(path);
  if (file.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error(`${path} is no capture`);
  const packets: Packet[] = [];
  const gaps: number[] = [];
  let offset = MAGIC.length;
  for (;;) {
    const kind = String.fromCharCode(file[offset] ?? 0);
    if (kind === 'E') {
      gaps.push(Number(file.readBigInt64LE(offset + 1)));
      const drops = file.readUInt32LE(offset + 13);
      if (drops > 0) throw new Error(`${path}: the kernel dropped ${String(drops)} packets, so that it proves nothing`);
      break;
    }
    if (kind !== 'B') throw new Error(`${path} ends without its last record: the capture was killed`);
    gaps.push(Number(file.readBigInt64LE(offset + 1)));
    const length = file.readUInt32LE(offset + 9);
    readBlock(file.subarray(offset + 13, offset + 13 + length), vips, packets);
    offset += 13 + length;
  }
  return { packets, clockStrayMs: (Math.max(...gaps) - Math.min(...gaps)) / 1e6 };
}

/** A block of TPACKET_V3 (linux/if_packet.h): tpacket_block_desc, then packets, each naming the distance to the next. */
function readBlock(block: Buffer, vips: ReadonlySet<string>, packets: Packet[]): void {
  const count = block.readUInt32LE(12);
  let at = block.readUInt32LE(16);
  for (let index = 0; index < count; index++) {
    const unixMs = block.readUInt32LE(at + 4) * 1000 + block.readUInt32LE(at + 8) / 1e6;
    const captured = block.readUInt32LE(at + 12);
    const frame = at + block.readUInt16LE(at + 24);
    // sockaddr_ll stands behind the header of 48 bytes; its 11th byte is the packet's type.
    const direction = block[at + 48 + 10] === PACKET_OUTGOING ? 'out' : 'in';
    const packet = readFrame(block.subarray(frame, frame + captured), vips);
    if (packet) packets.push({ unixMs, direction, ...packet });
    at += block.readUInt32LE(at);
  }
}

type Read = Omit<Packet, 'unixMs' | 'direction'>;
type Datagram = {
  protocol: number;
  source: string;
  destination: string;
  /** As its header says; a capture may hold less. */ bytes: number;
  body: Buffer;
};

function readFrame(frame: Buffer, vips: ReadonlySet<string>): Read | null {
  const datagram = readDatagram(frame.subarray(14));
  if (!datagram) return null;
  const isError = (datagram.protocol === 1 && datagram.body[0] === 3) || (datagram.protocol === 58 && datagram.body[0] === 1);
  if (!isError) return readSegment(datagram, vips);
  // The error quotes the packet that it is about.
  const quoted = readDatagram(datagram.body.subarray(8));
  const about = quoted ? readSegment(quoted, vips) : null;
  return about && { ...about, isUnreachable: true };
}

function readDatagram(bytes: Buffer): Datagram | null {
  if (bytes.length < 20) return null;
  if (bytes.readUInt8(0) >> 4 === 4) {
    const header = (bytes.readUInt8(0) & 15) * 4;
    return {
      protocol: bytes.readUInt8(9),
      source: [...bytes.subarray(12, 16)].join('.'),
      destination: [...bytes.subarray(16, 20)].join('.'),
      bytes: bytes.readUInt16BE(2) - header,
      body: bytes.subarray(header),
    };
  }
  if (bytes.length < 40) return null;
  return {
    protocol: bytes.readUInt8(6),
    source: ipv6Text(bytes.subarray(8, 24)),
    destination: ipv6Text(bytes.subarray(24, 40)),
    bytes: bytes.readUInt16BE(4),
    body: bytes.subarray(40),
  };
}

function readSegment({ protocol, source, destination, bytes, body }: Datagram, vips: ReadonlySet<string>): Read | null {
  if ((protocol !== 6 && protocol !== 17) || body.length < 8) return null;
  const isTowards = vips.has(destination);
  if (isTowards === vips.has(source)) return null;
  const [clientPort, vipPort] = isTowards ? [body.readUInt16BE(0), body.readUInt16BE(2)] : [body.readUInt16BE(2), body.readUInt16BE(0)];
  const header = protocol === 17 ? 8 : ((body[12] ?? 0) >> 4) * 4;
  const bits = body[13] ?? 0;
  const message = body.subarray(header);
  return {
    protocol: protocol === 6 ? 'tcp' : 'udp',
    clientAddress: isTowards ? source : destination,
    clientPort,
    vipAddress: isTowards ? destination : source,
    vipPort,
    flags: protocol === 6 ? { fin: (bits & 1) !== 0, syn: (bits & 2) !== 0, rst: (bits & 4) !== 0, ack: (bits & 16) !== 0 } : null,
    // An ICMP error may quote no more than the first 8 bytes.
    sequence: protocol === 6 ? body.readUInt32BE(4) : 0,
    acknowledged: protocol === 6 && body.length >= 12 ? body.readUInt32BE(8) : 0,
    payloadBytes: Math.max(0, bytes - header),
    messageType: message.length >= 4 && message.readUInt16BE(0) === MESSAGE_MAGIC ? message.readUInt8(3) : null,
    fingerprint: message.length > 0 ? fingerprintOf(protocol, body, message) : null,
    isUnreachable: false,
  };
}

/** TCP's numbers stay as they are behind a translated address, and so does every payload. */
function fingerprintOf(protocol: number, body: Buffer, message: Buffer): string {
  return `${protocol === 6 ? body.toString('hex', 4, 12) : 'udp'} ${message.toString('hex', 0, TELLING_BYTES)}`;
}

/** In the text form that reports print. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}
