// What every fault promises, run over the whole list: back to the pre-state, whatever that was, however often.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EXCLUDE_LABEL } from '../../../src/cluster/intent/intent.ts';
import { FAULTS } from '../../../src/keeper/faults/index.ts';
import type { Aim, Fault } from '../../../src/keeper/faults/fault.ts';
import { SmallNetwork } from '../../support/small-network.ts';

const signal = new AbortController().signal;

function aimAt(fault: Fault, network: SmallNetwork, params: Record<string, unknown> = {}): Aim {
  const { nodes, vips } = network.environment;
  const target = fault.aimedAt === 'node' ? nodes[1] : vips[0];
  if (!target) throw new Error('a network of at least two nodes');
  return { environment: network.environment, target, params, devices: network.devices, mark: 'run/f1' };
}

/** How an act on the target, and on nothing else, ends. Advertisements are of all nodes. */
const OWN_ACTS = {
  node: /\b(n2|10\.0\.0\.2|fd00::2|bgpAdvertisements metallb-system\/all)$/,
  vip: /\bdefault\/(web|holdfast-[0-9a-f]{12})$/,
};

/** What the journal makes of a pre-state. */
function throughTheJournal(preState: unknown): unknown {
  return JSON.parse(JSON.stringify(preState));
}

const labels = fc.dictionary(fc.constantFrom('zone', 'pool', 'a/b', 'c~d'), fc.constantFrom('a', 'b', ''));
const selectors = fc.array(
  fc.oneof(
    fc.record({ matchLabels: labels }),
    fc.record({ matchExpressions: fc.constant([{ key: 'zone', operator: 'In', values: ['a', 'b'] }]) }),
  ),
  { minLength: 1, maxLength: 2 },
);

/** Whatever was there before: excluded and cordoned nodes, annotations, any selectors or none, either policy. */
const anyNetwork = (under: 'lab' | 'kubernetes') =>
  fc
    .record({
      things: fc.record({ isServing: fc.boolean(), isAdvertising: fc.boolean() }),
      shut: fc.tuple(fc.boolean(), fc.boolean()),
      isUp: fc.boolean(),
      excluded: fc.option(fc.constantFrom('', 'true')),
      unschedulable: fc.option(fc.boolean()),
      annotations: fc.option(labels),
      selectors: fc.option(selectors),
      hasSpec: fc.boolean(),
      policy: fc.constantFrom('Local', 'Cluster'),
    })
    .map((state) => {
      const network = new SmallNetwork(3, under);
      network.shut.set('10.0.0.2', state.shut[0]).set('fd00::2', state.shut[1]);
      Object.assign(network.things('n2'), { ...state.things, link: { isUp: state.isUp, addresses: ['10.0.0.2'] } });
      const { cluster } = network;
      cluster.edit('nodes', [null, 'n2'], ({ metadata, ...rest }) => {
        if (state.excluded !== null) metadata.labels = { ...metadata.labels, [EXCLUDE_LABEL]: state.excluded };
        if (Object.keys(state.annotations ?? {}).length > 0) metadata.annotations = state.annotations ?? {};
        if (state.unschedulable !== null) Object.assign(rest.spec as object, { unschedulable: state.unschedulable });
      });
      cluster.edit('services', ['default', 'web'], ({ metadata, ...rest }) => {
        if (Object.keys(state.annotations ?? {}).length > 0) metadata.annotations = state.annotations ?? {};
        if (state.policy === 'Cluster') {
          Object.assign(rest.spec as object, { externalTrafficPolicy: 'Cluster' });
          Reflect.deleteProperty(rest.spec as object, 'healthCheckNodePort');
        }
      });
      cluster.edit('bgpAdvertisements', ['metallb-system', 'all'], (object) => {
        if (state.selectors !== null) object.spec = { nodeSelectors: [...state.selectors, {}] };
        else if (!state.hasSpec) Reflect.deleteProperty(object, 'spec');
      });
      return network;
    });

test('no two faults have the same kind', () => {
  expect(new Set(FAULTS.map(({ kind }) => kind)).size).toBe(FAULTS.length);
});

/** Parameters besides the defaults that make a fault another one. */
const OTHERWISE: Record<string, Record<string, unknown>> = { 'node-drain': { order: 'withdraw-first' } };

const cases = FAULTS.flatMap((fault) =>
  (['lab', 'kubernetes'] as const).flatMap((under) => {
    const otherwise = OTHERWISE[fault.kind];
    return [{}, ...(otherwise ? [otherwise] : [])].map((written) => ({ kind: fault.kind, under, written, fault }));
  }),
);

describe.each(cases)('$kind $written under $under', ({ fault, under, written }) => {
  const params = z.strictObject(fault.params).parse(written);

  test('is in force after inject, restored after revert, and touches its target alone', async () => {
    const network = new SmallNetwork(3, under);
    const before = network.snapshot();
    const aim = aimAt(fault, network, params);
    const preState = throughTheJournal(await fault.preState(aim, signal));
    expect(await fault.read(aim, preState, signal)).toMatchObject({ isInForce: false, isRestored: true });
    await fault.inject(aim, preState, signal);
    expect(await fault.read(aim, preState, signal)).toMatchObject({ isInForce: true, isRestored: false });
    expect(network.acts.length).toBeGreaterThan(0);
    expect(network.acts.filter((act) => !OWN_ACTS[fault.aimedAt].test(act))).toEqual([]);
    await fault.revert(aim, preState, signal);
    network.cluster.settle();
    expect(await fault.read(aim, preState, signal)).toMatchObject({ isRestored: true, foreign: [] });
    // What passes by itself was done all the same, and cannot be undone.
    if (fault.passes === undefined) expect((await fault.read(aim, preState, signal)).isInForce).toBe(false);
    expect(network.snapshot()).toEqual(before);
  });

  test('restores any pre-state exactly, also when it is reverted twice or was never injected', async () => {
    await fc.assert(
      fc.asyncProperty(anyNetwork(under), fc.boolean(), fc.integer({ min: 1, max: 3 }), async (network, isInjected, reverts) => {
        const before = network.snapshot();
        const aim = aimAt(fault, network, params);
        const preState = throughTheJournal(await fault.preState(aim, signal));
        if (isInjected) await fault.inject(aim, preState, signal);
        for (let count = 0; count < reverts; count += 1) await fault.revert(aim, preState, signal);
        network.cluster.settle();
        expect(network.snapshot()).toEqual(before);
        expect(await fault.read(aim, preState, signal)).toMatchObject({ isRestored: true, foreign: [] });
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  test('a device that answers "ok" and does nothing is not in force', async () => {
    const network = new SmallNetwork(3, under);
    const aim = aimAt(fault, network, params);
    const preState = await fault.preState(aim, signal);
    network.isDeaf = true;
    await fault.inject(aim, preState, AbortSignal.timeout(300)).catch(() => undefined); // one may notice and give up
    expect(await fault.read(aim, preState, signal)).toMatchObject({ isInForce: false });
  }, 30_000);

  test('says what it will touch, by the name of its target', () => {
    const network = new SmallNetwork(3, under);
    const aim = aimAt(fault, network, params);
    const touches = fault.touches(aim);
    expect(touches.length).toBeGreaterThan(0);
    expect(touches.every((line) => line.startsWith(`${aim.target.name}: `) || line.includes(aim.target.name))).toBe(true);
  });

  test('ends when it is aborted while a device hangs', async () => {
    const network = new SmallNetwork(3, under);
    const aim = aimAt(fault, network, params);
    const preState = await fault.preState(aim, signal);
    network.isHanging = true;
    await expect(fault.inject(aim, preState, AbortSignal.timeout(50))).rejects.toThrow();
    expect(network.acts).toEqual([]);
  });

  test.each(fault.needs)('is refused by name without %s', async (name) => {
    const network = new SmallNetwork(3, under);
    const aim = { ...aimAt(fault, network, params), devices: { ...network.devices, [name]: null } };
    const all = fault.preState(aim, signal).then((preState) => fault.inject(aim, preState, signal));
    await expect(all).rejects.toThrow(`no capability "${name}"`);
  });
});
