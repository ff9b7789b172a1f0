// How long a revert is tried.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FAULTS } from '../../src/keeper/faults/index.ts';
import { revertFault } from '../../src/keeper/revert.ts';
import { SmallNetwork } from '../support/small-network.ts';

const fault = { fault: 'f1', kind: 'bgp-session-down', target: 'n2', params: {}, runId: 'run' };
const preState = { peers: ['10.0.0.2', 'fd00::2'].map((peer) => ({ peer, isShut: false })) };

test('a device that takes its time for each command is waited for, also when nothing is to be tried twice', async () => {
  const network = new SmallNetwork();
  network.shut.set('10.0.0.2', true).set('fd00::2', true);
  network.beforeAct = () => sleep(700);
  const { environment, devices } = network;
  const signal = new AbortController().signal;
  const end = await revertFault({ ...fault, preState }, { environment, devices, faults: FAULTS }, { limitMs: 0, signal });
  expect(end).toEqual({ type: 'fault.verified' });
  expect([...network.shut.values()]).not.toContain(true);
});
