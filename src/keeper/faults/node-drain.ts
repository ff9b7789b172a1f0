// The fault node-drain: the node gives up its responders, and before that its routes where the scenario asks for it.
//
// What becomes of the routes of a node without responders is not ours to decide: under `local` they leave by themselves once the
// cluster notices, under `cluster` they stay. That is what a drain shows.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { hostPrefix } from '../../core/addresses.ts';
import type { NodeChange } from '../../core/capabilities.ts';
import type { Node } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import { type Aim, type Fault, need } from './fault.ts';

const nodeState = z.record(z.string(), z.unknown());
/** `advertise` null: the routes are left alone. */
const preState = z.object({ serve: nodeState, advertise: nodeState.nullable() });
type PreState = z.infer<typeof preState>;

/** How long each half of a drain may take to be seen. */
const STEP_MS = 10_000;
const POLL_MS = 50;

const ORDERS = ['withdraw-first', 'evict-first'] as const;
const order = z.enum(ORDERS, { error: 'expected withdraw-first or evict-first' }).default('evict-first').meta({
  description:
    'withdraw-first: the routes leave, then the responders stop. evict-first: the responders stop, and the routes are left to the cluster: under local they follow when it notices, under cluster they stay.',
  default: 'evict-first',
});

export const nodeDrain: Fault<Node> = {
  kind: 'node-drain',
  summary: 'The node is drained: cordoned and its pods evicted, its routes withdrawn before or left to the cluster.',
  aimedAt: 'node',
  params: { order },
  needs: ['router', 'advertise', 'serve'],
  breaksBy: ['pods', 'routes'],

  touches({ target, params }) {
    const stop = `${target.name}: stops its responders (in Kubernetes: cordons it and evicts its pods)`;
    switch (orderOf(params)) {
      case 'withdraw-first':
        return [`${target.name}: withdraws its routes`, stop];
      case 'evict-first':
        return [stop];
    }
  },

  headline({ target, params }) {
    return `${target.name} was drained (${orderOf(params)})`;
  },

  async forecast({ target, params, devices }, signal) {
    const refusals = await need(devices, 'serve').obstaclesToStop(target.name, signal);
    if (orderOf(params) === 'withdraw-first') refusals.push(...(await need(devices, 'advertise').obstaclesToWithdraw(target.name, signal)));
    return { refusals };
  },

  async preState({ target, params, devices }, signal): Promise<PreState> {
    need(devices, 'router'); // whatever the order: a fault needs the same everywhere
    const advertise = need(devices, 'advertise');
    return {
      serve: await need(devices, 'serve').serveState(target.name, signal),
      advertise: orderOf(params) === 'withdraw-first' ? await advertise.advertiseState(target.name, signal) : null,
    };
  },

  async inject(aim, before, signal) {
    const { serve, advertise } = changesOf(aim, before);
    if (advertise) {
      await need(aim.devices, 'advertise').withdraw(advertise, signal);
      if (!(await until(async () => !(await isNextHop(aim, signal)), signal))) {
        const { name } = aim.target;
        throw new AppError('TIMEOUT', `${name} withdrew its routes, and it still is a next hop after ${String(STEP_MS / 1_000)} s`);
      }
    }
    await need(aim.devices, 'serve').stopServing(serve, signal);
  },

  async revert(aim, before, signal) {
    const { serve, advertise } = changesOf(aim, before);
    const control = need(aim.devices, 'serve');
    await control.restoreServing(serve, signal);
    if (!advertise) return;
    // Routes before responders would bring traffic to a node that refuses it.
    await until(async () => (await control.readStop(serve, signal)).isRestored, signal);
    await need(aim.devices, 'advertise').restoreAdvertising(advertise, signal);
  },

  async read(aim, before, signal) {
    const { serve, advertise } = changesOf(aim, before);
    const readings = [await need(aim.devices, 'serve').readStop(serve, signal)];
    if (advertise) readings.push(await need(aim.devices, 'advertise').readWithdrawal(advertise, signal));
    return {
      isInForce: readings.every(({ isInForce }) => isInForce),
      isRestored: readings.every(({ isRestored }) => isRestored),
      foreign: readings.flatMap(({ foreign }) => foreign),
    };
  },
};

function orderOf(params: Aim['params']): z.output<typeof order> {
  return order.parse(params.order);
}

function changesOf({ target, mark }: Aim<Node>, before: unknown): { serve: NodeChange; advertise: NodeChange | null } {
  const was = preState.parse(before);
  return {
    serve: { node: target.name, before: was.serve, mark },
    advertise: was.advertise && { node: target.name, before: was.advertise, mark },
  };
}

async function isNextHop({ target, devices, environment }: Aim<Node>, signal: AbortSignal): Promise<boolean> {
  const router = need(devices, 'router');
  for (const vip of environment.vips) {
    const hops = await router.nextHops(hostPrefix(vip.address), signal);
    if (hops.some((hop) => target.addresses.includes(hop))) return true;
  }
  return false;
}

/** Asks until it holds; false when it does not in time. */
async function until(holds: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  for (const deadline = performance.now() + STEP_MS; performance.now() < deadline;) {
    if (await holds()) return true;
    await sleep(POLL_MS, undefined, { signal });
  }
  return false;
}
