// UDP: datagrams from a connected socket, each with its own proof, answered without a prior hello.
import { createSocket, type Socket } from 'node:dgram';
import { canonicalAddress, familyOf } from '../../core/addresses.ts';
import {
  decodeAnswer,
  decodeEcho,
  encodeHeartbeat,
  encodeHello,
  MessageType,
  readHeader,
  sealHeartbeat,
  setSequence,
} from '../../core/wire.ts';
import { type Conversation, type Listener, type Protocol, type Target, type Tools, troubleOf } from './protocol.ts';

/** A hello is sent again until answered: nothing else would repair the loss of one datagram. But not for ever into a dead path. */
const GREET_AGAIN_MS = 400;
const GREETINGS = 4;

export const udp: Protocol = {
  name: 'udp',
  breaksForGood: false,
  dial: (target, tools, listener) => new UdpConversation(target, tools, listener),
};

class UdpConversation implements Conversation {
  listener: Listener;
  readonly #target: Target;
  readonly #tools: Tools;
  readonly #socket: Socket;
  #heartbeat: Uint8Array | null = null;
  #greeting: { hello: Uint8Array; nonce: bigint; sentMs: number; sent: number } | null = null;
  #greetAgain: NodeJS.Timeout | null = null;
  #isConnected = false;
  #isOver = false;

  constructor(target: Target, tools: Tools, listener: Listener) {
    this.#target = target;
    this.#tools = tools;
    this.listener = listener;
    const family = familyOf(target.address);
    this.#socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      ipv6Only: family === 6,
      // Only literal addresses are used: no resolver thread, no detour.
      lookup: (hostname, _options, callback) => {
        callback(null, hostname, family);
      },
    });
    this.#socket.on('error', (error) => {
      this.#trouble(error);
    });
    this.#socket.on('message', (message) => {
      this.#take(message);
    });
    // Later, since a bind that fails would tell the listener before the caller knows this conversation.
    process.nextTick(() => {
      this.#connect();
    });
  }

  get sourceAddress(): string {
    return this.#target.sourceAddress ?? canonicalAddress(this.#socket.address().address) ?? '';
  }

  greet(): void {
    if (this.#isOver || this.#greeting) return;
    const { keyId, mac, runTag } = this.#tools;
    const { flow, intervalMs } = this.#target;
    const nonce = this.#tools.nonce();
    this.#greeting = { nonce, sentMs: this.#tools.now(), sent: 0, hello: encodeHello({ keyId, runTag, flow, intervalMs, nonce }, mac) };
    this.#sendHello(this.#greeting);
    this.#greetAgain = setInterval(() => {
      if (this.#greeting && this.#greeting.sent < GREETINGS) this.#sendHello(this.#greeting);
      else this.#stopGreeting();
    }, GREET_AGAIN_MS);
  }

  heartbeat(sequence: number): boolean {
    if (this.#isOver) return false;
    const { keyId, runTag, mac } = this.#tools;
    this.#heartbeat ??= encodeHeartbeat({ keyId, runTag, flow: this.#target.flow, bytes: this.#target.payloadBytes });
    setSequence(this.#heartbeat, sequence);
    sealHeartbeat(this.#heartbeat, mac);
    this.#send(this.#heartbeat, () => {
      this.listener.onUnsent(sequence);
    });
    return true;
  }

  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isConnected = false;
    this.#stopGreeting();
    this.#socket.close();
  }

  #connect(): void {
    if (this.#isOver) return;
    const { address, port, sourceAddress, sourcePort } = this.#target;
    // A connected socket alone is told of ICMP errors.
    const connect = () => {
      this.#socket.connect(port, address, (error?: Error) => {
        if (this.#isOver) return;
        if (error) {
          this.#trouble(error);
          return;
        }
        this.#isConnected = true;
        this.greet();
      });
    };
    this.#socket.bind({ ...(sourceAddress === null ? {} : { address: sourceAddress }), port: sourcePort, exclusive: true }, connect);
  }

  #take(message: Buffer): void {
    if (this.#isOver) return;
    const header = readHeader(message);
    if (header?.bytes !== message.byteLength) return;
    switch (header.type) {
      case MessageType.echo:
        this.listener.onEcho(decodeEcho(message));
        return;
      case MessageType.answer: {
        const answer = decodeAnswer(message, this.#tools.mac);
        if (!answer || answer.nonce !== this.#greeting?.nonce) return;
        const rttMs = this.#tools.now() - this.#greeting.sentMs;
        this.#stopGreeting();
        this.listener.onAnswer(answer, rttMs);
        return;
      }
      case MessageType.hello:
      case MessageType.heartbeat: // nobody has reason to send us one
    }
  }

  #stopGreeting(): void {
    if (this.#greetAgain) clearInterval(this.#greetAgain);
    this.#greetAgain = null;
    this.#greeting = null;
  }

  #sendHello(greeting: { hello: Uint8Array; sent: number }): void {
    greeting.sent += 1;
    this.#send(greeting.hello, () => undefined);
  }

  /** An ICMP error about an earlier datagram makes the next `send` fail unsent: that one is sent again. */
  #send(message: Uint8Array, onUnsent: () => void): void {
    this.#socket.send(message, (error) => {
      if (!error || this.#isOver) return;
      this.#trouble(error);
      if (!this.#isConnected) return;
      this.#socket.send(message, (again) => {
        if (again && !this.#isOver && troubleOf(again, false).kind === 'own') onUnsent();
      });
    });
  }

  #trouble(error: Error): void {
    if (this.#isOver) return;
    // Before it is connected, an error is the end of it; after, it tells of one datagram only.
    const trouble = troubleOf(error, !this.#isConnected);
    if (trouble.isOver) this.reset();
    this.listener.onTrouble(trouble);
  }
}
