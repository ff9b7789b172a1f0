// The fault node-exclude: the node is told to advertise no VIP, and goes on serving (in Kubernetes by the label
// node.kubernetes.io/exclude-from-external-load-balancers).
import { z } from 'zod';
import type { NodeChange } from '../../core/capabilities.ts';
import type { Node } from '../../core/environment.ts';
import { type Aim, type Fault, need } from './fault.ts';

const preState = z.record(z.string(), z.unknown());

export const nodeExclude: Fault<Node> = {
  kind: 'node-exclude',
  summary: 'The node stops advertising its VIPs and goes on serving, as with the label exclude-from-external-load-balancers.',
  aimedAt: 'node',
  params: {},
  needs: ['advertise'],
  breaksBy: ['routes'],

  touches({ target }) {
    return [`${target.name}: withdraws its routes (in Kubernetes: labels it exclude-from-external-load-balancers)`];
  },

  headline({ target }) {
    return `${target.name} was excluded from load balancing`;
  },

  async forecast({ target, devices }, signal) {
    return { refusals: await need(devices, 'advertise').obstaclesToWithdraw(target.name, signal) };
  },

  async preState({ target, devices }, signal) {
    return await need(devices, 'advertise').advertiseState(target.name, signal);
  },

  async inject(aim, before, signal) {
    await need(aim.devices, 'advertise').withdraw(changeOf(aim, before), signal);
  },

  async revert(aim, before, signal) {
    await need(aim.devices, 'advertise').restoreAdvertising(changeOf(aim, before), signal);
  },

  async read(aim, before, signal) {
    return await need(aim.devices, 'advertise').readWithdrawal(changeOf(aim, before), signal);
  },
};

function changeOf({ target, mark }: Aim<Node>, before: unknown): NodeChange {
  return { node: target.name, before: preState.parse(before), mark };
}
