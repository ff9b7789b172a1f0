// What an agent refuses to hold, whoever signed it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admitted } from '../../src/agent/allow-list.ts';
import type { AllowList } from '../../src/core/agent-file.ts';
import type { Population } from '../../src/core/control.ts';
import { aPopulation } from '../support/a-prober.ts';
import { aHolding } from './a-service.ts';

const ALLOW: AllowList = {
  cidrs: ['127.0.0.0/8', '2001:db8::/32'],
  ports: [{ from: 7_000, until: 7_010 }],
  maxFlows: 100,
  maxExchangesPerSec: 500,
  maxFreshDialsPerSec: 20,
  minInterval: 100,
};
const vip = (address: string, port = 7_000) => ({ name: 'web', address, port, policy: 'local' as const });
const refusalOf = (population: Partial<Population>) =>
  admitted([aHolding(7_000, { populations: [aPopulation(7_000, population)] })], ALLOW)[0]?.refusal;

describe('an agent', () => {
  it('holds what lies within its limits, to their last', () => {
    expect(refusalOf({})).toBeNull();
    expect(refusalOf({ vip: vip('2001:db8::7', 7_010), count: 50, freshDialsPerSec: 20 })).toBeNull();
  });

  it.each<[string, Partial<Population>, string]>([
    ['another network', { vip: vip('198.51.100.7') }, 'allow.cidrs'],
    ['an IPv4 address in the clothes of IPv6', { vip: vip('::ffff:198.51.100.7') }, 'is no address'],
    ['an address in another spelling', { vip: vip('127.1') }, 'is no address'],
    ['a name', { vip: vip('localhost') }, 'is no address'],
    ['a zone', { vip: vip('fe80::1%eth0') }, 'is no address'],
    ['another port', { vip: vip('127.0.0.1', 22) }, 'allow.ports'],
    ['a port just beyond', { vip: vip('127.0.0.1', 7_011) }, 'allow.ports'],
    ['too many flows', { count: 101, intervalMs: 1_000 }, 'allow.maxFlows'],
    ['too many exchanges', { count: 51 }, 'allow.maxExchangesPerSec'],
    ['too many fresh dials', { freshDialsPerSec: 21 }, 'allow.maxFreshDialsPerSec'],
    ['too short an interval', { intervalMs: 99 }, 'allow.minInterval'],
    ['no interval', { intervalMs: 0 }, 'allow.minInterval'],
    ['an interval that is no number', { intervalMs: NaN }, 'allow.minInterval'],
    ['a stall before its time, which dials anew', { stallAfterMs: 10, timeoutMs: 10 }, 'too short'],
    ['a timeout beyond the stall', { timeoutMs: 301 }, 'at most stallAfter'],
    ['packets larger than any probe’s', { payloadBytes: 65_000 }, 'a payload of'],
    ['a negative number of flows', { count: -5 }, 'no sense'],
  ])('refuses %s', (_, population, why) => {
    expect(refusalOf(population)).toContain(why);
  });

  it('refuses the port of one VIP at the address of another, where its file names the pairs', () => {
    const vips = [
      { address: '127.0.0.1', port: 7_000 },
      { address: '127.0.0.2', port: 7_001 },
    ];
    const refusal = (address: string, port: number) =>
      admitted([aHolding(7_000, { populations: [aPopulation(7_000, { vip: vip(address, port) })] })], { ...ALLOW, vips })[0]?.refusal;
    expect([refusal('127.0.0.1', 7_000), refusal('127.0.0.2', 7_001)]).toEqual([null, null]);
    expect(refusal('127.0.0.1', 7_001)).toContain('allow.vips');
    expect(refusal('127.0.0.2', 7_000)).toContain('allow.vips');
  });

  it('refuses addresses that a prober would stumble over', () => {
    const nodes = [{ name: 'n1', addresses: ['nowhere'], podCidrs: [] }];
    expect(admitted([aHolding(7_000, { nodes })], ALLOW)[0]?.refusal).toContain('is no address');
    expect(admitted([aHolding(7_000, { sourceAddresses: ['0x7f.1'] })], ALLOW)[0]?.refusal).toContain('is no address');
  });

  it('holds a monitor whole or not at all, and never more than its limits together', () => {
    const population = fc
      .record({
        count: fc.integer({ min: 1, max: 80 }),
        intervalMs: fc.constantFrom(50, 100, 500, 1_000),
        freshDialsPerSec: fc.integer({ min: 0, max: 15 }),
        protocol: fc.constantFrom('tcp', 'udp'),
        vip: fc.constantFrom(vip('127.0.0.1'), vip('127.0.0.2'), vip('192.0.2.1')),
      })
      .map((each) => aPopulation(7_000, { ...each, timeoutMs: 300, stallAfterMs: 3_000 }));
    const holdings = fc
      .array(fc.array(population, { minLength: 1, maxLength: 4 }), { maxLength: 6 })
      .map((all) => all.map((populations, index) => aHolding(7_000, { monitor: `m${String(index)}`, populations })));
    fc.assert(
      fc.property(holdings, (orders) => {
        const admissions = admitted(orders, ALLOW);
        expect(admissions.map(({ holding }) => holding)).toEqual(orders);
        const held = admissions.flatMap(({ holding, refusal }) => (refusal === null ? holding.populations : []));
        expect(held.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(ALLOW.maxFlows);
        expect(held.reduce((sum, { count, intervalMs }) => sum + (count * 1_000) / intervalMs, 0)).toBeLessThanOrEqual(500);
        for (const each of held) expect(each.vip.address).not.toBe('192.0.2.1');
      }),
    );
  });

  it('holds a monitor once', () => {
    expect(admitted([aHolding(7_000), aHolding(7_000)], ALLOW).map(({ refusal }) => refusal)).toEqual([
      null,
      expect.stringContaining('twice'),
    ]);
  });
});
