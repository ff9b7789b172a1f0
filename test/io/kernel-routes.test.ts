// Reading `ip -j route` and `ip -j neigh`: answers captured from iproute2 6.1 on a router with FRR 8.4.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { parseAliases, parseNextHops } from '../../src/io/kernel-routes.ts';

const captured = (name: string) => readFileSync(new URL(`../fixtures/ip/${name}.json`, import.meta.url), 'utf8');

describe('next hops of a prefix', () => {
  it('are listed in the order in which the kernel hashes over them', () => {
    expect(parseNextHops(captured('ecmp-v4'))).toEqual(['10.99.0.1', '10.99.0.2', '10.99.0.3']);
    expect(parseNextHops(captured('ecmp-v6'))).toEqual(['fd99::1', 'fd99::2', 'fd99::3']);
  });

  it('are those of the better metric, and of the longest prefix however good the metric of a shorter one', () => {
    expect(parseNextHops(captured('mirror-default-aggregate'))).toEqual(['10.99.0.3', '10.99.0.1']);
  });

  it('may speak another address family than the prefix', () => {
    expect(parseNextHops(captured('via-inet6'))).toEqual(['fd99::2']);
  });

  it('leave out a hop behind a dead link', () => {
    expect(parseNextHops(captured('dead-hop'))).toEqual(['10.99.0.1']);
  });

  it('are none for an unreachable route, although a default route stands behind it', () => {
    expect(parseNextHops(captured('unreachable'))).toEqual([]);
  });

  it('are none where the kernel has no route', () => {
    expect(parseNextHops('[]')).toEqual([]);
    expect(parseNextHops('')).toEqual([]);
  });

  it('are none where only a default route covers the prefix, in either family', () => {
    for (const dst of ['default', '0.0.0.0/0', '::/0']) {
      expect(parseNextHops(JSON.stringify([{ dst, gateway: '10.99.200.1', dev: 'v1', flags: [] }]))).toEqual([]);
    }
  });

  it('are one set where IPv6 lists a route for each hop', () => {
    const listed = [
      { dst: 'fd99:100::1', gateway: 'fd99::2', dev: 'br0', metric: 20, flags: [] },
      { dst: 'fd99:100::1', gateway: 'fd99::1', dev: 'br0', metric: 20, flags: [] },
      { dst: 'fd99:100::1', gateway: 'fd99::3', dev: 'br0', metric: 1024, flags: [] },
    ];
    expect(parseNextHops(JSON.stringify(listed))).toEqual(['fd99::2', 'fd99::1']);
  });

  it('refuses what it does not understand instead of calling it no route', () => {
    for (const output of ['Error: any valid prefix is expected', '{}', '[{"gateway":"10.0.0.1"}]']) {
      expect(() => parseNextHops(output)).toThrow(AppError);
    }
  });
});

describe('the owner of a link-local next hop', () => {
  it('is known by the other addresses behind its link-layer address', () => {
    const aliases = parseAliases(captured('neighbours'), 'fe80::88b6:87ff:fefb:86b');
    expect(aliases.toSorted()).toEqual(['10.99.0.1', 'fd99::1', 'fe80::88b6:87ff:fefb:86b']);
  });

  it('is nobody when the kernel does not know the neighbour', () => {
    expect(parseAliases(captured('neighbours'), 'fe80::1')).toEqual([]);
  });
});
