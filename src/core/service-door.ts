// How the file of an agent or of a keeper names the service that it belongs to: its URL, its authority, the fingerprint of its key.
import { z } from 'zod';
import { canonicalAddress, specialRange } from './addresses.ts';

const A_SERVICE = 'expected an https URL, or unix:/path of the socket';

/** Whether what is said to this http or redis URL leaves the machine unencrypted. */
export function isInTheClear(url: string): boolean {
  if (!/^(http|redis):/i.test(url)) return false;
  if (!URL.canParse(url)) return true;
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const address = canonicalAddress(host);
  return host !== 'localhost' && (address === null || specialRange(address) !== 'loopback');
}

/** @param inTheClear why plain http to another machine is refused, as it goes on after "expected https://" */
export function serviceUrl(inTheClear: string) {
  return z
    .string({ error: A_SERVICE })
    .regex(/^(https?:\/\/[^/\s]|unix:\/)/, { error: A_SERVICE })
    .refine((url) => !isInTheClear(url), { message: `expected https:// ${inTheClear}` })
    .meta({ description: 'URL of the service, https unless it is on this machine; a prefix of the path is kept.' });
}

export const serviceCa = z
  .string()
  .min(1)
  .optional()
  .meta({ description: 'PEM file of the authority that signed the service’s certificate.' });

/** @param missing what is said where there is none at all */
export function keyFingerprint(missing?: string) {
  return z
    .string(missing === undefined ? {} : { error: missing })
    .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, { error: 'expected a fingerprint such as SHA256:…' });
}
