// Follows the kernel routes of the VIPs: each change of a next-hop set as it comes, and again once it has settled.
//
//   RouteMonitor --rings--> read the routes of all VIPs --> NextHopSets --news--> next-hops events
import { setTimeout as sleep } from 'node:timers/promises';
import { hostPrefix } from '../core/addresses.ts';
import { nodeOfAddress } from '../core/ingress.ts';
import { keepLooking } from './looking.ts';
import { NextHopSets } from './next-hop-sets.ts';
import { atRouters, type Observer, observerOf } from './observer.ts';
import { RouteMonitor } from './route-monitor.ts';

const OBSERVER = 'routes';
/** Finds what rang no bell, such as the IPv4 routes that a kernel drops with their link. */
const LOOK_AT_LEAST_EVERY_MS = 1_000;
/** A router with a full table rings without end; a look costs a process a VIP. */
const LOOK_AT_MOST_EVERY_MS = 50;

export const routes: Observer = atRouters(OBSERVER, async (context) => {
  const { router, reader, vips, nodes } = context;
  const monitor = new RouteMonitor(router, () => context.t());
  const sets = new NextHopSets();
  let lookedT = -Infinity;
  const looking = await keepLooking(OBSERVER, context, {
    async look(isFirst, signal) {
      monitor.ensureListening();
      lookedT = context.t();
      // Answered before the routes are read: a change during the reading rings again.
      const rungT = monitor.answer();
      const readings = await Promise.all(
        vips.map(async (vip) => {
          const prefix = hostPrefix(vip.address);
          const addresses = await reader.nextHops(prefix, signal);
          return { prefix, nextHops: addresses.map((address) => ({ address, node: nodeOfAddress(address, nodes) })) };
        }),
      );
      const t = rungT ?? monitor.rungT ?? context.t();
      for (const reading of readings) {
        const news = sets.saw(reading, t, isFirst);
        if (news) {
          context.emit({
            type: 'next-hops',
            from: observerOf(router),
            observer: OBSERVER,
            router: router.name,
            ...news,
          });
        }
      }
    },
    pause: async (signal) => {
      await sleep(LOOK_AT_MOST_EVERY_MS, undefined, { signal });
      const untilT = Math.min(lookedT + LOOK_AT_LEAST_EVERY_MS, sets.nextSettleT());
      await monitor.wait(untilT - context.t(), signal);
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      await looking[Symbol.asyncDispose]();
      await monitor[Symbol.asyncDispose]();
    },
  };
});
