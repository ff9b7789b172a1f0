// The fault node-down: the node's links are cut without a word, so that only timers tell.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Node } from '../../core/environment.ts';
import { type Fault, need } from './fault.ts';

const linkState = z.looseObject({ isUp: z.boolean() });

export const nodeDown: Fault<Node> = {
  kind: 'node-down',
  summary: 'The links of the node are cut; the router notices when its hold timer expires.',
  aimedAt: 'node',
  params: {},
  needs: ['links'],
  breaksBy: ['links', 'routes'],

  touches({ target }) {
    return [`${target.name}: cuts its network links`];
  },

  headline({ target }) {
    return `${target.name} was cut off`;
  },

  async preState({ target, devices }, signal) {
    return await need(devices, 'links').linkState(target.name, signal);
  },

  async inject({ target, devices }, _before, signal) {
    await need(devices, 'links').cutLinks(target.name, signal);
  },

  async revert({ target, devices }, before, signal) {
    await need(devices, 'links').restoreLinks(target.name, linkState.parse(before), signal);
  },

  async read({ target, devices }, before, signal) {
    const now = await need(devices, 'links').linkState(target.name, signal);
    return { isInForce: !now.isUp, isRestored: isDeepStrictEqual(asJson(now), asJson(linkState.parse(before))), foreign: [] };
  },
};

/** The pre-state has been through a file: what JSON leaves out must not count as a difference. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
