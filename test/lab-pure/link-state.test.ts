import { expect, test } from 'vitest';
import { planLab } from '../../src/lab/address-plan.ts';
import { restoreBatch, uplinkStateFrom } from '../../src/lab/link-state.ts';
import { aLabFile } from '../support/lab-file.ts';

const [node] = planLab(aLabFile(), { name: 'x', prefix: 'hf', uid: 0 }).nodes;
if (!node) throw new Error('no node was planned');

// As `ip -j` of iproute2 6.1 printed them in a node's namespace, keys without a meaning here left out.
const link = (flags: string[], addresses: object[]) => JSON.stringify([{ ifname: 'eth0', flags, addr_info: addresses }]);
const v4 = { family: 'inet', local: '10.77.1.11', prefixlen: 24, scope: 'global' };
const v6 = { family: 'inet6', local: 'fd77:0:0:1::11', prefixlen: 64, scope: 'global' };
const linkLocal = { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' };
const routes4 = '[{"dst":"default","gateway":"10.77.1.1","flags":[]},{"dst":"10.77.1.0/24","protocol":"kernel","scope":"link","flags":[]}]';
const routes6 = '[{"dst":"fe80::/64","protocol":"kernel","metric":256},{"dst":"default","gateway":"fd77:0:0:1::1","metric":1024}]';

const whole = uplinkStateFrom({ link: link(['BROADCAST', 'UP'], [linkLocal, v6, v4]), routes: [routes4, routes6] }, 'eth0');
const cut = uplinkStateFrom({ link: link(['BROADCAST'], [v4]), routes: ['[]', ''] }, 'eth0');

test('an uplink’s state is what a person set: no link-local address, no route that the kernel makes by itself', () => {
  expect(whole).toEqual({
    isUp: true,
    addresses: ['10.77.1.11/24 dev eth0', 'fd77:0:0:1::11/64 dev eth0'],
    routes: ['0.0.0.0/0 via 10.77.1.1 dev eth0', '::/0 via fd77:0:0:1::1 dev eth0 metric 1024'],
  });
  expect(cut).toEqual({ isUp: false, addresses: ['10.77.1.11/24 dev eth0'], routes: [] });
});

test('restoring adds what the cut took, and removes what came in between', () => {
  expect(restoreBatch(node, whole, { ...cut, addresses: [...cut.addresses, '10.9.9.9/32 dev eth0'] })).toBe(
    [
      'link set eth0 up',
      'address add fd77:0:0:1::11/64 dev eth0',
      'address delete 10.9.9.9/32 dev eth0',
      'route replace 0.0.0.0/0 via 10.77.1.1 dev eth0',
      'route replace ::/0 via fd77:0:0:1::1 dev eth0 metric 1024',
      '',
    ].join('\n'),
  );
});

test('a link that was down before is put down again', () => {
  expect(restoreBatch(node, cut, whole)).toBe('link set eth0 down\naddress delete fd77:0:0:1::11/64 dev eth0\n');
});

test('a recorded state that is none is refused instead of half restored', () => {
  expect(() => restoreBatch(node, { isUp: true, addresses: 'all' }, cut)).toThrow('not understood');
});
