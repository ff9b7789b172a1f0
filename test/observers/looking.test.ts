// An observer that cannot see says so once, keeps trying, and tells everything anew when it sees again.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { keepLooking } from '../../src/observers/looking.ts';
import type { ObserverEvent } from '../../src/observers/observer.ts';
import { eventually } from '../support/eventually.ts';

function aContext() {
  const events: ObserverEvent[] = [];
  return {
    events,
    router: { name: 'tor', driver: 'frr', vtysh: [], netns: null },
    reader: { name: 'tor', sessions: () => Promise.resolve([]), nextHops: () => Promise.resolve([]) },
    vips: [],
    nodes: [],
    t: () => performance.now(),
    emit: (event: ObserverEvent) => events.push(event),
  };
}
const shortPause = (signal: AbortSignal) => sleep(5, undefined, { signal });

describe('looking', () => {
  it('one blindness is told once, however long it lasts, and the next good look is a first one', async () => {
    const context = aContext();
    const firsts: boolean[] = [];
    let isDark = false;
    const looking = await keepLooking('routes', context, {
      look: (isFirst) => {
        if (isDark) return Promise.reject(new Error('bgpd is gone'));
        firsts.push(isFirst);
        return Promise.resolve();
      },
      pause: shortPause,
    });
    expect(firsts).toEqual([true]);
    await eventually(() => {
      expect(firsts.slice(0, 3)).toEqual([true, false, false]);
    });
    isDark = true;
    await eventually(() => {
      expect(context.events).toMatchObject([{ type: 'observer.blind', from: 'observer:tor', observer: 'routes', reason: 'bgpd is gone' }]);
    });
    await sleep(400); // several looks in the dark
    firsts.length = 0;
    isDark = false;
    await eventually(() => {
      expect(firsts.slice(0, 2)).toEqual([true, false]);
    });
    expect(context.events).toHaveLength(1);
    await looking[Symbol.asyncDispose]();
  });

  it('opens blind when there is nothing to see, instead of failing', async () => {
    const context = aContext();
    const looking = await keepLooking('bgp', context, {
      look: () => Promise.reject(new Error('no such namespace')),
      pause: shortPause,
    });
    expect(context.events).toMatchObject([{ type: 'observer.blind', reason: 'no such namespace' }]);
    await looking[Symbol.asyncDispose]();
  });

  it('closing ends a look that hangs, and tells no blindness of it', async () => {
    const context = aContext();
    let isLooking = false;
    const looking = await keepLooking('routes', context, {
      look: async (isFirst, signal) => {
        if (isFirst) return;
        isLooking = true;
        await sleep(60_000, undefined, { signal });
      },
      pause: shortPause,
    });
    await eventually(() => {
      expect(isLooking).toBe(true);
    });
    await looking[Symbol.asyncDispose]();
    expect(context.events).toEqual([]);
  });
});
