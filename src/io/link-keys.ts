// The handshake of a keeper's link, and the sealing of what travels on it: X25519, Ed25519 (RFC 8032), HKDF and AES-256-GCM of node:crypto.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { LINK_SCHEMA, type LinkAnswer, type LinkHello, type LinkOffer, linkOffer, SEAL_BYTES } from '../core/keeper-link.ts';
import { keyFingerprint, type SigningKey } from './order-signature.ts';

/** A key for one connection; `publicText` is what the other end is told. */
export type FreshKey = { privateKey: KeyObject; publicText: string };

/** One for each direction. */
export type LinkSeals = { outgoing: Sealer; incoming: Opener };

export function freshKey(): FreshKey {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return { privateKey, publicText: publicKey.export({ format: 'jwk' }).x ?? '' };
}

/** The service's side: a signed offer for this hello, and the seals that go with it. @throws AppError PROTOCOL for a hello without a usable key */
export function answerHello(hello: Pick<LinkHello, 'keeper' | 'key'>, controller: SigningKey): { answer: LinkAnswer; seals: LinkSeals } {
  const own = freshKey();
  const text: LinkOffer = {
    ...{ purpose: 'holdfast keeper link', schema: LINK_SCHEMA },
    ...{ keeper: hello.keeper, keeperKey: hello.key, serviceKey: own.publicText },
  };
  const offer = JSON.stringify(text);
  const { toKeeper, toService } = agreedKeys(own, hello.key, offer);
  return {
    answer: {
      offer,
      signature: sign(null, Buffer.from(offer), controller.privateKey).toString('base64'),
      controllerKey: controller.publicPem,
    },
    seals: { outgoing: new Sealer(toKeeper), incoming: new Opener(toService) },
  };
}

/**
 * The keeper's side: the seals, if the answer is the pinned controller's, to this very hello.
 * @param pinned fingerprint, `SHA256:…`
 * @throws AppError FORBIDDEN when it is not
 */
export function acceptAnswer(answer: LinkAnswer, expected: { keeper: string; own: FreshKey; pinned: string }): LinkSeals {
  const { keeper, own, pinned } = expected;
  const fingerprint = fingerprintOf(answer.controllerKey);
  if (fingerprint !== pinned) throw forbidden(`its key is ${fingerprint}, and ${pinned} alone is trusted`);
  const key = createPublicKey(answer.controllerKey);
  if (!verify(null, Buffer.from(answer.offer), key, Buffer.from(answer.signature, 'base64'))) {
    throw forbidden('what it offers is not signed by the key that it names');
  }
  const offer = linkOffer.safeParse(jsonOf(answer.offer)).data;
  if (!offer) throw forbidden('what it signed is no offer of a link');
  if (offer.keeper !== keeper) throw forbidden(`its offer is for the keeper ${offer.keeper}`);
  if (offer.keeperKey !== own.publicText) throw forbidden('its offer answers another connection: it was recorded before');
  const { toKeeper, toService } = agreedKeys(own, offer.serviceKey, answer.offer);
  return { outgoing: new Sealer(toService), incoming: new Opener(toKeeper) };
}

/** Seals frames, numbered: none can be left out, repeated or moved. */
export class Sealer {
  readonly #key: Buffer;
  #count = 0;

  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(frame: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(this.#count++));
    return Buffer.concat([cipher.update(frame), cipher.final(), cipher.getAuthTag()]);
  }
}

export class Opener {
  readonly #key: Buffer;
  #count = 0;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** @returns null for what the other end did not seal as its next frame: nothing that follows can be believed either */
  open(sealed: Uint8Array): Buffer | null {
    const at = sealed.byteLength - SEAL_BYTES;
    if (at < 0) return null;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(this.#count++), { authTagLength: SEAL_BYTES });
    decipher.setAuthTag(sealed.subarray(at));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, at)), decipher.final()]);
    } catch {
      return null; // the tag is wrong: that is all that node:crypto has to say
    }
  }
}

/** Both fresh keys agree upon a secret, and the offer, which names them, upon what it is for. */
function agreedKeys(own: FreshKey, other: string, offer: string): { toKeeper: Buffer; toService: Buffer } {
  const secret = agreement(own, other);
  const salt = createHash('sha256').update(offer).digest();
  const derive = (direction: string) => Buffer.from(hkdfSync('sha256', secret, salt, `holdfast keeper link, ${direction}`, 32));
  return { toKeeper: derive('to the keeper'), toService: derive('to the service') };
}

/** OpenSSL refuses the keys with which everybody agrees on zero (RFC 7748 section 6.1). */
function agreement(own: FreshKey, other: string): Buffer {
  try {
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: other }, format: 'jwk' });
    return diffieHellman({ privateKey: own.privateKey, publicKey });
  } catch (cause) {
    throw new AppError('PROTOCOL', 'the key that the other end made for this connection is none that can be used', { cause });
  }
}

function nonceOf(count: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(count), 4);
  return nonce;
}

function fingerprintOf(pem: string): string {
  try {
    return keyFingerprint(pem);
  } catch {
    return 'no Ed25519 key at all';
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function forbidden(why: string): AppError {
  return new AppError('FORBIDDEN', `the service is not the one that this keeper trusts: ${why}`, {
    remedy: 'compare the fingerprint with the one that the service tells, and find out who answers at its URL',
  });
}
