// The fault bgp-session-down: the router shuts down its BGP sessions with the node, as an operator would.
import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Node } from '../../core/environment.ts';
import { type Aim, type Fault, need } from './fault.ts';

const preState = z.object({ peers: z.array(z.object({ peer: z.string(), isShut: z.boolean() })).min(1) });
type PreState = z.infer<typeof preState>;

export const bgpSessionDown: Fault<Node> = {
  kind: 'bgp-session-down',
  summary: 'The router shuts down its BGP sessions with the node (neighbor … shutdown).',
  aimedAt: 'node',
  params: {},
  needs: ['router', 'sessions'],
  breaksBy: ['routes'],

  touches({ target, environment }) {
    const router = environment.routers[0]?.name ?? 'the router';
    return [`${router}: shuts down every BGP session with ${target.name} (${target.addresses.join(', ')})`];
  },

  headline({ target }) {
    return `${target.name} lost its BGP session`;
  },

  async preState({ target, devices }, signal): Promise<PreState> {
    const router = need(devices, 'router');
    const sessions = need(devices, 'sessions');
    const known = new Set((await router.sessions(signal)).map((session) => session.peer));
    const peers = target.addresses.filter((peer) => known.has(peer));
    if (peers.length === 0) {
      throw new AppError('KEEPER_REFUSED', `${router.name} has no BGP session with ${target.name} (${target.addresses.join(', ')})`, {
        remedy: `give the node the addresses in the environment that ${router.name} has as its neighbours`,
      });
    }
    const states = [];
    for (const peer of peers) states.push({ peer, isShut: await sessions.isShut(peer, signal) });
    return { peers: states };
  },

  async inject(aim, before, signal) {
    const sessions = need(aim.devices, 'sessions');
    for (const peer of openPeers(before)) await sessions.shut(peer, signal);
  },

  async revert(aim, before, signal) {
    const sessions = need(aim.devices, 'sessions');
    // A session that was shut before is not ours: it is never touched, and so stays as its owner left it.
    for (const peer of openPeers(before)) await sessions.unshut(peer, signal);
  },

  async read(aim, before, signal) {
    const { peers } = preState.parse(before);
    const now = [];
    for (const { peer, isShut } of peers) now.push({ peer, wasShut: isShut, isShut: await isShutNow(aim, peer, signal) });
    const ours = now.filter(({ wasShut }) => !wasShut);
    return {
      isInForce: ours.every(({ isShut }) => isShut),
      isRestored: ours.every(({ isShut }) => !isShut),
      foreign: now
        .filter(({ wasShut, isShut }) => wasShut && !isShut)
        .map(({ peer }) => `the session with ${peer} was shut down before and no longer is`),
    };
  },
};

function openPeers(before: unknown): string[] {
  return preState.parse(before).peers.flatMap(({ peer, isShut }) => (isShut ? [] : [peer]));
}

async function isShutNow({ devices }: Aim, peer: string, signal: AbortSignal): Promise<boolean> {
  return await need(devices, 'sessions').isShut(peer, signal);
}
