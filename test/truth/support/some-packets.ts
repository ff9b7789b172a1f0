// Builds what nodes' uplinks would see of one client, packet by packet.
import type { CapturedBy } from '../conversations.ts';
import type { Packet } from '../captured-packets.ts';

/** t = 0 of the run in Unix ms. */
export const ZERO_UNIX_MS = 1_700_000_000_000;
export const VIP = '10.0.9.1';
export const CLIENT = '10.0.0.2';
export const INTERVAL_MS = 500;
const HELLO = 1;
const ANSWER = 2;
const HEARTBEAT = 3;
const ECHO = 4;
const NO_FLAGS = { syn: false, ack: true, fin: false, rst: false };

export class Wire {
  readonly #packets = new Map<string, Packet[]>([
    ['n1', []],
    ['n2', []],
    ['n3', []],
  ]);

  get captures(): CapturedBy[] {
    return [...this.#packets].map(([node, packets]) => ({ node, packets }));
  }

  add(node: string, t: number, packet: Partial<Packet>): void {
    const whole: Packet = {
      unixMs: ZERO_UNIX_MS + t,
      direction: 'in',
      protocol: 'tcp',
      clientAddress: CLIENT,
      clientPort: 40_000,
      vipAddress: VIP,
      vipPort: 7000,
      flags: packet.protocol === 'udp' ? null : NO_FLAGS,
      sequence: 0,
      acknowledged: 0,
      payloadBytes: 0,
      messageType: null,
      fingerprint: null,
      isUnreachable: false,
      ...packet,
    };
    this.#packets.get(node)?.push(whole);
  }
}

/** One TCP connection of the client, as long as it is told what happens. */
export class Connection {
  readonly #wire: Wire;
  readonly #port: number;
  readonly #first: number;
  #next: number;

  constructor(wire: Wire, port: number, firstSequence: number) {
    this.#wire = wire;
    this.#port = port;
    this.#first = firstSequence;
    this.#next = firstSequence + 1;
  }

  /** Connects through `node`, says hello and is answered. */
  dial(node: string, t: number): this {
    this.#wire.add(node, t, this.#in({ flags: { ...NO_FLAGS, syn: true, ack: false }, sequence: this.#first }));
    this.#wire.add(node, t, this.#out({ flags: { ...NO_FLAGS, syn: true }, acknowledged: this.#next }));
    return this.#exchange(node, t + 1, { messageType: HELLO, payloadBytes: 1024 }, { messageType: ANSWER, payloadBytes: 120 });
  }

  /** A heartbeat every interval over [fromT, untilT), answered. */
  beat(node: string, fromT: number, untilT: number): this {
    for (let t = fromT; t < untilT; t += INTERVAL_MS) {
      this.#exchange(node, t, { messageType: HEARTBEAT, payloadBytes: 64 }, { messageType: ECHO, payloadBytes: 64 });
    }
    return this;
  }

  /** A heartbeat that is seen and not answered. */
  ask(node: string, t: number): this {
    this.#wire.add(node, t, this.#in({ messageType: HEARTBEAT, payloadBytes: 64, sequence: this.#next }));
    this.#next += 64;
    return this;
  }

  /** The client ends it. */
  giveUp(node: string, t: number): this {
    this.#wire.add(node, t, this.#in({ flags: { ...NO_FLAGS, rst: true }, sequence: this.#next }));
    return this;
  }

  /** A node that does not know the connection resets it: such a reset carries no acknowledgement (RFC 9293 section 3.10.7.1). */
  isReset(node: string, t: number): this {
    this.#wire.add(node, t, this.#out({ flags: { ...NO_FLAGS, rst: true, ack: false } }));
    return this;
  }

  isClosed(node: string, t: number): this {
    this.#wire.add(node, t, this.#out({ flags: { ...NO_FLAGS, fin: true }, acknowledged: this.#next }));
    return this;
  }

  #exchange(node: string, t: number, request: Partial<Packet>, answer: Partial<Packet>): this {
    this.#wire.add(node, t, this.#in({ ...request, sequence: this.#next }));
    this.#next += request.payloadBytes ?? 0;
    this.#wire.add(node, t + 1, this.#out({ ...answer, acknowledged: this.#next }));
    return this;
  }

  #in(packet: Partial<Packet>): Partial<Packet> {
    return { clientPort: this.#port, direction: 'in', ...packet };
  }

  #out(packet: Partial<Packet>): Partial<Packet> {
    return { clientPort: this.#port, direction: 'out', ...packet };
  }
}

/** UDP exchanges of the client over [fromT, untilT). */
export function udpBeats(
  wire: Wire,
  about: { port: number; node: string; fromT: number; untilT: number; answered: boolean | 'unreachable' },
): void {
  const { port, node, fromT, untilT, answered } = about;
  for (let t = fromT; t < untilT; t += INTERVAL_MS) {
    const packet = { protocol: 'udp', clientPort: port, payloadBytes: 64 } as const;
    wire.add(node, t, { ...packet, messageType: HEARTBEAT });
    if (answered === 'unreachable') wire.add(node, t, { ...packet, direction: 'out', messageType: HEARTBEAT, isUnreachable: true });
    else if (answered) wire.add(node, t + 1, { ...packet, direction: 'out', messageType: ECHO });
  }
}
