// What observers tell of a real router: FRR and its kernel, on one lab with a hold time of 3 s.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hostPrefix } from '../../src/core/addresses.ts';
import type { Router } from '../../src/core/environment.ts';
import { monoMs } from '../../src/io/clock.ts';
import { runCommand, tryCommand } from '../../src/io/command.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { OBSERVERS } from '../../src/observers/index.ts';
import type { ObserverEvent } from '../../src/observers/observer.ts';
import { openRouter } from '../../src/routers/index.ts';
import { observerContract, undoing, type WorldUnderTest } from '../contract/observer/observer-contract.ts';
import { aLab, hopsTo } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';

const signal = AbortSignal.timeout(300_000);
let opened: { lab: Lab } & AsyncDisposable;
let lab: Lab;
let router: Router;
let daemons: number[];
let observing = new AsyncDisposableStack();
let events: ObserverEvent[];
beforeAll(async () => {
  opened = await aLab('tobserve');
  lab = opened.lab;
  router = lab.environment.routers[0] ?? never();
  daemons = (await runCommand(['ip', 'netns', 'pids', router.netns ?? never()])).trim().split('\n').map(Number);
  await openEye();
});
afterAll(async () => {
  await closeEye();
  await opened[Symbol.asyncDispose]();
});
afterEach(async () => {
  await observing.disposeAsync();
  // A test that failed half-way must not fail the next one.
  const driver = openRouter(router);
  for (const { peer, isShut } of await driver.sessions(signal)) if (isShut) await driver.unshut(peer, signal);
  await eventually(async () => {
    for (const vip of ['web', 'web6']) expect(await hopsTo(lab, vip)).toHaveLength(3);
  });
});

/** Opens all observers on `of`; what they tell is in `events`, with the monotonic clock as `t`. */
async function observe(): Promise<void> {
  observing = new AsyncDisposableStack();
  events = [];
  const { vips, nodes } = lab.environment;
  const emit = (event: ObserverEvent) => events.push(event);
  const routers = [{ router, reader: openRouter(router) }];
  for (const observer of OBSERVERS) observing.use(await observer.open({ routers, cluster: null, vips, nodes, t: monoMs, emit }));
}

/** Its namespace by a second name: that can be taken away, and the router lives on. */
const EYE = 'tobserve-eye';
const closeEye = () => tryCommand(['ip', 'netns', 'delete', EYE]);
async function openEye(): Promise<void> {
  await closeEye(); // what a killed test left: it is no part of the lab
  await runCommand(['ip', 'netns', 'attach', EYE, String(daemons[0])]);
}
const theRouter: WorldUnderTest = {
  // Blind, it tries after 0.1, 0.2 and 0.4 s.
  againMs: 700,
  open() {
    const { vips, nodes } = lab.environment;
    const eye = { ...router, netns: EYE };
    const world = { routers: [{ router: eye, reader: openRouter(eye) }], cluster: null, vips, nodes };
    return Promise.resolve({ world, [Symbol.asyncDispose]: () => Promise.resolve() });
  },
  async change() {
    const driver = openRouter(router);
    const peer = (await driver.sessions(signal))[0]?.peer ?? never();
    await driver.shut(peer, signal);
    return undoing(() => driver.unshut(peer, signal));
  },
  async goAway() {
    await closeEye();
    return undoing(openEye);
  },
  freeze() {
    for (const pid of daemons) process.kill(pid, 'SIGSTOP');
    return Promise.resolve(undoing(() => daemons.map((pid) => process.kill(pid, 'SIGCONT'))));
  },
};

function toldOf(vip: string) {
  const prefix = hostPrefix(lab.environment.vips.find(({ name }) => name === vip)?.address ?? never());
  return events.flatMap((event) =>
    event.type === 'next-hops' && event.prefix === prefix
      ? [{ t: event.t, settled: event.settled, nodes: event.nextHops.map(({ node }) => node) }]
      : [],
  );
}

const never = (): never => {
  throw new Error('the lab is not as planned');
};

test('what stands is told when they open: every VIP’s next hops in the router’s own order, every session', async () => {
  await observe();
  for (const { name } of lab.environment.vips) {
    expect(toldOf(name)).toMatchObject([{ settled: true, nodes: await hopsTo(lab, name) }]);
  }
  const sessions = events.filter((event) => event.type === 'bgp-session');
  expect(new Set(sessions.map(({ node }) => node))).toEqual(new Set(['n1', 'n2', 'n3']));
  expect(new Set(sessions.map(({ state, reason }) => `${state} ${reason}`))).toEqual(new Set(['Established ']));
});

test('a session that is shut: the next hops that remain, settled two seconds later; and so its return', async () => {
  const before = { web: await hopsTo(lab, 'web'), web6: await hopsTo(lab, 'web6') };
  await observe();
  events = [];
  const driver = openRouter(router);
  const addresses = lab.environment.nodes[1]?.addresses ?? never();
  const peers = (await driver.sessions(signal)).map(({ peer }) => peer).filter((peer) => addresses.includes(peer));
  for (const peer of peers) await driver.shut(peer, signal);
  for (const vip of ['web', 'web6'] as const) {
    await eventually(() => {
      // zebra replaces an IPv6 route by deleting it first (unless told --v6-rr-semantics): for an instant there may be none.
      const told = toldOf(vip).find(({ nodes }) => nodes.length > 0);
      expect(told).toMatchObject({ settled: false, nodes: before[vip].filter((node) => node !== 'n2') });
    }, 2_000);
  }
  await eventually(() => {
    const idle = events.filter((event) => event.type === 'bgp-session' && event.node === 'n2' && event.state === 'Idle');
    expect(idle).toHaveLength(peers.length);
    expect(idle[0]).toMatchObject({ router: 'tor', reason: expect.stringContaining('shutdown') as string });
  }, 2_000);
  await eventually(() => {
    expect(toldOf('web').at(-1)?.settled).toBe(true);
  }, 5_000);
  const [changed, settled] = toldOf('web');
  expect((settled?.t ?? 0) - (changed?.t ?? 0)).toBeGreaterThanOrEqual(2_000);
  for (const peer of peers) await driver.unshut(peer, signal);
  await eventually(() => {
    expect(toldOf('web').at(-1)).toMatchObject({ settled: true, nodes: before.web });
  });
});

test('a change is told with the instant at which the kernel made it', async () => {
  await observe();
  events = [];
  const { address } = lab.environment.vips.find(({ name }) => name === 'web') ?? never();
  const before = monoMs();
  await withBetterRoute(address, async () => {
    const after = monoMs();
    await eventually(() => {
      expect(toldOf('web')).toMatchObject([{ settled: false, nodes: ['n3', 'n1'] }]);
    });
    const t = toldOf('web')[0]?.t ?? 0;
    expect(t).toBeGreaterThan(before);
    // The monitor's line has to reach this process; the reading of the routes that follows it must not count.
    expect(t).toBeLessThan(after + 40);
  });
});

test('a route monitor that dies is told as blindness, and followed by what stands then', async () => {
  await observe();
  events = [];
  process.kill(monitorPid() ?? never(), 'SIGKILL');
  await eventually(() => {
    expect(events.find((event) => event.type === 'observer.blind')).toMatchObject({
      observer: 'routes',
      reason: 'ip monitor ended: SIGKILL',
    });
    expect(toldOf('web')).toMatchObject([{ settled: true, nodes: { length: 3 } }]);
  });
});

describe.each(OBSERVERS.filter((each) => each.watches({ routers: [{ name: 'tor' } as Router], cluster: null }).length > 0))(
  'the observer $name',
  (observer) => {
    observerContract(observer, () => theRouter);
  },
);

/** A route of a better metric by somebody else than FRR, as a mirror of resilient groups makes it. */
async function withBetterRoute(address: string, act: () => Promise<void>): Promise<void> {
  const via = (node: number) => ['nexthop', 'via', lab.environment.nodes[node]?.addresses.find((each) => !each.includes(':')) ?? never()];
  const route = [hostPrefix(address), 'metric', '5'];
  await runCommand(['ip', 'route', 'add', ...route, ...via(2), ...via(0)], { place: router });
  try {
    await act();
  } finally {
    await runCommand(['ip', 'route', 'del', ...route], { place: router });
  }
}

/** The monitor that this process started. */
function monitorPid(): number | null {
  const isMine = (pid: string) => {
    try {
      const isChild = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(process.pid);
      return isChild && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0monitor\0');
    } catch {
      return false; // gone
    }
  };
  return Number(readdirSync('/proc').find((entry) => /^\d+$/.test(entry) && isMine(entry)) ?? NaN) || null;
}
