// The seats of a population when it is the prober that cannot dial: real sockets on loopback, the prober's own parts around them.
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { monoMs } from '../../src/io/clock.ts';
import { Dialler } from '../../src/prober/dialler.ts';
import { Gate } from '../../src/prober/gate.ts';
import { HeldFlows } from '../../src/prober/held-flows.ts';
import type { Holding } from '../../src/prober/holding.ts';
import { IdentityCache } from '../../src/prober/identity-cache.ts';
import { tcp } from '../../src/prober/protocols/tcp.ts';
import { SelfHealth } from '../../src/prober/self-health.ts';
import { TallyBook } from '../../src/prober/tally-book.ts';
import { someTools } from '../support/a-dial.ts';
import { aPopulation } from '../support/a-prober.ts';
import { aResponder } from '../support/a-responder.ts';
import { eventually } from '../support/eventually.ts';

/** Fewer than one dial tries. */
const PORTS = 4;
/** TEST-NET-2: no machine has it. */
const GONE = '198.51.100.7';
/** A service that does not know `isOwn` reads it all the same: to another word than these three it would refuse the whole chunk. */
const OWN = { failure: 'unreachable', isOwn: true };

test('an address that leaves costs no ports, and what was not sent meanwhile is nobody’s loss: once it is back the seat is held again', async () => {
  await using bench = await oneFlow();
  bench.sourceAddresses[0] = GONE;
  await bench.restartResponder();
  await eventually(() => {
    expect(bench.told('dial.failed')).toMatchObject([OWN]);
    expect(bench.counts.notSent).toBeGreaterThan(0);
  });
  expect(bench.told('flow.opened')).toHaveLength(1);
  bench.sourceAddresses[0] = bench.address;
  await eventually(() => {
    expect(bench.told('flow.opened')).toHaveLength(2);
  });
  expect(bench.freePorts()).toBe(PORTS - 2); // of the broken flow, which a mapping would give back, and of the living one
});

test('a prober that has no port left says that it did not dial, not that nobody can be reached', async () => {
  await using bench = await oneFlow();
  while (bench.dialler.portsOf(tcp).take() !== null);
  await bench.restartResponder();
  await eventually(() => {
    expect(bench.told('dial.failed')).toMatchObject([OWN]);
  });
});

test('while mappings hold the ports, a replacement waits for one as it waits at the gate: its exchanges are lost, and nothing is told', async () => {
  await using bench = await oneFlow();
  bench.mapping.holdsPorts = true;
  const taken: number[] = [];
  for (let port = bench.dialler.portsOf(tcp).take(); port !== null; port = bench.dialler.portsOf(tcp).take()) taken.push(port);
  await bench.restartResponder();
  await eventually(() => {
    expect(bench.counts.lost).toBeGreaterThan(0);
    expect(bench.mapping.asked).toBeGreaterThan(1);
  });
  expect(bench.counts.notSent).toBe(0);
  bench.dialler.portsOf(tcp).release(taken[0] ?? 0);
  await eventually(() => {
    expect(bench.told('flow.opened')).toHaveLength(2);
  });
  expect(bench.told('dial.failed')).toEqual([]);
});

test('a replacement tells once that the prober could not dial it and once that the path did not let it, however often that changes', async () => {
  await using bench = await oneFlow();
  await bench.closeResponder();
  const ways = () => bench.told('dial.failed').map((event) => 'isOwn' in event);
  await eventually(() => {
    expect(ways()).toEqual([false]);
  });
  for (let turn = 0; turn < 2; turn++) {
    const { notSent, lost } = bench.counts;
    bench.sourceAddresses[0] = GONE;
    await eventually(() => {
      expect(bench.counts.notSent).toBeGreaterThan(notSent);
    });
    bench.sourceAddresses[0] = bench.address;
    await eventually(() => {
      expect(bench.counts.lost).toBeGreaterThan(lost);
    });
  }
  expect(ways()).toEqual([false, true]);
});

/** Held from one of `PORTS` ports by a prober whose source address can be changed. */
async function oneFlow() {
  let responder = await aResponder();
  const { port } = responder;
  const first = 10_000 + randomInt(20_000);
  // No other test dials from there: none of the ports is in use.
  const address = `127.2.${String(randomInt(256))}.1`;
  const sourceAddresses = [address];
  const range = { first, last: first + PORTS - 1 };
  const dialler = new Dialler({ tools: someTools(), range, random: () => 0, sourceAddresses, stoodStillMs: () => 0 });
  const told: { type: string }[] = [];
  const counts = { notSent: 0, lost: 0 };
  const book = new TallyBook({
    ...{ finalAfterMs: 0, isIll: () => false },
    tell: ({ tally }) => {
      counts.notSent += tally.notSent;
      counts.lost += tally.lost;
    },
  });
  const mapping = { holdsPorts: false, asked: 0 };
  const sparePort = () => {
    mapping.asked += 1;
    return mapping.holdsPorts;
  };
  const holding: Holding = {
    ...{ population: aPopulation(port, { count: 1 }), protocol: tcp, account: { vip: 'web', protocol: 'tcp', fresh: false }, nodes: [] },
    ...{ book, identities: new IdentityCache(), nowT: monoMs },
    health: new SelfHealth(monoMs(), { kernelDrops: () => 0, suspendedMs: () => 0, hasAddresses: () => true }, () => undefined),
    tell: (_t, type, fields) => told.push({ type, ...fields }),
  };
  const gates = { ramp: new Gate({ perSecond: 1_000, maxUnderWay: 10 }), repair: new Gate({ perSecond: 1_000, maxUnderWay: 10 }) };
  const ending = new AbortController();
  const { signal } = ending;
  const held = new HeldFlows({ vantage: 'v1', holding, dialler, gates, originT: monoMs(), signal, onBroken: () => undefined, sparePort });
  const ticking = setInterval(() => {
    gates.ramp.tick(monoMs());
    gates.repair.tick(monoMs());
    held.sendDue(monoMs());
    book.flush(monoMs());
  }, 10);
  expect(await held.open()).toEqual({ opened: 1, failed: 0 });
  return {
    ...{ dialler, address, sourceAddresses, counts, mapping },
    told: (type: string) => told.filter((event) => event.type === type),
    freePorts: () => Array.from({ length: PORTS }, (_, at) => first + at).filter((each) => !dialler.portsOf(tcp).isTaken(each)).length,
    closeResponder: () => responder.close(),
    restartResponder: async () => {
      await responder.close();
      responder = await aResponder({ port });
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(ticking);
      ending.abort();
      for (const { flow } of held.takeAll()) flow.close(monoMs());
      await responder.close();
    },
  };
}
