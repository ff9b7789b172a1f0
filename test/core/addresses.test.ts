import fc from 'fast-check';
import { expect, test } from 'vitest';
import { block, canonicalAddress, familyOf, hostPrefix, isInPrefix, networkGroups } from '../../src/core/addresses.ts';

test('an address has one text, however it was written', () => {
  expect(canonicalAddress('FD77:0::0001')).toBe('fd77::1');
  expect(canonicalAddress('::ffff:10.77.0.1')).toBe('10.77.0.1');
  expect(canonicalAddress('fe80::1%eth0')).toBe('fe80::1');
  for (const text of ['10.77.1', '10.77.0.256', 'fe80::1::2', 'web', '', '1']) expect(canonicalAddress(text)).toBeNull();
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const canonical = canonicalAddress(text) ?? '';
      expect(canonicalAddress(canonical)).toBe(canonical);
      expect(isInPrefix(canonical, hostPrefix(canonical))).toBe(true);
    }),
  );
});

test('a prefix of the other family holds no address', () => {
  expect(isInPrefix('10.77.0.1', '::/0')).toBe(false);
  expect(isInPrefix('fd77::1', '0.0.0.0/0')).toBe(false);
  expect(familyOf('fd77::1')).toBe(6);
});

test('a block too small for a lab, of the other family, or not for unicast is refused', () => {
  const isAccepted = (family: 4 | 6, text: string) => block(family, family === 4 ? 16 : 48).safeParse(text).success;
  expect(['10.77.0.0/16', '10.0.0.0/8'].every((text) => isAccepted(4, text))).toBe(true);
  expect(['fd77::/48', 'fd00::/8'].every((text) => isAccepted(6, text))).toBe(true);
  for (const text of ['10.77.0.0/20', 'fd77::/48', '127.0.0.0/8', '224.0.0.0/8', '10.77.0.0']) expect(isAccepted(4, text)).toBe(false);
  for (const text of ['fd77::/64', 'ff00::/16', '10.77.0.0/16', 'fe80::/48']) expect(isAccepted(6, text)).toBe(false);
});

test('the groups of a block are those of its first address', () => {
  expect(networkGroups('10.77.9.9/16')).toEqual([10, 77, 0, 0]);
  expect(networkGroups('fd77:1:2:3::4/48').slice(0, 4)).toEqual([0xfd77, 1, 2, 0]);
});
