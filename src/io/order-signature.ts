// Orders to agents are signed by the service's key (Ed25519, RFC 8032), and taken only when that signature is right.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { type Order, order, type SignedOrder } from '../core/agent-messages.ts';
import { AppError } from '../core/errors.ts';

export type SigningKey = {
  privateKey: KeyObject;
  /** PEM (SPKI): what an enrolment tells, and an agent pins. */
  publicPem: string;
};

/** A new key that signs orders, as the PEM (PKCS #8) to keep in a file of mode 0600. */
export function newSigningKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The signing key from the text of its file. @throws AppError BAD_INPUT when it is no Ed25519 key */
export function signingKey(pem: string): SigningKey {
  const privateKey = ed25519(() => createPrivateKey(pem));
  return { privateKey, publicPem: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString() };
}

/** `SHA256:` and the hash of the key in base64, as OpenSSH writes fingerprints. @throws AppError BAD_INPUT when it is no Ed25519 key */
export function keyFingerprint(publicPem: string): string {
  const der = ed25519(() => createPublicKey(publicPem)).export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(der).digest('base64').replace(/=+$/, '')}`;
}

/** The order as a text, and the signature over exactly that text. */
export function signOrder(unsigned: Order, key: SigningKey): SignedOrder {
  const text = JSON.stringify(unsigned);
  return { order: text, signature: sign(null, Buffer.from(text), key.privateKey).toString('base64') };
}

/**
 * The order, if this very text was signed by that key.
 * @param publicPem the pinned key
 * @throws AppError FORBIDDEN when it was not, PROTOCOL when it is signed and yet no order that this version knows
 */
export function verifiedOrder(signed: SignedOrder, publicPem: string): Order {
  const signature = Buffer.from(signed.signature, 'base64');
  if (
    !verify(
      null,
      Buffer.from(signed.order),
      ed25519(() => createPublicKey(publicPem)),
      signature,
    )
  ) {
    throw new AppError('FORBIDDEN', 'the order is not signed by the key that this agent pinned', {
      remedy: 'find out who writes to this agent’s queue; only the service with the pinned key may',
    });
  }
  const parsed = order.safeParse(JSON.parse(signed.order));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError('PROTOCOL', `the order is not understood at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, {
    remedy: 'service and agent should be of the same version',
  });
}

function ed25519(read: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (cause) {
    throw new AppError('BAD_INPUT', 'expected an Ed25519 key in PEM', { cause });
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new AppError('BAD_INPUT', `expected an Ed25519 key, found one of type ${key.asymmetricKeyType ?? 'secret'}`);
}
