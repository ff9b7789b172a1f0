// Packets of all nodes put together again: what was said on each 5-tuple, when, and through which node.
import type { Packet } from './captured-packets.ts';
import type { Behind, NatTwins } from './nat-twins.ts';

/** Something that a node's uplink saw, in ms of the run. */
export type Moment = { t: number; node: string };
/** `behind`: the pod that gave it; null where none is known, or nobody looked. */
export type Answered = Moment & { behind: Behind | null };

/** One TCP connection, or everything ever said on a UDP 5-tuple. */
export type Conversation = {
  /** Client's packets that want an answer: the hello and each heartbeat, as first seen. */
  requests: Moment[];
  /** Packets with a payload back to the client. */
  answers: Answered[];
  /** ICMP errors sent to the client. */
  unreachables: Moment[];
  /** Whether anything but a hello was ever asked: what only says hello is a dial and holds nothing. */
  hasHeartbeats: boolean;
  firstT: number;
  /** How the connection ended, by the first packet that ends it. */
  end: (Moment & { by: 'server-reset' | 'server-close' | 'client' }) | null;
};

export type CapturedBy = { node: string; packets: readonly Packet[] };

const HEARTBEAT = 3;
/** A connection sends less than this, and the next one on its 5-tuple starts further on (RFC 6528: 4 us a number). */
const SEQUENCE_SPAN = 1 << 18;

/** `tcp 10.0.0.2:40000 10.0.9.1:7000` */
export function tupleKey(of: { protocol: string; address: string; port: number; vip: string; vipPort: number }): string {
  return `${of.protocol} ${of.address}:${String(of.port)} ${of.vip}:${String(of.vipPort)}`;
}

/**
 * The conversations of each 5-tuple in the order in which they began; `zeroUnixMs` is t = 0 of the run.
 * @param twins what pods sent, where that was captured too
 */
export function conversationsOf(
  captures: readonly CapturedBy[],
  zeroUnixMs: number,
  twins: NatTwins | null = null,
): Map<string, Conversation[]> {
  const all = captures.flatMap(({ node, packets }) => packets.map((packet) => ({ node, packet })));
  all.sort((a, b) => a.packet.unixMs - b.packet.unixMs);
  const tuples = new Map<string, Tuple>();
  for (const { node, packet } of all) {
    const key = tupleKey({
      protocol: packet.protocol,
      address: packet.clientAddress,
      port: packet.clientPort,
      vip: packet.vipAddress,
      vipPort: packet.vipPort,
    });
    let tuple = tuples.get(key);
    if (!tuple) tuples.set(key, (tuple = new Tuple()));
    tuple.take(packet, { t: packet.unixMs - zeroUnixMs, node }, twins);
  }
  return new Map([...tuples].map(([key, tuple]) => [key, tuple.conversations]));
}

type Numbered = Conversation & { firstSequence: number; nextSequence: number };

class Tuple {
  readonly conversations: Numbered[] = [];
  /** The conversation that each node heard last: a reset that answers it may carry no number to tell it by. */
  readonly #lastHeard = new Map<string, Numbered>();

  take(packet: Packet, moment: Moment, twins: NatTwins | null): void {
    if (packet.isUnreachable) this.conversations.at(-1)?.unreachables.push(moment);
    else if (packet.direction === 'in') this.#takeRequest(packet, moment);
    else this.#takeAnswer(packet, { ...moment, behind: twins?.behind(packet) ?? null });
  }

  #takeRequest(packet: Packet, moment: Moment): void {
    const conversation =
      packet.protocol === 'udp' ? (this.conversations[0] ?? this.#begin(packet, moment)) : this.#ofClient(packet, moment);
    if (!conversation) return;
    this.#lastHeard.set(moment.node, conversation);
    if (packet.flags?.rst === true || packet.flags?.fin === true) conversation.end ??= { ...moment, by: 'client' };
    const lastByte = (packet.sequence + packet.payloadBytes - conversation.firstSequence) >>> 0;
    // A retransmission asks nothing new.
    if (packet.payloadBytes === 0 || (packet.protocol === 'tcp' && lastByte <= conversation.nextSequence)) return;
    conversation.nextSequence = lastByte;
    conversation.requests.push(moment);
    if (packet.messageType === HEARTBEAT) conversation.hasHeartbeats = true;
  }

  #takeAnswer(packet: Packet, moment: Answered): void {
    const conversation = packet.protocol === 'udp' ? this.conversations[0] : this.#ofServer(packet, moment);
    if (!conversation) return;
    if (packet.payloadBytes > 0) conversation.answers.push(moment);
    if (packet.flags?.rst) conversation.end ??= { ...moment, by: 'server-reset' };
    else if (packet.flags?.fin) conversation.end ??= { ...moment, by: 'server-close' };
  }

  #ofClient(packet: Packet, moment: Moment): Numbered | undefined {
    const isOpening = packet.flags?.syn === true && !packet.flags.ack;
    if (isOpening && this.conversations.at(-1)?.firstSequence !== packet.sequence) return this.#begin(packet, moment);
    return this.conversations.findLast((each) => (packet.sequence - each.firstSequence) >>> 0 < SEQUENCE_SPAN);
  }

  #ofServer(packet: Packet, moment: Moment): Numbered | undefined {
    if (!packet.flags?.ack) return this.#lastHeard.get(moment.node);
    return this.conversations.findLast((each) => (packet.acknowledged - each.firstSequence) >>> 0 < SEQUENCE_SPAN);
  }

  #begin(packet: Packet, moment: Moment): Numbered {
    const conversation: Numbered = {
      requests: [],
      answers: [],
      unreachables: [],
      hasHeartbeats: false,
      firstT: moment.t,
      end: null,
      firstSequence: packet.sequence,
      nextSequence: 0,
    };
    this.conversations.push(conversation);
    return conversation;
  }
}
