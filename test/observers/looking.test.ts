// What the contract of all observers cannot bring about at will: closing in the middle of a look.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { keepLooking } from '../../src/observers/looking.ts';
import type { ObserverEvent } from '../../src/observers/observer.ts';
import { eventually } from '../support/eventually.ts';

it('closing ends a look that hangs, and tells no blindness of it', async () => {
  const events: ObserverEvent[] = [];
  const context = {
    router: { name: 'tor', driver: 'frr', vtysh: [], netns: null },
    reader: { name: 'tor', sessions: () => Promise.resolve([]), nextHops: () => Promise.resolve([]) },
    vips: [],
    nodes: [],
    t: () => performance.now(),
    emit: (event: ObserverEvent) => events.push(event),
  };
  let isLooking = false;
  const looking = await keepLooking('routes', context, {
    look: async (isFirst, signal) => {
      if (isFirst) return;
      isLooking = true;
      await sleep(60_000, undefined, { signal });
    },
    pause: () => Promise.resolve(),
  });
  await eventually(() => {
    expect(isLooking).toBe(true);
  });
  await looking[Symbol.asyncDispose]();
  expect(events).toEqual([]);
});
