// Follows the kernel routes of the VIPs: each change of a next-hop set as it comes, and again once it has settled.
//
//   RouteMonitor --rings--> read the routes of all VIPs --> NextHopSets --news--> next-hops events
import { setTimeout as sleep } from 'node:timers/promises';
import { hostPrefix } from '../core/addresses.ts';
import { nodeOfAddress } from '../core/ingress.ts';
import type { NextHop } from '../core/journal.ts';
import { readAliases } from '../io/kernel-routes.ts';
import { keepLooking } from './looking.ts';
import { NextHopSets } from './next-hop-sets.ts';
import { type Observer, type ObserverContext, observerOf } from './observer.ts';
import { RouteMonitor } from './route-monitor.ts';

const OBSERVER = 'routes';
/** Finds what rang no bell, such as the IPv4 routes that a kernel drops with their link. */
const LOOK_AT_LEAST_EVERY_MS = 1_000;
/** A router with a full table rings without end; a look costs a process a VIP. */
const LOOK_AT_MOST_EVERY_MS = 50;

export const routes: Observer = {
  name: OBSERVER,
  async open(context) {
    const monitor = new RouteMonitor(context.router, () => context.t());
    const sets = new NextHopSets();
    let lookedT = -Infinity;
    const looking = await keepLooking(OBSERVER, context, {
      async look(isFirst, signal) {
        monitor.ensureListening();
        lookedT = context.t();
        // Answered before the routes are read: a change during the reading rings again.
        const t = monitor.answer() ?? lookedT;
        const readings = await Promise.all(
          context.vips.map(async (vip) => {
            const prefix = hostPrefix(vip.address);
            return { prefix, nextHops: await readNextHopSet(prefix, context, signal) };
          }),
        );
        for (const reading of readings) {
          const news = sets.saw(reading, t, isFirst);
          if (news) {
            context.emit({
              type: 'next-hops',
              from: observerOf(context.router),
              observer: OBSERVER,
              router: context.router.name,
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
  },
};

async function readNextHopSet(prefix: string, context: ObserverContext, signal: AbortSignal): Promise<NextHop[]> {
  const { nodes, router } = context;
  const addresses = await context.reader.nextHops(prefix, signal);
  return await Promise.all(
    addresses.map(async (address) => {
      const node = nodeOfAddress(address, nodes);
      if (node !== null) return { address, node };
      const aliases = await readAliases(router, address, signal);
      return { address, node: aliases.map((alias) => nodeOfAddress(alias, nodes)).find((each) => each !== null) ?? null };
    }),
  );
}
