// TCP: a hello, then heartbeats that come back in order on the same connection.
import { connect, type Socket } from 'node:net';
import { canonicalAddress } from '../../core/addresses.ts';
import { Framer } from '../../core/framing.ts';
import { decodeAnswer, decodeEcho, encodeHeartbeat, encodeHello, type Header, MessageType, setSequence } from '../../core/wire.ts';
import { type Conversation, type Listener, type Protocol, type Target, type Tools, type Trouble, troubleOf } from './protocol.ts';

export const tcp: Protocol = {
  name: 'tcp',
  breaksForGood: true,
  dial: (target, tools, listener) => new TcpConversation(target, tools, listener),
};

class TcpConversation implements Conversation {
  listener: Listener;
  readonly #target: Target;
  readonly #tools: Tools;
  readonly #socket: Socket;
  readonly #framer = new Framer();
  #heartbeat: Uint8Array | null = null;
  #greeting: { nonce: bigint; sentMs: number } | null = null;
  #isOver = false;

  constructor(target: Target, tools: Tools, listener: Listener) {
    this.#target = target;
    this.#tools = tools;
    this.listener = listener;
    this.#socket = connect({
      host: target.address,
      port: target.port,
      ...(target.sourceAddress === null ? {} : { localAddress: target.sourceAddress }),
      localPort: target.sourcePort,
      noDelay: true,
      // With Node's automatic FIN after the peer's, the socket could no longer be reset, and would hold the port in TIME_WAIT.
      allowHalfOpen: true,
      onread: {
        buffer: tools.readBuffer,
        callback: (bytes, buffer) => {
          this.#read(buffer.subarray(0, bytes));
          return true;
        },
      },
    });
    this.#socket.on('connect', () => {
      this.greet();
    });
    this.#socket.on('end', () => {
      this.#over({ kind: 'closed', evidence: 'FIN', isOver: true });
    });
    this.#socket.on('error', (error) => {
      this.#over(troubleOf(error, true));
    });
  }

  get sourceAddress(): string {
    return this.#target.sourceAddress ?? canonicalAddress(this.#socket.localAddress ?? '') ?? '';
  }

  greet(): void {
    if (this.#isOver || this.#greeting) return;
    const { keyId, mac, runTag } = this.#tools;
    this.#greeting = { nonce: this.#tools.nonce(), sentMs: this.#tools.now() };
    const { flow, intervalMs } = this.#target;
    this.#socket.write(encodeHello({ keyId, runTag, flow, intervalMs, nonce: this.#greeting.nonce }, mac));
  }

  heartbeat(sequence: number): boolean {
    if (this.#isOver) return false;
    const { keyId, runTag } = this.#tools;
    this.#heartbeat ??= encodeHeartbeat({ keyId, runTag, flow: this.#target.flow, bytes: this.#target.payloadBytes });
    // While bytes wait for a peer that takes none, the buffer still belongs to the kernel's queue.
    const message = this.#socket.writableLength > 0 ? this.#heartbeat.slice() : this.#heartbeat;
    setSequence(message, sequence);
    this.#socket.write(message);
    return true;
  }

  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // What an error ended needs no end; resetting it makes one more error, stack trace and all, a thousand times when a node goes.
    if (this.#socket.destroyed) return;
    // A socket that is still connecting has nothing to reset; Node would wait for its connection first.
    if (this.#socket.connecting) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #read(chunk: Uint8Array): void {
    if (this.#isOver) return;
    const isOurs = this.#framer.push(chunk, (message, header) => {
      if (!this.#isOver) this.#take(message, header);
    });
    if (!isOurs) this.#over({ kind: 'closed', evidence: 'not a responder', isOver: true });
  }

  #take(message: Uint8Array, header: Header): void {
    switch (header.type) {
      case MessageType.echo:
        this.listener.onEcho(decodeEcho(message));
        return;
      case MessageType.answer: {
        const answer = decodeAnswer(message, this.#tools.mac);
        if (!answer || answer.nonce !== this.#greeting?.nonce) return;
        const rttMs = this.#tools.now() - this.#greeting.sentMs;
        this.#greeting = null;
        this.listener.onAnswer(answer, rttMs);
        return;
      }
      case MessageType.hello:
      case MessageType.heartbeat: // a server that sends back what it gets is no responder
    }
  }

  #over(trouble: Trouble): void {
    if (this.#isOver) return;
    this.reset();
    this.listener.onTrouble(trouble);
  }
}
