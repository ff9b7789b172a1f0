// What a protocol must be able to do so that flows can be held over it.
//
//   dial --> connects --> hello --> onAnswer (who answered, what it saw) --> heartbeat --> onEcho --> … --> reset
//                 \__________________________ onTrouble: anything that goes wrong, at any time
//
// To add a protocol, write one file with a `Protocol` in it and add it to the list in index.ts; the probe schema, the command
// line and the contract suite (test/contract/protocol) follow by themselves.
import type { Answer, Echo, Mac } from '../../core/wire.ts';

/** A 5-tuple to be used, and what its hello and heartbeats carry. */
export type Target = {
  address: string;
  port: number;
  /** Null: the kernel's choice. */
  sourceAddress: string | null;
  /** Never the kernel's choice: a search for a free port costs seconds with thousands of flows, and a 5-tuple must be repeatable. */
  sourcePort: number;
  flow: number;
  intervalMs: number;
  /** Total size of a heartbeat. */
  payloadBytes: number;
};

/** What all conversations of a prober share. */
export type Tools = {
  keyId: number;
  mac: Mac;
  runTag: bigint;
  /** Monotonic, ms. */
  now: () => number;
  /** 64 random bits. */
  nonce: () => bigint;
  /** Read into by every TCP flow: one buffer for thousands, instead of one a read. */
  readBuffer: Uint8Array;
};

/** Something that went wrong. `own`: the prober's own failure (a port in use, no file descriptors), which says nothing of the path. */
export type Trouble = {
  kind: 'reset' | 'closed' | 'refused' | 'unreachable' | 'timeout' | 'own';
  /** In the kernel's own words, such as ECONNRESET. */
  evidence: string;
  /** Nothing more will come of this conversation; false where it may yet go on (UDP). */
  isOver: boolean;
};

export type Listener = {
  /** @param rttMs from the hello to its answer */
  onAnswer(answer: Answer, rttMs: number): void;
  onEcho(echo: Echo): void;
  /** A heartbeat that `heartbeat` took did not leave after all: the prober's own failure. */
  onUnsent(sequence: number): void;
  onTrouble(trouble: Trouble): void;
};

/** One socket that talks to a responder. */
export type Conversation = {
  /** Who is told; replaced when the dial is over and a flow takes the conversation. */
  listener: Listener;
  /** Address that the other side should see; known once answered. */
  readonly sourceAddress: string;
  /** Asks who is there (again). At most one hello is outstanding. */
  greet(): void;
  /** Sends one heartbeat; false: the prober's own failure. */
  heartbeat(sequence: number): boolean;
  /** Ends it at once, leaving no socket that would hold the port. The listener hears no more. */
  reset(): void;
};

export type Protocol = {
  readonly name: string;
  /** TCP: a broken flow ends, is mapped, and gives its place to a new one. UDP: it is silent, and may be heard again. */
  readonly breaksForGood: boolean;
  /** Connects and greets. The listener is never called before this returns. */
  dial(target: Target, tools: Tools, listener: Listener): Conversation;
};

/**
 * Error codes that only this machine can have caused. EADDRNOTAVAIL: the 5-tuple is in use, or still in TIME_WAIT, or the address has left.
 * Not EACCES, EPERM and EINVAL: a router that forbids a destination by ICMPv6 makes one of them, and so do rules and routes of the path's
 * first hop, which is this machine. A real outage must not be taken for the prober's own failure.
 */
const OWN_FAILURES = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAGAIN']);

/** What the error of a socket means. */
export function troubleOf(error: NodeJS.ErrnoException, isOver: boolean): Trouble {
  const evidence = error.code ?? error.message;
  return { kind: kindOf(evidence), evidence, isOver };
}

function kindOf(code: string): Trouble['kind'] {
  if (OWN_FAILURES.has(code)) return 'own';
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset';
    case 'ETIMEDOUT':
      return 'timeout';
    default:
      return 'unreachable'; // EHOSTUNREACH, ENETUNREACH, EACCES, EPROTO, …: told by the path in an ICMP message
  }
}
