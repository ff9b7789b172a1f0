// Follows the BGP sessions of a router by asking it several times a second.
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeOfAddress } from '../core/ingress.ts';
import { keepLooking } from './looking.ts';
import { atRouters, type Observer, observerOf } from './observer.ts';
import { SessionStates } from './session-states.ts';

const OBSERVER = 'bgp';
/** A change is told this late at most. Not more often: each look at FRR costs 25 ms of CPU, and routes, which decide, are told at once. */
const LOOK_EVERY_MS = 500;

export const bgp: Observer = atRouters(OBSERVER, async (context) => {
  const { router, reader, nodes } = context;
  const states = new SessionStates();
  return await keepLooking(OBSERVER, context, {
    look: async (isFirst, signal) => {
      const sessions = await reader.sessions(signal);
      const t = context.t();
      for (const news of states.saw(sessions, isFirst)) {
        const node = nodeOfAddress(news.peer, nodes);
        context.emit({ type: 'bgp-session', t, from: observerOf(router), observer: OBSERVER, router: router.name, node, ...news });
      }
    },
    pause: async (signal) => {
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    },
  });
});
