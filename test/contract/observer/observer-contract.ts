// What every observer promises, to be run against the real thing.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { monoMs } from '../../../src/io/clock.ts';
import type { Observer, ObserverEvent, World } from '../../../src/observers/observer.ts';
import { aboutOf, Standing } from '../../../src/observers/standing.ts';
import { eventually } from '../../support/eventually.ts';

/** A real world, and what may become of it; each act is undone by disposing what it returns. */
export type WorldUnderTest = {
  /** How long an observer that is blind takes to have tried again. */
  againMs: number;
  /** Opened anew for each test, with whatever connections it needs. */
  open(): Promise<{ world: Omit<World, 't' | 'emit'> } & AsyncDisposable>;
  /** Changes something that the observer tells of, and that is again as it was once undone. */
  change(): Promise<AsyncDisposable>;
  /** Takes away what the observer looks at. */
  goAway(): Promise<AsyncDisposable>;
  /** What the observer looks at answers no more, and does not refuse either. */
  freeze(): Promise<AsyncDisposable>;
};

/** What is disposed by `act`. */
export function undoing(act: () => unknown): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await act();
    },
  };
}

export function observerContract(observer: Observer, under: () => WorldUnderTest): void {
  /** Opens it on the world; what it tells is in `events`, with the monotonic clock as `t`. */
  async function observe() {
    await using opened = new AsyncDisposableStack();
    const events: ObserverEvent[] = [];
    const { world } = opened.use(await under().open());
    opened.use(await observer.open({ ...world, t: monoMs, emit: (event) => events.push(event) }));
    const whole = opened.move();
    return { events, [Symbol.asyncDispose]: () => whole.disposeAsync() };
  }

  test('tells everything that stands before it is open, each thing once and with its own name', async () => {
    await using observing = await observe();
    const { events } = observing;
    expect(events.length).toBeGreaterThan(0);
    expect(blindIn(events)).toEqual([]);
    expect(subjectsOf(events)).toHaveLength(events.length);
    expect(new Set(events.map((event) => event.observer))).toEqual(new Set([observer.name]));
    for (const { t } of events) expect(t).toBeLessThanOrEqual(monoMs());
  });

  test('tells a change, and that it was undone', async () => {
    await using observing = await observe();
    const before = pictureOf(observing.events);
    const change = await under().change();
    try {
      await eventually(() => {
        expect(pictureOf(observing.events)).not.toEqual(before);
      });
    } finally {
      await change[Symbol.asyncDispose]();
    }
    await eventually(() => {
      expect(pictureOf(observing.events)).toEqual(before);
    }, 30_000);
    expect(blindIn(observing.events)).toEqual([]);
  });

  test('says once that it is blind while its source is away, and tells everything anew when that is back', async () => {
    await using observing = await observe();
    const { events } = observing;
    const subjects = subjectsOf(events);
    const away = await under().goAway();
    try {
      await eventually(() => {
        const blind = blindIn(events);
        expect(blind).toMatchObject([{ observer: observer.name, reason: expect.stringMatching(/./) as string }]);
        expect(monoMs()).toBeGreaterThan((blind[0]?.t ?? Infinity) + 2 * under().againMs);
      });
    } finally {
      await away[Symbol.asyncDispose]();
    }
    await eventually(() => {
      const anew = events.slice(events.findLastIndex(({ type }) => type === 'observer.blind') + 1);
      expect(subjectsOf(anew)).toEqual(subjects);
    }, 30_000);
    expect(blindIn(events)).toHaveLength(1);
  });

  test('opens blind where its source is not there, instead of failing, and sees once it is', async () => {
    const away = await under().goAway();
    await using observing = await observe().finally(() => away[Symbol.asyncDispose]());
    const { events } = observing;
    expect(events[0]).toMatchObject({ type: 'observer.blind', observer: observer.name });
    await eventually(() => {
      expect(events.length).toBeGreaterThan(1);
    }, 30_000);
    expect(blindIn(events)).toHaveLength(1);
  });

  test('ends when it is closed, its source frozen or not: it says nothing more, and no process, socket or pipe is left', async () => {
    const before = held();
    for (const isFrozen of [false, true]) {
      const observing = await observe();
      const frozen = isFrozen ? await under().freeze() : null;
      try {
        const told = observing.events.length;
        await observing[Symbol.asyncDispose]();
        expect(blindIn(observing.events.slice(told))).toEqual([]);
        const last = observing.events.length;
        await eventually(() => {
          expect(held()).toEqual(before);
        });
        expect(observing.events).toHaveLength(last);
      } finally {
        await frozen?.[Symbol.asyncDispose]();
      }
    }
  });
}

function blindIn(events: readonly ObserverEvent[]): ObserverEvent[] {
  return events.filter(({ type }) => type === 'observer.blind');
}

/** What events tell of, sorted. */
function subjectsOf(events: readonly ObserverEvent[]): string[] {
  return [...new Set(events.map((event) => `${event.from} ${event.type} ${aboutOf(event)}`))].toSorted();
}

/** What stands by all that was told, whenever that was. How an object of MetalLB came to be as it is, is no part of it. */
function pictureOf(events: readonly ObserverEvent[]): string[] {
  const standing = new Standing();
  for (const event of events) standing.take(event);
  return standing
    .events()
    .filter(({ type }) => type !== 'cluster.metallb')
    .map((event) => JSON.stringify({ ...event, t: 0 }))
    .toSorted();
}

/** What this process holds: its children, and how many sockets and pipes. */
function held(): { children: string[]; open: number } {
  const ofProc = <Value>(read: () => Value): Value | null => {
    try {
      return read();
    } catch {
      return null; // gone
    }
  };
  const children = readdirSync('/proc').filter(
    (pid) =>
      /^\d+$/.test(pid) && ofProc(() => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === String(process.pid),
  );
  const open = readdirSync('/proc/self/fd').filter((fd) => /^(socket|pipe):/.test(ofProc(() => readlinkSync(`/proc/self/fd/${fd}`)) ?? ''));
  return { children, open: open.length };
}
