// One end of a keeper's link: many local connections over one sealed stream, and the certainty, within seconds, that the other end is there.
//
// Nothing here waits for anybody: who does not read what it is told loses its own connection, never that of the others.
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { decodeFrame, encodeFrame, encodeRecord, type LinkFrame, MAX_PAYLOAD_BYTES, RecordCutter } from '../core/keeper-link.ts';
import type { LinkSeals } from './link-keys.ts';

export type LinkTimes = {
  /** Between two beats. */
  beatMs: number;
  /** Silence that ends the link; well inside the keeper's lease (15 s), so that a run is told before its fault is reverted. */
  deadMs: number;
};
export const LINK_TIMES: LinkTimes = { beatMs: 2_000, deadMs: 6_000 };

export type LinkOptions = {
  /** After the handshake. */
  stream: Duplex;
  seals: LinkSeals;
  /** Opens the local connection that the other end asks for; null where the other end may ask for none. */
  dial: (() => Socket) | null;
  /** What a local connection is told, at the beginning of a line, when it ends for a reason. */
  farewell: ((why: string) => string) | null;
  /** Monotonic, ms. */
  now: () => number;
  times?: LinkTimes;
};

/** At a time. */
const MAX_CHANNELS = 64;
/** The longest line that is relayed, and the most that waits for a local connection which does not read. */
const MAX_LINE_BYTES = 1 << 20;
const MAX_UNREAD_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/** `inLine`: bytes that the local connection was sent since the last end of a line. */
type Channel = { id: number; local: Socket; inLine: number; why: string };

export class RelayLink implements Disposable {
  /** Resolves with the reason once the link is over. */
  readonly closed: Promise<string>;
  /** Resolves at the first frame of the other end: it holds the keys that were agreed upon. Never resolves when none comes. */
  readonly ready: Promise<void>;
  readonly #options: LinkOptions;
  readonly #times: LinkTimes;
  readonly #cutter = new RecordCutter();
  readonly #channels = new Map<number, Channel>();
  readonly #beat: NodeJS.Timeout;
  #nextChannel = 1;
  #heardMs: number;
  #tickMs: number;
  /** Since when the other end takes nothing. */
  #blockedMs: number | null = null;
  #isOver = false;
  #tellClosed: (why: string) => void = () => undefined;
  #tellReady: () => void = () => undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#times = options.times ?? LINK_TIMES;
    this.#heardMs = this.#tickMs = options.now();
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    this.ready = new Promise((resolve) => {
      this.#tellReady = resolve;
    });
    const { stream } = options;
    stream.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    stream.on('drain', () => {
      this.#unblock();
    });
    stream.on('error', (error) => {
      this.end(`the connection broke: ${error.message}`);
    });
    for (const event of ['end', 'close']) {
      stream.once(event, () => {
        this.end('the other end closed the connection');
      });
    }
    this.#beat = setInterval(() => {
      this.#tick();
    }, this.#times.beatMs);
    this.#send({ kind: 'beat' });
  }

  /** On the monotonic clock: the last frame of the other end. */
  get heardMs(): number {
    return this.#heardMs;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Relays a local connection to one that the other end opens for it. */
  relay(local: Socket): void {
    if (this.#isOver || this.#channels.size >= MAX_CHANNELS) {
      this.#sayFarewell({ id: 0, local, inLine: 0, why: '' }, this.#isOver ? 'the link is over' : 'it has too many connections already');
      return;
    }
    const id = this.#nextChannel++;
    this.#send({ kind: 'open', channel: id });
    this.#attach(id, local);
  }

  /** Ends the link and every local connection on it. */
  end(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#beat);
    this.#options.stream.destroy();
    for (const channel of this.#channels.values()) this.#sayFarewell(channel, why);
    this.#channels.clear();
    this.#tellClosed(why);
  }

  [Symbol.dispose](): void {
    this.end('it was ended');
  }

  #tick(): void {
    const nowMs = this.#options.now();
    if (this.#stoodStill(nowMs)) return;
    this.#tickMs = nowMs;
    const { deadMs } = this.#times;
    if (nowMs - this.#heardMs > deadMs) this.end(`nothing was heard for ${String(deadMs / 1_000)} s`);
    else if (this.#blockedMs !== null && nowMs - this.#blockedMs > deadMs) this.end('the other end takes nothing any more');
    else if (this.#blockedMs === null) this.#send({ kind: 'beat' });
  }

  /** What waited for a process that stood still is of another time: a command to a keeper must not arrive late. */
  #stoodStill(nowMs: number): boolean {
    if (nowMs - this.#tickMs <= this.#times.deadMs) return false;
    this.end(`this process stood still for ${((nowMs - this.#tickMs) / 1_000).toFixed(1)} s`);
    return true;
  }

  #take(chunk: Buffer): void {
    const nowMs = this.#options.now();
    if (this.#isOver || this.#stoodStill(nowMs)) return;
    const isRecords = this.#cutter.push(chunk, (sealed) => {
      if (this.#isOver) return;
      const opened = this.#options.seals.incoming.open(sealed);
      const frame = opened && decodeFrame(opened);
      if (!frame) {
        this.end('the other end sent what its keys did not seal');
        return;
      }
      this.#heardMs = nowMs;
      this.#tellReady();
      this.#handle(frame);
    });
    if (!isRecords) this.end('the other end sent what is no record of a link');
  }

  #handle(frame: LinkFrame): void {
    switch (frame.kind) {
      case 'beat':
        return;
      case 'open':
        this.#open(frame.channel);
        return;
      case 'data':
        this.#deliver(frame.channel, frame.bytes);
        return;
      case 'end': {
        const channel = this.#channels.get(frame.channel);
        this.#channels.delete(frame.channel);
        if (channel) this.#sayFarewell(channel, frame.why);
      }
    }
  }

  #open(id: number): void {
    const { dial } = this.#options;
    if (dial === null || this.#channels.has(id)) this.end('the other end opened what it may not');
    else if (this.#channels.size >= MAX_CHANNELS)
      this.#send({ kind: 'end', channel: id, why: 'the keeper has too many connections already' });
    else this.#attach(id, dial());
  }

  #attach(id: number, local: Socket): void {
    const channel: Channel = { id, local, inLine: 0, why: '' };
    this.#channels.set(id, channel);
    local.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += MAX_PAYLOAD_BYTES) {
        if (this.#channels.get(id) !== channel) return;
        this.#send({ kind: 'data', channel: id, bytes: chunk.subarray(at, at + MAX_PAYLOAD_BYTES) });
      }
    });
    local.on('error', (error) => {
      channel.why = error.message;
    });
    local.once('close', () => {
      if (this.#channels.get(id) === channel) this.#drop(channel, channel.why);
    });
    if (this.#blockedMs !== null) local.pause();
  }

  #deliver(id: number, bytes: Uint8Array): void {
    const channel = this.#channels.get(id);
    if (!channel) return; // it ended here in this moment, and the other end was told
    const last = bytes.lastIndexOf(NEWLINE);
    const first = last < 0 ? bytes.byteLength : bytes.indexOf(NEWLINE);
    if (channel.inLine + first > MAX_LINE_BYTES) {
      this.#drop(channel, 'the line is longer than any message is');
      return;
    }
    channel.inLine = last < 0 ? channel.inLine + bytes.byteLength : bytes.byteLength - last - 1;
    channel.local.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (channel.local.writableLength > MAX_UNREAD_BYTES) this.#drop(channel, 'it does not read what it is told');
  }

  /** Ends one connection at this end, and tells the other. */
  #drop(channel: Channel, why: string): void {
    this.#channels.delete(channel.id);
    this.#send({ kind: 'end', channel: channel.id, why });
    channel.local.destroy();
  }

  #sayFarewell({ local, inLine }: Channel, why: string): void {
    const { farewell } = this.#options;
    if (why !== '' && farewell !== null && inLine === 0 && local.writable) local.write(farewell(why));
    local.destroySoon();
  }

  #send(frame: LinkFrame): void {
    if (this.#isOver) return;
    const { stream, seals } = this.#options;
    if (stream.write(encodeRecord(seals.outgoing.seal(encodeFrame(frame)))) || this.#blockedMs !== null) return;
    this.#blockedMs = this.#options.now();
    for (const { local } of this.#channels.values()) local.pause();
  }

  #unblock(): void {
    this.#blockedMs = null;
    for (const { local } of this.#channels.values()) local.resume();
  }
}
