// IP addresses and prefixes, always in their one canonical text form.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

export type Family = 4 | 6;

/** The canonical text of an address (RFC 5952 for IPv6; an IPv4-mapped one as IPv4); null when it is none. */
export function canonicalAddress(text: string): string | null {
  const bare = text.replace(/%[\w.-]+$/, ''); // the zone of a link-local address (RFC 4007 section 11)
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return bare; // the only such text of its address
  return ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare).toString() : null;
}

/** 4 or 6. The address must be a valid one. */
export function familyOf(address: string): Family {
  return ipaddr.parse(address).kind() === 'ipv4' ? 4 : 6;
}

/** Whether `address` lies in `prefix` (`10.0.0.0/8`); false when the families differ. */
export function isInPrefix(address: string, prefix: string): boolean {
  const parsed = ipaddr.process(address);
  const [network, bits] = ipaddr.parseCIDR(prefix);
  return parsed.kind() === network.kind() && parsed.match(network, bits);
}

/**
 * Whether `address` lies in `range`, a prefix or `first-last`, both ends counted; false when the families differ.
 * A range that is none holds nothing.
 */
export function isInRange(address: string, range: string): boolean {
  if (ipaddr.isValidCIDR(range)) return isInPrefix(address, range);
  const [first = '', last = ''] = range.split('-').map((end) => end.trim());
  if (!ipaddr.isValid(first) || !ipaddr.isValid(last)) return false;
  const [low, asked, high] = [first, address, last].map((end) => ipaddr.process(end));
  if (!low || !asked || !high || low.kind() !== asked.kind() || high.kind() !== asked.kind()) return false;
  const number = (of: ipaddr.IPv4 | ipaddr.IPv6) => of.toByteArray().reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return number(low) <= number(asked) && number(asked) <= number(high);
}

/** The prefix of `length` bits that `address` lies in: 10.0.0.7 and 24 make 10.0.0.0/24. */
export function prefixAround(address: string, length: number): string {
  const cidr = `${address}/${String(length)}`;
  const network = familyOf(address) === 4 ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${network.toString()}/${String(length)}`;
}

/** The single-address prefix of a VIP: /32 or /128. */
export function hostPrefix(address: string): string {
  return `${address}/${familyOf(address) === 4 ? '32' : '128'}`;
}

/** Addresses that the registries call plain unicast and that are none: a cloud's metadata and wire server, IPv4 spelled as IPv6. */
const MORE_SPECIAL = ['168.63.129.16/32', '::/96'];
/** The only unicast of the Internet (RFC 4291 section 2.4, IANA's registry). */
const GLOBAL_IPV6 = '2000::/3';

/**
 * What makes `address` no ordinary address of the Internet (`loopback`, `private`, `teredo` …); null for one that is ordinary.
 * An IPv6 form that carries an IPv4 address is special whatever it carries. What cannot be parsed is special too.
 * Source: IANA's special-purpose registries (RFC 6890), RFC 5214 (ISATAP).
 */
export function specialRange(address: string): string | null {
  const bare = address.replace(/%[\w.-]+$/, '');
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return 'no address';
  const parsed = ipaddr.parse(bare);
  if (parsed.range() !== 'unicast') return parsed.range();
  const isIn = (cidr: string) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return parsed.kind() === network.kind() && parsed.match(network, bits);
  };
  if (MORE_SPECIAL.some(isIn)) return 'reserved';
  if (parsed instanceof ipaddr.IPv4) return null;
  const [high = 0, low = 0] = parsed.parts.slice(4, 6);
  if ((high & 0xfdff) === 0 && low === 0x5efe) return 'isatap';
  return isIn(GLOBAL_IPV6) ? null : 'reserved';
}

/** An address in a file, canonical once parsed. */
export const address = z
  .string({ error: 'expected an IPv4 or IPv6 address' })
  .refine((text) => canonicalAddress(text) !== null, { message: 'expected an IPv4 or IPv6 address' })
  .transform((text) => canonicalAddress(text) ?? text);

/** A prefix in a file, such as 10.77.0.0/16 or fd77::/48. */
export const prefix = z
  .string({ error: 'expected a prefix such as 10.77.0.0/16' })
  .refine((text) => ipaddr.isValidCIDR(text), { message: 'expected a prefix such as 10.77.0.0/16' });

/** A block for a lab in a file: unicast addresses of one family, no smaller than /`maxLength`. */
export function block(family: Family, maxLength: number) {
  const expected = `expected a block of IPv${String(family)} unicast addresses of /${String(maxLength)} or larger`;
  return z.string({ error: expected }).refine((text) => isBlock(text, family, maxLength), { message: expected });
}

function isBlock(text: string, family: Family, maxLength: number): boolean {
  if (!ipaddr.isValidCIDR(text)) return false;
  const [network, length] = ipaddr.parseCIDR(text);
  const isUnicast = !['multicast', 'loopback', 'linkLocal', 'unspecified', 'broadcast'].includes(network.range());
  return network.kind() === `ipv${String(family)}` && isUnicast && length <= maxLength;
}

/** The groups of a prefix's first address: four octets of IPv4, eight 16-bit numbers of IPv6. */
export function networkGroups(cidr: string): number[] {
  const [address] = ipaddr.parseCIDR(cidr);
  return address.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(cidr).octets : ipaddr.IPv6.networkAddressFromCIDR(cidr).parts;
}
