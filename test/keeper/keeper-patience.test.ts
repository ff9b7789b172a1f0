// What a keeper does when it must wait for somebody: seconds each, so side by side.
import { describe, expect, test } from 'vitest';
import { monoMs } from '../../src/io/clock.ts';
import { eventually } from '../support/eventually.ts';
import { aFault, KeeperBench } from '../support/keeper-bench.ts';

describe.concurrent('a keeper', () => {
  test('refuses every run while it has no janitor, which must revert when it cannot', async () => {
    await using bench = new KeeperBench();
    bench.isJanitorMissing = true;
    await expect(bench.keeper().acquire('run-a', monoMs(), bench.audience)).rejects.toThrow('no janitor');
  }, 30_000);

  test('tells a revert that it cannot confirm, blocks whatever is new, and tries until it succeeds', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const keeper = bench.keeper();
    const { epoch } = await keeper.acquire('run-a', monoMs(), bench.audience);
    await keeper.inject(epoch, aFault());
    bench.network.isDeaf = true;
    const startedMs = monoMs();
    await keeper.revert(epoch, 'f1', 'the scenario says so');
    expect(monoMs() - startedMs).toBeLessThan(bench.revertMs + 1_000);
    expect(bench.events.at(-1)).toMatchObject({ type: 'fault.unverified' });
    await expect(keeper.inject(epoch, aFault({ fault: 'f2', target: 'n3' }))).rejects.toMatchObject({ code: 'KEEPER_UNVERIFIED' });
    await keeper.release(epoch);
    await expect(keeper.acquire('run-b', monoMs(), bench.audience)).rejects.toMatchObject({ code: 'KEEPER_UNVERIFIED' });
    bench.network.isDeaf = false;
    await eventually(() => {
      expect(bench.network.shut.get('10.0.0.2')).toBe(false);
    });
    await eventually(async () => {
      await keeper.acquire('run-b', monoMs(), bench.audience);
    });
  }, 40_000);
});
