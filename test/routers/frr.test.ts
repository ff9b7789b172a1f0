// What FRR says, captured from FRR 8.4.4, and what is read out of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBgpConfig } from '../../src/routers/frr-config.ts';
import { parseSessions } from '../../src/routers/frr-sessions.ts';
import { openRouter } from '../../src/routers/index.ts';

function captured(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
}

describe('the running configuration', () => {
  test('tells AS number, neighbours and which of them are shut down, with or without a message', () => {
    const { asn, neighbours } = parseBgpConfig(captured('frr-8.4-show-running-config-bgpd.txt'));
    expect(asn).toBe(65_000);
    expect([...neighbours].map(([peer, { isShut }]) => [peer, isShut])).toEqual([
      ['10.99.0.11', false],
      ['10.99.0.12', true],
      ['10.99.0.13', false],
      ['fd99::11', false],
      ['fd99::12', false],
      ['fd99::13', true],
    ]);
  });

  test('without a BGP instance is an error and not an empty list: so FRR answers while bgpd is down', () => {
    const text = 'Building configuration...\n\nCurrent configuration:\n!\nhostname r\n!\nend\n';
    expect(() => parseBgpConfig(text)).toThrow(expect.objectContaining({ code: 'DEVICE_OUTPUT' }));
  });

  test('another VRF is another instance', () => {
    const text =
      'router bgp 65000\n neighbor 192.0.2.1 remote-as 1\nexit\n!\nrouter bgp 65000 vrf red\n neighbor 192.0.2.1 shutdown\nexit\n';
    expect(parseBgpConfig(text).neighbours.get('192.0.2.1')?.isShut).toBe(false);
    expect(() => parseBgpConfig('router bgp 65000 vrf red\n neighbor 192.0.2.1 shutdown\nexit\n')).toThrow();
  });

  test('an address is found however the configuration spells it; a name or a prefix is no neighbour', () => {
    const text =
      'router bgp 1\n neighbor 2001:DB8:0::1 remote-as 1\n neighbor GROUP peer-group\n neighbor eth0 interface remote-as external\nexit\n';
    expect([...parseBgpConfig(text).neighbours]).toEqual([['2001:db8::1', { spelling: '2001:DB8:0::1', isShut: false }]]);
  });
});

describe('the list of sessions', () => {
  test('tells state, shutdown and the last reason in the router’s own words', () => {
    const sessions = parseSessions(captured('frr-8.4-show-bgp-neighbors.json'));
    expect(sessions).toHaveLength(6);
    expect(sessions[0]).toEqual({ peer: '10.99.0.11', state: 'Established', isShut: false, reason: 'Waiting for peer OPEN' });
    expect(sessions[1]).toEqual({ peer: '10.99.0.12', state: 'Idle', isShut: true, reason: 'Admin. shutdown' });
  });

  test.each(['', 'bgpd is not running', '[]', '{"192.0.2.1":{}}', '{"192.0.2.1":'])('refuses %j instead of guessing', (output) => {
    expect(() => parseSessions(output)).toThrow(expect.objectContaining({ code: 'DEVICE_OUTPUT' }));
  });

  test('no answer at all makes it do anything but return sessions or refuse', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (output) => {
        try {
          expect(Array.isArray(parseSessions(output))).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'DEVICE_OUTPUT' });
        }
      }),
    );
  });
});

test('a driver that does not exist is refused with those that do', () => {
  expect(() => openRouter({ name: 'tor', driver: 'cisco', netns: null, vtysh: [] })).toThrow(
    expect.objectContaining({ remedy: 'name one of frr' }),
  );
});
