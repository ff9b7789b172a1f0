// Who this responder is, and how it proves and tells it.
import { randomBytes } from 'node:crypto';
import { decodeHello, encodeAnswer, type Header, type Hello, type Mac } from '../core/wire.ts';

/** A key under which this responder may be asked, with what it implies; see io/environment-key.ts. */
export type ResponderKey = { readonly id: number; readonly mac: Mac; tag(text: string): bigint };
/** A key that a client has proved to hold. */
export type Acquaintance = { readonly key: ResponderKey; /** Names this boot of the responder in every echo. */ readonly token: bigint };
export type Observed = { address: string; port: number };

export type Greeting = { hello: Hello; answer: Uint8Array; sourceHash: bigint; with: Acquaintance };

/** One process behind the VIP. */
export class OwnIdentity {
  readonly node: string;
  readonly backend: string;
  /** Random for each process: a restart is a new boot. */
  readonly boot = randomBytes(16).toString('hex');
  readonly #acquaintances: Map<number, Acquaintance>;

  constructor(names: { node: string; backend: string }, keys: readonly ResponderKey[]) {
    this.node = names.node;
    this.backend = names.backend;
    this.#acquaintances = new Map(keys.map((key) => [key.id, { key, token: key.tag(this.boot) }]));
  }

  /** The key a header names; undefined for a stranger's. */
  byKeyId(id: number): Acquaintance | undefined {
    return this.#acquaintances.get(id);
  }

  /** The answer to a hello that proves a key we know; null for any other, which must get no answer. */
  greet(message: Uint8Array, header: Header, observed: Observed): Greeting | null {
    const acquaintance = this.byKeyId(header.keyId);
    if (!acquaintance) return null;
    const { key, token } = acquaintance;
    const hello = decodeHello(message, key.mac);
    if (!hello) return null;
    const sourceHash = hashOf(observed, key);
    const answer = encodeAnswer(
      {
        token,
        nonce: hello.nonce,
        sourceHash,
        observedAddress: observed.address,
        observedPort: observed.port,
        node: this.node,
        backend: this.backend,
        boot: this.boot,
      },
      key.id,
      key.mac,
    );
    return { hello, answer, sourceHash, with: acquaintance };
  }
}

/** Tells a client in 8 bytes that the address and port it is seen by have changed. */
export function hashOf(observed: Observed, key: ResponderKey): bigint {
  return key.tag(`${observed.address} ${String(observed.port)}`);
}
