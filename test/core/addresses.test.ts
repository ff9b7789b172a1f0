import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  block,
  canonicalAddress,
  familyOf,
  hostPrefix,
  isInPrefix,
  isInRange,
  networkGroups,
  prefixAround,
  specialRange,
} from '../../src/core/addresses.ts';

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

test('what is no ordinary address of the Internet is called by its range, also where IPv6 carries IPv4', () => {
  for (const [address, range] of [
    ['127.0.0.1', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['10.1.2.3', 'private'],
    ['100.64.0.1', 'carrierGradeNat'],
    ['169.254.169.254', 'linkLocal'],
    ['168.63.129.16', 'reserved'],
    ['192.0.0.192', 'reserved'],
    ['224.0.0.1', 'multicast'],
    ['::1', 'loopback'],
    ['::ffff:8.8.8.8', 'ipv4Mapped'],
    ['::7f00:1', 'reserved'],
    ['64:ff9b::7f00:1', 'rfc6052'],
    ['64:ff9b:1::7f00:1', 'rfc6052'],
    ['2002:7f00:1::', '6to4'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'teredo'],
    ['2a00:1450::5efe:7f00:1', 'isatap'],
    ['2a00:1450::200:5efe:7f00:1', 'isatap'],
    ['fd00:ec2::254', 'uniqueLocal'],
    ['fe80::1%eth0', 'linkLocal'],
    ['fec0::1', 'deprecatedSiteLocal'],
    ['4000::1', 'reserved'],
    ['web', 'no address'],
    ['', 'no address'],
    ['1', 'no address'],
  ]) {
    expect([address, specialRange(address ?? '')]).toEqual([address, range]);
  }
  for (const address of ['8.8.8.8', '1.1.1.1', '168.63.129.17', '2606:4700::1111', '2a00:1450:4001::5eff:1']) {
    expect(specialRange(address)).toBeNull();
  }
});

test('no address of a private or local block is ordinary', () => {
  const blocks = [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '100.64.0.0/10',
    'fc00::/7',
    'fe80::/10',
    '::/8',
  ];
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const canonical = canonicalAddress(text) ?? '';
      if (blocks.some((cidr) => isInPrefix(canonical, cidr))) expect(specialRange(text)).not.toBeNull();
    }),
    { numRuns: 2_000 },
  );
});

test('a range holds both its ends, a prefix what it covers, and what is neither holds nothing', () => {
  expect(isInRange('10.0.0.7', '10.0.0.0/24')).toBe(true);
  for (const address of ['10.0.0.5', '10.0.0.9', '10.0.0.7']) expect(isInRange(address, '10.0.0.5 - 10.0.0.9')).toBe(true);
  for (const address of ['10.0.0.4', '10.0.0.10', 'fd00::5']) expect(isInRange(address, '10.0.0.5-10.0.0.9')).toBe(false);
  expect(isInRange('fd00::ffff', 'fd00::1-fd00::1:0')).toBe(true);
  for (const range of ['', '10.0.0.5', 'a-b', '10.0.0.1-fd00::1']) expect(isInRange('10.0.0.5', range)).toBe(false);
});

test('the prefix around an address begins at its network', () => {
  expect(prefixAround('10.0.0.7', 24)).toBe('10.0.0.0/24');
  expect(prefixAround('10.0.0.7', 32)).toBe('10.0.0.7/32');
  expect(prefixAround('fd00::1:7', 112)).toBe('fd00::1:0/112');
});
