import { expect, test } from 'vitest';
import { planLab } from '../../src/lab/address-plan.ts';
import { announceCommands, networkCommands, nodeConfig, readAnnouncing, routerConfig } from '../../src/lab/frr-config.ts';
import { aClusterLabFile, aLabFile } from '../support/lab-file.ts';

const plan = planLab(aLabFile({ nodes: 2, holdTime: '9s' }), { name: 'golden', prefix: 'hf', uid: 0 });
const [node] = plan.nodes;

test('the router and a node are configured as the goldens say', async () => {
  await expect(routerConfig(plan)).toMatchFileSnapshot('../golden/lab/router.bgpd.conf');
  if (!node) throw new Error('no node was planned');
  await expect(nodeConfig(plan, node)).toMatchFileSnapshot('../golden/lab/node.bgpd.conf');
});

test('networks are announced and withdrawn in their own address family, one command an element', () => {
  const commands = networkCommands({ announce: ['10.77.10.1', 'fd77:0:0:10::3'], withdraw: ['10.77.10.2'] });
  expect(commands).toEqual([
    'configure terminal',
    'router bgp 64500',
    'address-family ipv4 unicast',
    'no network 10.77.10.2/32',
    'exit-address-family',
    'address-family ipv4 unicast',
    'network 10.77.10.1/32',
    'exit-address-family',
    'address-family ipv6 unicast',
    'network fd77:0:0:10::3/128',
    'exit-address-family',
  ]);
});

test('withholding is read back from the running configuration, whatever else stands there', () => {
  for (const isAnnouncing of [true, false]) {
    const line = announceCommands(isAnnouncing).find((command) => command.startsWith('route-map')) ?? '';
    expect(readAnnouncing(`!\nroute-map OTHER permit 10\nexit\n!\n${line}\nexit\n`)).toBe(isAnnouncing);
  }
  expect(readAnnouncing('hostname n1\n')).toBeNull();
});

test('the router of a cluster waits to be dialled: a speaker of MetalLB does not listen', () => {
  const config = routerConfig(planLab(aClusterLabFile(), { name: 'x', prefix: 'hf', uid: 0 }));
  for (const peer of ['10.77.1.11', '10.77.1.12', '10.77.1.13']) expect(config).toContain(` neighbor ${peer} passive\n`);
  expect(routerConfig(plan)).not.toContain('passive');
});
