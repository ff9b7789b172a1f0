// Cuts a byte stream into messages by the size in their headers.
import { HEADER_BYTES, type Header, readHeader } from './wire.ts';

export type OnMessage = (message: Uint8Array, header: Header) => void;

/** One direction of one TCP flow. Holds at most one incomplete message. */
export class Framer {
  #rest: Uint8Array | null = null;

  /**
   * Takes the next bytes and calls `onMessage` for each message that is complete. A message is a view into `chunk`
   * (or into a copy) that is valid during the call only.
   * @returns false when the bytes are not ours: the stream cannot be read on
   */
  push(chunk: Uint8Array, onMessage: OnMessage): boolean {
    let bytes = chunk;
    if (this.#rest) {
      bytes = new Uint8Array(this.#rest.byteLength + chunk.byteLength);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.byteLength);
      this.#rest = null;
    }
    let offset = 0;
    while (bytes.byteLength - offset >= HEADER_BYTES) {
      const header = readHeader(offset === 0 ? bytes : bytes.subarray(offset));
      if (!header) return false;
      if (bytes.byteLength - offset < header.bytes) break;
      onMessage(bytes.subarray(offset, offset + header.bytes), header);
      offset += header.bytes;
    }
    // Copied: the chunk may be a buffer that is shared by all flows and read into again at once.
    if (offset < bytes.byteLength) this.#rest = bytes.slice(offset);
    return true;
  }
}
