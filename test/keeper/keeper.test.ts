// The keeper: what it does, what it refuses, and that everything comes back.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlannedFault } from '../../src/core/keeper-messages.ts';
import { monoMs } from '../../src/io/clock.ts';
import { eventually } from '../support/eventually.ts';
import { aFault, KeeperBench } from '../support/keeper-bench.ts';
import { acquired, anIntent, BOOT } from '../support/keeper-records.ts';
import { SmallNetwork } from '../support/small-network.ts';

const isN2Shut = ({ network }: KeeperBench) => network.shut.get('10.0.0.2') === true;

describe('a fault', () => {
  test('is told from intent to verified, in the clock of its run, and ends at its deadline', async () => {
    await using bench = new KeeperBench();
    const before = bench.network.snapshot();
    const keeper = bench.keeper();
    const t0MonoMs = monoMs();
    const { epoch, leaseMs } = await keeper.acquire('run-a', t0MonoMs, bench.audience);
    expect(leaseMs).toBe(1_000);
    await keeper.inject(epoch, aFault({ forMs: 300 }));
    expect(isN2Shut(bench)).toBe(true);
    await eventually(() => {
      expect(bench.types()).toContain('fault.verified');
    });
    expect(bench.types()).toEqual(['fault.intent', 'fault.in-force', 'fault.reverting', 'fault.verified']);
    expect(bench.network.snapshot()).toEqual(before);
    const [intent, , reverting] = bench.events;
    expect(intent).toMatchObject({ from: 'keeper', fault: 'f1', kind: 'bgp-session-down', target: 'n2', epoch: 1, forMs: 300 });
    expect(intent?.t).toBeGreaterThan(0);
    expect((reverting?.t ?? 0) - (intent?.t ?? 0)).toBeGreaterThanOrEqual(299);
    expect((reverting?.t ?? 0) - (intent?.t ?? 0)).toBeLessThan(900);
  });

  test('is in the journal, pre-state and all, before the first command', async () => {
    await using bench = new KeeperBench();
    const reader = bench.journal('janitor');
    const seen: unknown[] = [];
    bench.network.beforeAct = () => {
      reader.refresh();
      seen.push(reader.state.faults.get('1/f1')?.preState);
    };
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    await keeper.inject(epoch, aFault());
    expect(seen[0]).toEqual({
      peers: [
        { peer: '10.0.0.2', isShut: false },
        { peer: 'fd00::2', isShut: false },
      ],
    });
  });

  test('ends when the lease is not renewed, and the epoch with it', async () => {
    await using bench = new KeeperBench();
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    await keeper.inject(epoch, aFault({ forMs: 60_000 }));
    await eventually(() => {
      expect(isN2Shut(bench)).toBe(false);
    });
    await eventually(() => {
      expect(bench.events.at(-1)).toMatchObject({ type: 'fault.verified' });
    });
    expect(bench.events).toContainEqual(expect.objectContaining({ type: 'fault.reverting', reason: 'the lease was not renewed' }));
    expect(() => {
      keeper.renew(epoch, bench.audience);
    }).toThrow(expect.objectContaining({ code: 'KEEPER_STALE_EPOCH' }));
  });

  test('lives on while its lease is renewed', async () => {
    await using bench = new KeeperBench();
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    await keeper.inject(epoch, aFault({ forMs: 60_000 }));
    for (let count = 0; count < 8; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      keeper.renew(epoch, bench.audience);
      expect(isN2Shut(bench)).toBe(true);
    }
    await keeper.release(epoch);
    expect(isN2Shut(bench)).toBe(false);
  });

  test('that somebody else undid is reported as lost, and not injected again', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    await keeper.inject(epoch, aFault({ forMs: 60_000 }));
    bench.network.shut.set('10.0.0.2', false).set('fd00::2', false);
    await eventually(() => {
      expect(bench.events.at(-1)).toMatchObject({ type: 'fault.lost', reason: 'somebody else undid it' });
    });
    expect(bench.network.acts.filter((act) => act === 'shut 10.0.0.2')).toHaveLength(1);
  });

  test('that a device only claims to have taken is reverted, and the run is told so', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    bench.network.isDeaf = true;
    await expect(keeper.inject(epoch, aFault({ forMs: 400 }))).rejects.toThrow(
      /could not be injected: its time (is|was) over.*; all is as before/,
    );
    expect(bench.types()).toEqual(['fault.intent', 'fault.reverting', 'fault.verified']);
  });

  test('is never waited for: a device that hangs in the middle of it does not hold up the revert', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    bench.network.beforeAct = (act) => {
      bench.network.isHanging = act === 'shut fd00::2'; // the first session is shut, the second hangs
    };
    const injected = keeper.inject(epoch, aFault({ forMs: 300 }));
    await expect(injected).rejects.toThrow('all is as before');
    expect(isN2Shut(bench)).toBe(false);
  });
});

describe('what a keeper refuses', () => {
  test.each([
    [
      'a fault that its file does not allow',
      { allow: { faults: ['node-down'], nodes: ['n2'] } },
      aFault(),
      'does not allow the fault "bgp-session-down"',
    ],
    [
      'a node that its file does not allow',
      { allow: { faults: ['bgp-session-down'], nodes: ['n1'] } },
      aFault(),
      'does not allow the node "n2"',
    ],
    ['more than leaves the minimum of next hops', { minNextHops: 3 }, aFault(), 'web would keep 2 of 3 next hops, and 3 must remain'],
    ['parameters that the fault does not have', {}, aFault({ params: { order: 'x' } }), 'its parameters'],
    [
      'a fault that does not exist',
      { allow: { faults: ['rm -rf'], nodes: ['n2'] } },
      aFault({ kind: 'rm -rf' }),
      'there is no fault "rm -rf"',
    ],
  ] as const)('%s', async (_, file, fault, why) => {
    await using bench = new KeeperBench({ leaseMs: 60_000, ...file });
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    const [step] = await keeper.plan(epoch, [fault]);
    expect(step?.refusals.join()).toContain(why);
    await expect(keeper.inject(epoch, fault)).rejects.toThrow(why);
    expect(bench.network.acts).toEqual([]);
  });

  test('everything, while nobody armed it', async () => {
    await using bench = new KeeperBench({ armed: false });
    await expect(bench.keeper().acquire('run-a', monoMs(), bench.audience)).rejects.toMatchObject({ code: 'KEEPER_DISARMED' });
  });

  test('a second run, and every call of the first one once the second has taken over', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const keeper = bench.keeper();
    const first = await keeper.acquire('run-a', monoMs(), bench.audience);
    await expect(keeper.acquire('run-b', monoMs(), bench.audience)).rejects.toMatchObject({ code: 'KEEPER_BUSY' });
    await keeper.release(first.epoch);
    const second = await keeper.acquire('run-b', monoMs(), bench.audience);
    expect(second.epoch).toBe(first.epoch + 1);
    await expect(keeper.inject(first.epoch, aFault())).rejects.toMatchObject({ code: 'KEEPER_STALE_EPOCH' });
    await expect(keeper.revert(first.epoch, 'f1', '')).rejects.toMatchObject({ code: 'KEEPER_STALE_EPOCH' });
    await expect(keeper.release(first.epoch)).rejects.toMatchObject({ code: 'KEEPER_STALE_EPOCH' });
  });

  test('a second target while the first is disturbed, and the same one until its quarantine is over', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    await keeper.inject(epoch, aFault());
    await expect(keeper.inject(epoch, aFault({ fault: 'f2', target: 'n3' }))).rejects.toThrow('one target at a time');
    await keeper.revert(epoch, 'f1', 'done');
    await expect(keeper.inject(epoch, aFault({ fault: 'f3' }))).rejects.toThrow('n2 is in quarantine');
    await eventually(() => keeper.inject(epoch, aFault({ fault: 'f3' })));
    await expect(keeper.inject(epoch, aFault({ fault: 'f3' }))).rejects.toThrow('never injected twice');
  });

  test('every generated plan that its rules forbid, and touches nothing for it', async () => {
    const names = fc.constantFrom('n1', 'n2', 'n3', 'n4', 'n5', '10.0.0.2', 'n2\nconfigure terminal', '', '__proto__');
    const kinds = fc.constantFrom('bgp-session-down', 'node-drain', 'node-down', 'constructor', 'bgp-session-down\n');
    const fault = fc.record({ kind: kinds, target: names });
    const file = fc.record({
      faults: fc.subarray(['bgp-session-down', 'node-drain', 'node-down']),
      nodes: fc.subarray(['n1', 'n2', 'n3', 'n4', 'n5']),
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 5 }), file, fault, async (nodes, allow, { kind, target }) => {
        await using bench = new KeeperBench({ leaseMs: 60_000, allow }, new SmallNetwork(nodes));
        const keeper = bench.keeper();
        const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
        const planned: PlannedFault = aFault({ kind, target });
        const isAllowed = nodes >= 3 && allow.faults.includes(kind) && allow.nodes.includes(target) && Number(target.slice(1)) <= nodes;
        if (isAllowed) await keeper.inject(epoch, planned);
        else await expect(keeper.inject(epoch, planned)).rejects.toThrow();
        expect(bench.network.acts.length > 0).toBe(isAllowed);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe('halt', () => {
  test('reverts everything, puts the holder out, and lets nothing start until it is lifted', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    await keeper.inject(epoch, aFault());
    await keeper.halt();
    expect(isN2Shut(bench)).toBe(false);
    expect(bench.events.at(-1)).toMatchObject({ type: 'fault.verified' });
    await expect(keeper.inject(epoch, aFault({ fault: 'f2' }))).rejects.toThrow('halted by a person');
    await expect(keeper.acquire('run-b', monoMs(), bench.audience)).rejects.toThrow('halted by a person');
    bench.halt.remove();
    await eventually(async () => {
      await keeper.acquire('run-b', monoMs(), bench.audience);
    });
  });

  test('by its file alone reverts within a second', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    await keeper.inject(epoch, aFault());
    bench.halt.write();
    await eventually(() => {
      expect(isN2Shut(bench)).toBe(false);
    }, 1_000);
  });
});

describe('a keeper that starts', () => {
  test.each([
    ['in the same boot', BOOT],
    ['after the machine was started again', 'another-boot'],
  ])('%s puts back what an earlier one left, and issues a higher epoch', async (_, machineBoot) => {
    await using bench = new KeeperBench();
    bench.machineBoot = machineBoot;
    const earlier = bench.journal('keeper');
    earlier.append(acquired(7));
    earlier.append(anIntent({ epoch: 7, deadlineMs: monoMs() + 3_600_000 }));
    earlier.append({ type: 'fault.in-force', epoch: 7, fault: 'f1' });
    bench.network.shut.set('10.0.0.2', true);
    const keeper = bench.keeper();
    await eventually(() => {
      expect(isN2Shut(bench)).toBe(false);
    });
    await eventually(async () => {
      expect((await keeper.acquire('run-b', monoMs(), bench.audience)).epoch).toBe(8);
    });
  });

  test('leaves alone what was over', async () => {
    await using bench = new KeeperBench();
    const earlier = bench.journal('keeper');
    earlier.append(acquired());
    earlier.append(anIntent());
    earlier.append({ type: 'fault.reverting', epoch: 1, fault: 'f1', reason: '' });
    earlier.append({ type: 'fault.verified', epoch: 1, fault: 'f1' });
    earlier.append({ type: 'quarantine.over', epoch: 1, fault: 'f1' });
    bench.network.shut.set('10.0.0.2', true); // an operator's own doing, since
    const keeper = bench.keeper();
    await keeper.acquire('run-b', monoMs(), bench.audience);
    expect(bench.network.acts).toEqual([]);
  });
});
