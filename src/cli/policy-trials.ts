// The runs of `compare-policies`: one fault each, while flows are held on every VIP at once.
import type { Trial } from '../analysis/policies/figures.ts';
import type { Environment } from '../core/environment.ts';
import type { Probe } from '../core/probe-file.ts';
import type { Scenario } from '../core/scenario-file.ts';
import type { RunPlan } from '../runner/plan.ts';

export type TrialOptions = {
  vips: readonly string[];
  /** Flows that each vantage holds on each VIP. */
  flows: number;
  /** The node that faults of nodes are aimed at, or a role. */
  node: string;
  seed: number;
  probe: { name: string; probe: Probe };
};
type Entry = { fault: string; aim: 'node' | 'vip'; forMs: number; params?: Record<string, unknown> };

/** All flows are open, and have been for a while. */
const BASELINE_MS = 5_000;
const RECOVERY_MS = 12_000;

/** A link stays cut until the hold timer has taken its route away, and long enough for new flows to come up meanwhile. */
const ENTRIES: Record<Trial, Entry> = {
  'session-loss': { fault: 'bgp-session-down', aim: 'node', forMs: 8_000 },
  'link-cut': { fault: 'node-down', aim: 'node', forMs: 20_000 },
  exclude: { fault: 'node-exclude', aim: 'node', forMs: 8_000 },
  'drain-evict-first': { fault: 'node-drain', aim: 'node', forMs: 15_000, params: { order: 'evict-first' } },
  'drain-withdraw-first': { fault: 'node-drain', aim: 'node', forMs: 15_000, params: { order: 'withdraw-first' } },
  'speaker-restart': { fault: 'speaker-delete', aim: 'node', forMs: 15_000 },
  rollout: { fault: 'deployment-rollout', aim: 'vip', forMs: 45_000 },
  control: { fault: 'unrelated-service', aim: 'vip', forMs: 5_000 },
};

/** The plan of a trial. @param vip what a fault of VIPs is aimed at */
export function trialPlan(trial: Trial, environment: Environment, vip: string, options: TrialOptions): RunPlan {
  const { fault, aim, forMs, params } = ENTRIES[trial];
  const scenario: Scenario & { name: string } = {
    name: `policies-${trial}`,
    title: `Policies compared: ${fault}`,
    flows: options.vips.map((name) => ({ probe: options.probe.name, vip: name, vantages: 'all', count: options.flows })),
    timeline: [{ at: BASELINE_MS, fault, for: forMs, ...(aim === 'node' ? { node: options.node } : { vip }), ...params }],
    expect: [],
    baseline: BASELINE_MS,
    recovery: RECOVERY_MS,
    minFlows: 100,
  };
  return { scenario, environment, probes: { [options.probe.name]: options.probe.probe }, seed: options.seed };
}

/** How long a trial takes at most, without what opening and closing take. */
export function trialMs(trial: Trial): number {
  return BASELINE_MS + ENTRIES[trial].forMs + RECOVERY_MS;
}

/** Whether the trial's fault is aimed at a VIP, so that each Deployment needs one of its own. */
export function isOfVip(trial: Trial): boolean {
  return ENTRIES[trial].aim === 'vip';
}

export function faultOf(trial: Trial): string {
  return ENTRIES[trial].fault;
}
