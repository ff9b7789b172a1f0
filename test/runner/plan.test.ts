import { describe, expect, test } from 'vitest';
import type { Environment } from '../../src/core/environment.ts';
import type { TimelineEntry } from '../../src/core/scenario-file.ts';
import { bindFaults, populationsOf, type RunPlan } from '../../src/runner/plan.ts';

const environment: Environment = {
  name: 'three',
  title: 'Three',
  lab: null,
  vantages: ['v1', 'v2'].map((name) => ({ name, addresses: [], netns: null })),
  vips: [{ name: 'web', address: '192.0.2.1', family: 4, port: 7000, policy: 'local', service: null }],
  nodes: ['n1', 'n2', 'n3'].map((name) => ({ name, addresses: [], podCidrs: [], netns: null, uplink: null })),
  routers: [],
  cluster: null,
  keeperSocket: null,
  observers: [],
};

function aPlan(changes: { timeline?: TimelineEntry[]; seed?: number; vantages?: 'all' | string[] } = {}): RunPlan {
  return {
    seed: changes.seed ?? 1,
    environment,
    probes: {
      hold: { title: 'Hold', protocol: 'tcp', intervalMs: 500, timeoutMs: 500, stallAfterMs: 1500, payloadBytes: 64, freshDialsPerSec: 8 },
    },
    scenario: {
      name: 's',
      title: 'S',
      flows: [{ probe: 'hold', vip: 'web', vantages: changes.vantages ?? 'all', count: 3 }],
      timeline: changes.timeline ?? [],
      expect: [],
      baseline: 5000,
      recovery: 20_000,
      minFlows: 100,
    },
  };
}

const at = (node: string): TimelineEntry[] => [{ at: 1000, fault: 'node-down', node, for: 2000, order: 'x' }];

describe('a role in a timeline', () => {
  test('middle-hop and end-hop follow the order of the router, not of the names', () => {
    expect(bindFaults(aPlan({ timeline: at('middle-hop') }), ['n3', 'n1', 'n2'])[0]?.target).toBe('n1');
    expect(bindFaults(aPlan({ timeline: at('end-hop') }), ['n3', 'n1', 'n2'])[0]?.target).toBe('n2');
  });

  test('any is chosen by the seed, the same each time', () => {
    const chosen = Array.from({ length: 20 }, (_, seed) => bindFaults(aPlan({ timeline: at('any'), seed }), ['n1', 'n2', 'n3'])[0]?.target);
    const again = Array.from({ length: 20 }, (_, seed) => bindFaults(aPlan({ timeline: at('any'), seed }), ['n1', 'n2', 'n3'])[0]?.target);
    expect(chosen).toEqual(again);
    expect(new Set(chosen)).toEqual(new Set(['n1', 'n2', 'n3']));
  });

  test('that needs an order is refused when nobody knows one', () => {
    expect(() => bindFaults(aPlan({ timeline: at('middle-hop') }), [])).toThrow(/middle-hop/);
    expect(() => bindFaults(aPlan({ timeline: at('n9') }), ['n1'])).toThrow(/n9/);
  });
});

test('the keys that are a fault’s own reach it as parameters', () => {
  expect(bindFaults(aPlan({ timeline: at('n1') }), [])[0]).toEqual({
    fault: 'f1',
    kind: 'node-down',
    target: 'n1',
    atMs: 1000,
    forMs: 2000,
    params: { order: 'x' },
  });
});

test('a group that names its vantages is held by those alone', () => {
  expect(populationsOf(aPlan({ vantages: ['v2'] }), 'v1')).toEqual([]);
  expect(populationsOf(aPlan({ vantages: ['v2'] }), 'v2')).toHaveLength(1);
});
