// What every fault promises, run over the whole list: back to the pre-state, whatever that was, however often.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { FAULTS } from '../../../src/keeper/faults/index.ts';
import type { Aim } from '../../../src/keeper/faults/fault.ts';
import { SmallNetwork } from '../../support/small-network.ts';

const signal = new AbortController().signal;

function aimAt(network: SmallNetwork, params: Record<string, unknown> = {}): Aim {
  const [, target] = network.environment.nodes;
  if (!target) throw new Error('a network of at least two nodes');
  return { environment: network.environment, target, params, devices: network.devices };
}

/** What the journal makes of a pre-state. */
function throughTheJournal(preState: unknown): unknown {
  return JSON.parse(JSON.stringify(preState));
}

const anyNetwork = fc
  .record({ shut4: fc.boolean(), shut6: fc.boolean(), isServing: fc.boolean(), isAdvertising: fc.boolean(), isUp: fc.boolean() })
  .map((state) => {
    const network = new SmallNetwork();
    network.shut.set('10.0.0.2', state.shut4).set('fd00::2', state.shut6);
    Object.assign(network.things('n2'), {
      isServing: state.isServing,
      isAdvertising: state.isAdvertising,
      link: { isUp: state.isUp, addresses: ['10.0.0.2'] },
    });
    return network;
  });

test('no two faults have the same kind', () => {
  expect(new Set(FAULTS.map(({ kind }) => kind)).size).toBe(FAULTS.length);
});

describe.each(FAULTS.map((fault) => ({ kind: fault.kind, fault })))('$kind', ({ fault }) => {
  const params = z.strictObject(fault.params).parse({});

  test('is in force after inject, restored after revert, and touches its target alone', async () => {
    const network = new SmallNetwork();
    const before = network.snapshot();
    const aim = aimAt(network, params);
    const preState = throughTheJournal(await fault.preState(aim, signal));
    expect(await fault.read(aim, preState, signal)).toMatchObject({ isInForce: false, isRestored: true });
    await fault.inject(aim, preState, signal);
    expect(await fault.read(aim, preState, signal)).toMatchObject({ isInForce: true, isRestored: false });
    expect(network.acts.length).toBeGreaterThan(0);
    expect(network.acts.every((act) => /\b(n2|10\.0\.0\.2|fd00::2)$/.test(act))).toBe(true);
    await fault.revert(aim, preState, signal);
    expect(await fault.read(aim, preState, signal)).toMatchObject({ isInForce: false, isRestored: true });
    expect(network.snapshot()).toEqual(before);
  });

  test('restores any pre-state exactly, also when it is reverted twice or was never injected', async () => {
    await fc.assert(
      fc.asyncProperty(anyNetwork, fc.boolean(), fc.integer({ min: 1, max: 3 }), async (network, isInjected, reverts) => {
        const before = network.snapshot();
        const aim = aimAt(network, params);
        const preState = throughTheJournal(await fault.preState(aim, signal));
        if (isInjected) await fault.inject(aim, preState, signal);
        for (let count = 0; count < reverts; count += 1) await fault.revert(aim, preState, signal);
        expect(network.snapshot()).toEqual(before);
        expect(await fault.read(aim, preState, signal)).toMatchObject({ isRestored: true, foreign: [] });
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  test('a device that answers "ok" and does nothing is not in force', async () => {
    const network = new SmallNetwork();
    const aim = aimAt(network, params);
    const preState = await fault.preState(aim, signal);
    network.isDeaf = true;
    await fault.inject(aim, preState, AbortSignal.timeout(300)).catch(() => undefined); // one may notice and give up
    expect(await fault.read(aim, preState, signal)).toMatchObject({ isInForce: false });
  }, 30_000);

  test('says what it will touch, by the name of the node', () => {
    const network = new SmallNetwork();
    const touches = fault.touches(aimAt(network, params));
    expect(touches.length).toBeGreaterThan(0);
    expect(touches.every((line) => line.includes('n2'))).toBe(true);
  });

  test('ends when it is aborted while a device hangs', async () => {
    const network = new SmallNetwork();
    const aim = aimAt(network, params);
    const preState = await fault.preState(aim, signal);
    network.isHanging = true;
    await expect(fault.inject(aim, preState, AbortSignal.timeout(50))).rejects.toThrow();
    expect(network.acts).toEqual([]);
  });

  test.each(fault.needs)('is refused by name without %s', async (name) => {
    const network = new SmallNetwork();
    const aim = { ...aimAt(network, params), devices: { ...network.devices, [name]: null } };
    const all = fault.preState(aim, signal).then((preState) => fault.inject(aim, preState, signal));
    await expect(all).rejects.toThrow(`no capability "${name}"`);
  });
});
