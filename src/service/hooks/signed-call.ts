// The signature of a generic hook's call, as Standard Webhooks 1.0 has it: over its id, its time and its body.
import { Webhook } from 'standardwebhooks';
import { isSame } from '../api/tokens.ts';

/** As the specification recommends; also for how long ids must be remembered at least. */
const TOLERANCE_MS = 5 * 60_000;

export type SignedCall = { body: string; headers: Readonly<Record<string, string | string[] | undefined>>; nowMs: number };

/**
 * Whether who knows `secret` made this call, a short while ago.
 * @param secret `whsec_` and base64, or base64 alone
 * @returns the call's id, which is signed as well; or why it is not valid
 */
export function verifyCall(secret: string, { body, headers, nowMs }: SignedCall): { id: string } | { why: string } {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headers[name]);
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') {
    return { why: 'the headers webhook-id, webhook-timestamp and webhook-signature are not all there' };
  }
  if (!/^[\w.:-]{1,200}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return { why: 'webhook-id or webhook-timestamp is malformed' };
  const atMs = Number(timestamp) * 1_000;
  // The library judges time by the machine's own clock, so it only signs here. Signed first: only who knows the secret learns of our clock.
  const expected = new Webhook(secret).sign(id, new Date(atMs), body);
  const isValid = signatures.split(' ').some((signature) => isSame(signature, expected));
  if (!isValid) return { why: 'the signature does not fit' };
  if (Math.abs(nowMs - atMs) > TOLERANCE_MS) return { why: 'webhook-timestamp is more than five minutes from now' };
  return { id };
}
