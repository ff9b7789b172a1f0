// The fault node-drain: the node gives up its responders and its routes, in the order that the scenario asks for.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { hostPrefix } from '../../core/addresses.ts';
import { AppError } from '../../core/errors.ts';
import { type Aim, type Fault, need } from './fault.ts';

const preState = z.object({ isServing: z.boolean(), isAdvertising: z.boolean() });
type PreState = z.infer<typeof preState>;

/** How long each half of a drain may take to be seen. */
const STEP_MS = 10_000;
const POLL_MS = 50;

const ORDERS = ['withdraw-first', 'evict-first'] as const;
const order = z.enum(ORDERS, { error: 'expected withdraw-first or evict-first' }).default('evict-first').meta({
  description:
    'withdraw-first: the routes leave, then the responders stop. evict-first: the responders stop, and the routes follow when the cluster notices.',
  default: 'evict-first',
});

export const nodeDrain: Fault = {
  kind: 'node-drain',
  summary: 'The node is drained: its responders stop and its routes are withdrawn.',
  params: { order },
  needs: ['router', 'advertise', 'serve'],

  touches({ target, params }) {
    const stop = `${target.name}: stops its responders`;
    const withdraw = `${target.name}: withdraws its routes`;
    switch (orderOf(params)) {
      case 'withdraw-first':
        return [withdraw, stop];
      case 'evict-first':
        return [stop, `${withdraw}, as soon as the cluster notices`];
    }
  },

  headline({ target, params }) {
    return `${target.name} was drained (${orderOf(params)})`;
  },

  async preState(aim, signal) {
    return await readNow(aim, signal);
  },

  async inject(aim, _before, signal) {
    const { target, params, devices } = aim;
    const advertise = need(devices, 'advertise');
    const serve = need(devices, 'serve');
    switch (orderOf(params)) {
      case 'withdraw-first':
        await advertise.withdraw(target.name, signal);
        if (!(await until(async () => !(await isNextHop(aim, allVips(aim), signal)), signal))) {
          throw new AppError(
            'TIMEOUT',
            `${target.name} withdrew its routes, and it still is a next hop after ${String(STEP_MS / 1_000)} s`,
          );
        }
        await serve.stopServing(target.name, signal);
        return;
      case 'evict-first': {
        await serve.stopServing(target.name, signal);
        // Under `local` the cluster withdraws by itself once it knows; to withdraw for it would hide the dark time that a drain has.
        const local = allVips(aim).filter((vip) => vip.policy === 'local');
        await until(async () => !(await isNextHop(aim, local, signal)), signal);
        await advertise.withdraw(target.name, signal);
      }
    }
  },

  async revert(aim, before, signal) {
    const { target, devices } = aim;
    const { isServing, isAdvertising } = preState.parse(before);
    const serve = need(devices, 'serve');
    if (isServing) {
      await serve.serve(target.name, signal);
      // Routes before responders would bring traffic to a node that refuses it.
      await until(async () => await serve.isServing(target.name, signal), signal);
    }
    if (isAdvertising) await need(devices, 'advertise').advertise(target.name, signal);
  },

  async read(aim, before, signal) {
    const was = preState.parse(before);
    const now = await readNow(aim, signal);
    return {
      isInForce: !now.isServing && !now.isAdvertising,
      isRestored: now.isServing === was.isServing && now.isAdvertising === was.isAdvertising,
      foreign: [],
    };
  },
};

function orderOf(params: Aim['params']): z.output<typeof order> {
  return order.parse(params.order);
}

function allVips(aim: Aim): Aim['environment']['vips'] {
  return aim.environment.vips;
}

async function readNow({ target, devices }: Aim, signal: AbortSignal): Promise<PreState> {
  return {
    isServing: await need(devices, 'serve').isServing(target.name, signal),
    isAdvertising: await need(devices, 'advertise').isAdvertising(target.name, signal),
  };
}

async function isNextHop({ target, devices }: Aim, vips: Aim['environment']['vips'], signal: AbortSignal): Promise<boolean> {
  const router = need(devices, 'router');
  for (const vip of vips) {
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
