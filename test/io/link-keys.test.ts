import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LinkAnswer } from '../../src/core/keeper-link.ts';
import { acceptAnswer, answerHello, freshKey, type LinkSeals } from '../../src/io/link-keys.ts';
import { keyFingerprint, newSigningKeyPem, signingKey, signOrder, type SigningKey } from '../../src/io/order-signature.ts';

const controller = signingKey(newSigningKeyPem());
const pinned = keyFingerprint(controller.publicPem);

function handshake({ by = controller, keeper = 'rack-7' }: { by?: SigningKey; keeper?: string } = {}) {
  const own = freshKey();
  return { own, ...answerHello({ keeper, key: own.publicText }, by) };
}

function accept(answer: LinkAnswer, own = freshKey()): LinkSeals {
  return acceptAnswer(answer, { keeper: 'rack-7', own, pinned });
}

test('both ends of a handshake can read each other, and nobody else can', () => {
  const { own, answer, seals: service } = handshake();
  const keeper = accept(answer, own);
  for (const text of ['inject', 'renew', '']) {
    expect(keeper.incoming.open(service.outgoing.seal(Buffer.from(text)))?.toString()).toBe(text);
    expect(service.incoming.open(keeper.outgoing.seal(Buffer.from(text)))?.toString()).toBe(text);
  }
  const other = handshake();
  expect(accept(other.answer, other.own).incoming.open(service.outgoing.seal(Buffer.from('inject')))).toBeNull();
});

test('another key is refused, whoever answers at the URL', () => {
  const { own, answer } = handshake({ by: signingKey(newSigningKeyPem()) });
  expect(() => accept(answer, own)).toThrow(/SHA256:.* alone is trusted/);
  // Naming the pinned key is not holding it.
  expect(() => accept({ ...answer, controllerKey: controller.publicPem }, own)).toThrow(/not signed by the key/);
  expect(() => accept({ ...answer, controllerKey: 'none' }, own)).toThrow(/no Ed25519 key/);
});

test('an answer that was recorded earlier opens nothing', () => {
  const { answer } = handshake();
  expect(() => accept(answer)).toThrow(/recorded before/);
});

test('an offer for another keeper is refused', () => {
  const { own, answer } = handshake({ keeper: 'rack-8' });
  expect(() => accept(answer, own)).toThrow(/for the keeper rack-8/);
});

test('an offer whose keys were changed on the way is refused', () => {
  const { own, answer } = handshake();
  const offer = JSON.stringify({ ...(JSON.parse(answer.offer) as object), serviceKey: freshKey().publicText });
  expect(() => accept({ ...answer, offer }, own)).toThrow(/not signed by the key/);
});

test('an order to an agent, which the same key signs, is no offer', () => {
  const order = signOrder({ schema: 1, agent: 'rack-7', serial: 1, issuedMs: 0, holdings: [] }, controller);
  const answer = { offer: order.order, signature: order.signature, controllerKey: controller.publicPem };
  expect(() => accept(answer)).toThrow(/no offer of a link/);
});

test('a key with which everybody agrees on nothing is refused', () => {
  expect(() => answerHello({ keeper: 'rack-7', key: Buffer.alloc(32).toString('base64url') }, controller)).toThrow(/none that can be used/);
});

test('a sealed frame that was changed, repeated, left out or moved is not opened', () => {
  const { own, answer, seals } = handshake();
  const frames = ['one', 'two', 'three'].map((text) => seals.outgoing.seal(Buffer.from(text)));
  const [one, two] = frames;
  if (!one || !two) throw new Error('none');
  const opener = () => accept(answer, own).incoming;
  fc.assert(
    fc.property(fc.nat(one.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(one);
      changed[at] = (changed[at] ?? 0) ^ flip;
      expect(opener().open(changed)).toBeNull();
    }),
  );
  expect(opener().open(two)).toBeNull();
  const repeated = opener();
  expect(repeated.open(one)?.toString()).toBe('one');
  expect(repeated.open(one)).toBeNull();
  expect(opener().open(one.subarray(0, 10))).toBeNull();
});
