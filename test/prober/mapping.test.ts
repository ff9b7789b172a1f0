import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { monoMs } from '../../src/io/clock.ts';
import { Dialler } from '../../src/prober/dialler.ts';
import type { Flow } from '../../src/prober/flow.ts';
import { Gate } from '../../src/prober/gate.ts';
import type { Holding } from '../../src/prober/holding.ts';
import { IdentityCache } from '../../src/prober/identity-cache.ts';
import { isSecondTryDue, Mapping, type Tries } from '../../src/prober/mapping.ts';
import { tcp } from '../../src/prober/protocols/tcp.ts';
import { someTools } from '../support/a-dial.ts';
import { aPopulation } from '../support/a-prober.ts';
import { aResponder } from '../support/a-responder.ts';
import { eventually } from '../support/eventually.ts';

function someTries(tries: Partial<Tries> = {}): Tries {
  return { startedT: [10_000], isUnderWay: false, hasMapped: false, ...tries };
}

describe('when the next-hop set has settled, a broken 5-tuple is dialled a second time', () => {
  test('if the first try failed', () => {
    expect(isSecondTryDue(someTries(), 11_000)).toBe(true);
  });

  test('if the set changed after the first try: it settles two seconds after its last change', () => {
    expect(isSecondTryDue(someTries({ hasMapped: true }), 12_100)).toBe(true);
    expect(isSecondTryDue(someTries({ hasMapped: true }), 11_900)).toBe(false);
  });

  test('but not before a first try, nor beside one, nor ever a third time: it must not insist', () => {
    expect(isSecondTryDue(someTries({ startedT: [] }), 20_000)).toBe(false);
    expect(isSecondTryDue(someTries({ isUnderWay: true }), 20_000)).toBe(false);
    expect(isSecondTryDue(someTries({ startedT: [10_000, 13_000] }), 20_000)).toBe(false);
  });
});

describe('the port of a flow that broke serves again', () => {
  test('once its mapping is over, without an observer: a prober that lives for weeks must not run out of ports', async () => {
    await using bench = await threeBrokenFlows({ observed: false });
    expect(bench.takePort()).toBeNull();
    await eventually(() => {
      expect(bench.mapped).toHaveLength(3);
      expect(bench.takePort()).not.toBeNull();
    });
  });

  test('with one at the window’s edge: until then the set may settle, and it is dialled again', async () => {
    await using bench = await threeBrokenFlows({ observed: true });
    await eventually(() => {
      expect(bench.mapped).toHaveLength(3);
    });
    expect(bench.takePort()).toBeNull();
    bench.mapping.edge();
    expect(bench.takePort()).not.toBeNull();
  });

  test('with one once it was dialled a second time: within one window the flows of a VIP may break many times', async () => {
    await using bench = await threeBrokenFlows({ observed: true });
    await eventually(() => {
      expect(bench.mapped).toHaveLength(3);
    });
    bench.mapping.settle(monoMs() + 10_000);
    await eventually(() => {
      expect(bench.mapped).toHaveLength(6);
      expect(bench.freePorts()).toBe(3);
    });
  });

  test('at once, the oldest first, when a replacement finds none; not that of a flow whose first try is still to come', async () => {
    await using bench = await threeBrokenFlows({ observed: true });
    expect(bench.mapping.sparePort()).toBe(true);
    expect(bench.freePorts()).toBe(0);
    await eventually(() => {
      expect(bench.mapped).toHaveLength(3);
    });
    expect(bench.mapping.sparePort()).toBe(true);
    expect(bench.freePorts()).toBe(1);
    bench.mapping.edge();
    expect(bench.mapping.sparePort()).toBe(false);
  });

  test('the oldest first, when more of them wait for the set to settle than ports can be spared', async () => {
    await using bench = await threeBrokenFlows({ observed: true, mostWaiting: 2 });
    await eventually(() => {
      expect(bench.mapped).toHaveLength(3);
      expect(bench.freePorts()).toBe(1);
    });
    bench.mapping.settle(monoMs() + 10_000);
    await eventually(() => {
      expect(bench.mapped.slice(3).sort()).toEqual(['v1/1', 'v1/2']);
    });
  });
});

test('that the prober itself cannot dial a 5-tuple is told as its own failure', async () => {
  await using bench = await threeBrokenFlows({ observed: true, sourceAddress: '198.51.100.7' }); // TEST-NET-2: no machine has it
  await eventually(() => {
    expect(bench.failures).toEqual(Array(3).fill({ failure: 'unreachable', isOwn: true }));
  });
});

/** Of a prober that has three source ports, and three flows that broke. */
async function threeBrokenFlows(about: { observed: boolean; mostWaiting?: number; sourceAddress?: string }) {
  const responder = await aResponder();
  const first = 10_000 + randomInt(20_000);
  // No other test dials from there: none of the three ports is in use.
  const { sourceAddress = `127.1.${String(randomInt(256))}.1`, ...options } = about;
  const dialler = new Dialler({
    ...{ tools: someTools(), range: { first, last: first + 2 }, random: () => 0, sourceAddresses: [sourceAddress], stoodStillMs: () => 0 },
  });
  const gate = new Gate({ perSecond: 1_000, maxUnderWay: 10 });
  const ticking = setInterval(() => {
    gate.tick(monoMs());
  }, 10);
  const mapping = new Mapping({ dialler, gate, ...options });
  const mapped: string[] = [];
  const failures: { failure?: string | undefined; isOwn?: true | undefined }[] = [];
  const population = aPopulation(responder.port);
  const holding = {
    ...{ protocol: tcp, population, nodes: [], identities: new IdentityCache(), nowT: monoMs },
    tell: (_t: number, _type: string, { flow, failure, isOwn }: { flow: string; failure?: string; isOwn?: true }) => {
      mapped.push(flow);
      failures.push({ failure, isOwn });
    },
  } as unknown as Holding;
  for (const index of [0, 1, 2]) {
    const target = dialler.freshTarget(tcp, population, index);
    mapping.broken({ id: `v1/${String(index)}`, target, sourceAddress } as unknown as Flow, holding);
  }
  return {
    ...{ mapping, mapped, failures, takePort: () => dialler.portsOf(tcp).take() },
    freePorts: () => [first, first + 1, first + 2].filter((port) => !dialler.portsOf(tcp).isTaken(port)).length,
    [Symbol.asyncDispose]: async () => {
      clearInterval(ticking);
      mapping.edge();
      await responder[Symbol.asyncDispose]();
    },
  };
}
