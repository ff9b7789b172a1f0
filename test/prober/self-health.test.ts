import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kernelReadings, receiveErrors, socketDrops } from '../../src/prober/kernel-readings.ts';
import { type Illness, SelfHealth } from '../../src/prober/self-health.ts';

function aHealth() {
  const ill: Illness[] = [];
  const kernel = { drops: 5, suspendedMs: 1_000, hasAddresses: true };
  const readings = { kernelDrops: () => kernel.drops, suspendedMs: () => kernel.suspendedMs, hasAddresses: () => kernel.hasAddresses };
  return { ill, kernel, health: new SelfHealth(0, readings, (illness) => ill.push(illness)) };
}

describe('a prober knows that it was ill', () => {
  test('when a tick came over 100 ms after the one before, in every second the gap touches', () => {
    const { health, ill } = aHealth();
    for (const t of [20, 40, 140, 2_950, 3_060]) health.tick(t);
    expect(ill.map(({ fromT, untilT }) => [fromT, untilT])).toEqual([
      [140, 2_950],
      [2_950, 3_060],
    ]);
    expect([0, 1, 2, 3, 4].map((bin) => health.isIllBin(bin))).toEqual([true, true, true, true, false]);
    expect(health.illMs(0, 3_060)).toBe(2_920);
    expect(health.illMs(2_000, 3_000)).toBe(1_000);
    expect(health.wasIll(0, 140)).toBe(false);
    expect(health.wasIll(0, 141)).toBe(true);
    expect(health.wasIll(3_060, 3_160)).toBe(false);
  });

  test('before the first tick after a stall: a reply that is read then lay in its socket meanwhile', () => {
    const { health, ill } = aHealth();
    health.tick(20);
    expect(health.wasIll(10, 120)).toBe(false);
    expect(health.wasIll(10, 121)).toBe(true);
    expect(health.illMs(70, 130)).toBe(60);
    expect(ill).toEqual([]);
  });

  test('when the kernel dropped datagrams it should have read, or the machine slept', () => {
    const { health, ill, kernel } = aHealth();
    health.read(1_000);
    expect(ill).toEqual([]);
    kernel.drops = 7;
    health.read(2_000);
    kernel.suspendedMs = 61_000;
    health.read(3_000);
    expect(ill.map(({ why }) => why)).toEqual(['the kernel dropped received datagrams', 'the machine was suspended']);
    expect(health.isIllBin(2)).toBe(true);
  });

  test('while an address that it dials from has left: those seconds do not count, but a flow that fell silent in them is over', () => {
    const { health, ill, kernel } = aHealth();
    kernel.hasAddresses = false;
    for (let t = 100; t <= 1_000; t += 100) health.tick(t);
    health.read(1_000);
    kernel.hasAddresses = true;
    health.read(2_000);
    expect(ill).toEqual([{ fromT: 0, untilT: 1_000, why: 'this machine did not have its source address' }]);
    expect(health.isIllBin(0)).toBe(true);
    expect(health.illMs(0, 1_000)).toBe(0);
  });

  test('for exactly the time of its gaps, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 50 }), (steps) => {
        const { health } = aHealth();
        let t = 0;
        for (const step of steps) health.tick((t += step));
        expect(health.illMs(0, t)).toBe(steps.filter((step) => step > 100).reduce((sum, step) => sum + step, 0));
        expect(health.wasIll(0, t)).toBe(steps.some((step) => step > 100));
      }),
    );
  });
});

test('the kernel says whether this machine has an address', () => {
  const has = (sourceAddresses: string[]) => kernelReadings({ isOurs: () => false, sourceAddresses }).hasAddresses();
  expect(has([])).toBe(true);
  expect(has(['127.0.0.1', '127.3.2.1'])).toBe(true);
  expect(has(['127.0.0.1', '198.51.100.7'])).toBe(false); // TEST-NET-2: no machine has it
});

describe("the kernel's counters", () => {
  test('of dropped datagrams are read for both families', () => {
    const snmp = [
      'Ip: Forwarding DefaultTTL',
      'Ip: 1 64',
      'Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors',
      'Udp: 1037 6 3 1052 3 0 0 11 0',
      'UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors',
      'UdpLite: 0 0 0 0 9',
    ].join('\n');
    expect(receiveErrors(snmp, 'Udp6InErrors                    \t4\nUdp6RcvbufErrors                \t4\n')).toBe(7);
    expect(receiveErrors('', '')).toBe(0);
  });

  test('of a socket count only when the socket is ours', () => {
    const table = [
      '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             ',
      '  363: 0100007F:2AF8 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 22042 2 0000000000000000 12        ',
      ' 7081: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 20106 2 0000000000000000 900       ',
      '',
    ].join('\n');
    expect(socketDrops(table, (port) => port === 0x2af8)).toBe(12);
    expect(socketDrops('', () => true)).toBe(0);
  });
});
