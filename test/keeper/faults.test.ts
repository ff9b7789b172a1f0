// What single faults promise beyond the contract of all.
import { expect, test } from 'vitest';
import { bgpSessionDown } from '../../src/keeper/faults/bgp-session-down.ts';
import type { Node } from '../../src/core/environment.ts';
import type { Aim, Fault } from '../../src/keeper/faults/fault.ts';
import { nodeDrain } from '../../src/keeper/faults/node-drain.ts';
import { SmallNetwork } from '../support/small-network.ts';

const signal = new AbortController().signal;

function aimAt(network: SmallNetwork, params: Record<string, unknown> = {}): Aim<Node> {
  const [, target] = network.environment.nodes;
  if (!target) throw new Error('a network of at least two nodes');
  return { environment: network.environment, target, params, devices: network.devices, mark: 'run/f1' };
}

async function injected(fault: Fault<Node>, aim: Aim<Node>): Promise<unknown> {
  const preState = await fault.preState(aim, signal);
  await fault.inject(aim, preState, signal);
  return preState;
}

test('a session that was shut down before stays shut down after the revert, and no command names it', async () => {
  const network = new SmallNetwork();
  network.shut.set('fd00::2', true);
  const aim = aimAt(network);
  const preState = await injected(bgpSessionDown, aim);
  await bgpSessionDown.revert(aim, preState, signal);
  expect(network.shut.get('fd00::2')).toBe(true);
  expect(network.acts).toEqual(['shut 10.0.0.2', 'unshut 10.0.0.2']);
});

test('a session that an operator opened meanwhile is reported, not shut again', async () => {
  const network = new SmallNetwork();
  network.shut.set('fd00::2', true);
  const aim = aimAt(network);
  const preState = await injected(bgpSessionDown, aim);
  network.shut.set('fd00::2', false);
  await bgpSessionDown.revert(aim, preState, signal);
  expect(network.shut.get('fd00::2')).toBe(false);
  const reading = await bgpSessionDown.read(aim, preState, signal);
  expect(reading.isRestored).toBe(true);
  expect(reading.foreign).toEqual(['the session with fd00::2 was shut down before and no longer is']);
});

test('a node that the router has no session with is refused before anything is touched', async () => {
  const network = new SmallNetwork();
  network.shut.delete('10.0.0.2');
  network.shut.delete('fd00::2');
  await expect(bgpSessionDown.preState(aimAt(network), signal)).rejects.toThrow('tor has no BGP session with n2');
});

test('withdraw-first stops the responders only once the router has let go of the node', async () => {
  const network = new SmallNetwork();
  await injected(nodeDrain, aimAt(network, { order: 'withdraw-first' }));
  expect(network.acts).toEqual(['withdraw n2', 'stopServing n2']);
});

test('evict-first stops the responders, and leaves the routes to the cluster', async () => {
  const network = new SmallNetwork();
  const aim = aimAt(network, { order: 'evict-first' });
  const preState = await injected(nodeDrain, aim);
  expect(network.acts).toEqual(['stopServing n2']);
  await nodeDrain.revert(aim, preState, signal);
  expect(network.acts).toEqual(['stopServing n2', 'serve n2']);
});

test('a drained node serves before it is advertised again', async () => {
  const network = new SmallNetwork();
  const aim = aimAt(network, { order: 'withdraw-first' });
  const preState = await injected(nodeDrain, aim);
  network.acts.length = 0;
  await nodeDrain.revert(aim, preState, signal);
  expect(network.acts).toEqual(['serve n2', 'advertise n2']);
});
