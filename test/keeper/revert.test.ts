// How long a revert is tried, and what is said of one that did not succeed.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { deploymentRollout } from '../../src/keeper/faults/deployment-rollout.ts';
import { FAULTS } from '../../src/keeper/faults/index.ts';
import { revertFault } from '../../src/keeper/revert.ts';
import { SmallNetwork } from '../support/small-network.ts';

const { signal } = new AbortController();
const fault = { fault: 'f1', kind: 'bgp-session-down', target: 'n2', params: {}, runId: 'run' };
const preState = { peers: ['10.0.0.2', 'fd00::2'].map((peer) => ({ peer, isShut: false })) };

test('a device that takes its time for each command is waited for, also when nothing is to be tried twice', async () => {
  const network = new SmallNetwork();
  network.shut.set('10.0.0.2', true).set('fd00::2', true);
  network.beforeAct = () => sleep(700);
  const { environment, devices } = network;
  const end = await revertFault({ ...fault, preState }, { environment, devices, faults: FAULTS }, { limitMs: 0, signal });
  expect(end).toEqual({ type: 'fault.verified' });
  expect([...network.shut.values()]).not.toContain(true);
});

test('of a fault that is to end by itself the reason says what has not come about yet', async () => {
  const network = new SmallNetwork(3, 'kubernetes');
  const { environment, devices } = network;
  const [target] = environment.vips;
  if (!target) throw new Error('a network with a VIP');
  const named = { fault: 'f1', kind: 'deployment-rollout', target: target.name, params: {}, runId: 'run' };
  const aim = { environment, target, params: {}, devices, mark: 'run/f1' };
  const rollout = { ...named, preState: await deploymentRollout.preState(aim, signal) };
  await deploymentRollout.inject(aim, rollout.preState, signal);
  const revert = () => revertFault(rollout, { environment, devices, faults: FAULTS }, { limitMs: 0, signal });
  expect(await revert()).toEqual({ type: 'fault.unverified', reason: 'it was not seen yet that the rollout is whole' });
  network.cluster.settle();
  expect(await revert()).toEqual({ type: 'fault.verified' });
});
