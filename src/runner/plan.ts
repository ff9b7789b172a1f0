// What a run will do, worked out before it does anything: who holds which flows, and which node a role names.
import type { Population } from '../core/control.ts';
import type { Environment } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import type { PlannedFault } from '../core/keeper-messages.ts';
import type { Probe } from '../core/probe-file.ts';
import { seededRandom } from '../core/random.ts';
import { aimOf, NODE_ROLES, type NodeRole, type Scenario, type TimelineEntry } from '../core/scenario-file.ts';

/** Everything a run is made of; all names resolved except the roles of nodes, which need the router's own order. */
export type RunPlan = {
  scenario: Scenario & { name: string };
  environment: Environment;
  probes: Record<string, Probe>;
  seed: number;
};

/** The flows that one vantage holds. @throws AppError UNKNOWN_NAME for a probe or VIP that does not exist */
export function populationsOf(plan: RunPlan, vantage: string): Population[] {
  return plan.scenario.flows
    .filter((group) => group.vantages === 'all' || group.vantages.includes(vantage))
    .map((group) => populationOf(group, { ...plan, asker: 'the scenario' }));
}

/**
 * One group of flows as a prober takes it.
 * @param known `asker` names who wrote the group, for the refusal
 * @throws AppError UNKNOWN_NAME for a probe or VIP that does not exist
 */
export function populationOf(
  group: Pick<RunPlan['scenario']['flows'][number], 'probe' | 'vip' | 'count'>,
  known: Pick<RunPlan, 'probes' | 'environment'> & { asker: string },
): Population {
  const { probes, environment, asker } = known;
  const probe = probes[group.probe];
  if (!probe) throw new AppError('UNKNOWN_NAME', `${asker} names the probe "${group.probe}", which does not exist`);
  const vip = environment.vips.find((candidate) => candidate.name === group.vip);
  if (!vip) throw new AppError('UNKNOWN_NAME', `${asker} names the VIP "${group.vip}", which the environment ${environment.name} lacks`);
  return {
    probe: group.probe,
    protocol: probe.protocol,
    intervalMs: probe.intervalMs,
    timeoutMs: probe.timeoutMs,
    stallAfterMs: probe.stallAfterMs,
    payloadBytes: probe.payloadBytes,
    freshDialsPerSec: probe.freshDialsPerSec,
    vip: { name: vip.name, address: vip.address, port: vip.port, policy: vip.policy },
    count: group.count,
  };
}

/** The vantages that hold at least one flow. */
export function activeVantages(plan: RunPlan): string[] {
  return plan.environment.vantages.map((vantage) => vantage.name).filter((vantage) => populationsOf(plan, vantage).length > 0);
}

/** Whether `node` is a role and not a name. */
export function isRole(node: string): node is NodeRole {
  return (NODE_ROLES as readonly string[]).includes(node);
}

/**
 * The faults of a timeline with every role bound to a node.
 * @param order nodes of the baseline next-hop set in the router's own order; empty when nobody can tell
 * @throws AppError PREFLIGHT for a role that `order` cannot answer, UNKNOWN_NAME for a node or VIP that does not exist
 */
export function bindFaults(plan: RunPlan, order: readonly string[]): (PlannedFault & { atMs: number })[] {
  const random = seededRandom(plan.seed);
  const nodes = plan.environment.nodes.map((each) => each.name);
  const vips = plan.environment.vips.map((each) => each.name);
  return plan.scenario.timeline.map((entry, index) => {
    const { at, for: forMs, fault: kind, node, vip, ...params } = entry satisfies TimelineEntry;
    const aim = aimOf({ node, vip });
    const target = aim.at === 'vip' ? bindVip(aim.name, vips) : bindNode(aim.name, { order, nodes, random });
    return { fault: `f${String(index + 1)}`, kind, target, forMs, params, atMs: at };
  });
}

function bindVip(vip: string, vips: readonly string[]): string {
  if (vips.includes(vip)) return vip;
  throw new AppError('UNKNOWN_NAME', `the timeline names the VIP "${vip}", which the environment lacks`, {
    remedy: `name one of ${vips.join(', ')}`,
  });
}

function bindNode(node: string, known: { order: readonly string[]; nodes: readonly string[]; random: () => number }): string {
  const { order, nodes, random } = known;
  if (!isRole(node)) {
    if (nodes.includes(node)) return node;
    throw new AppError('UNKNOWN_NAME', `the timeline names the node "${node}", which the environment lacks`, {
      remedy: `name one of ${nodes.join(', ')}, or ${NODE_ROLES.join(', ')}`,
    });
  }
  const remedy = 'name the node in the scenario, or give the environment a router and the observer "routes"';
  switch (node) {
    case 'any': {
      const choices = order.length > 0 ? order : nodes;
      const chosen = choices[Math.floor(random() * choices.length)];
      if (chosen === undefined) throw new AppError('PREFLIGHT', 'no node is known that "any" could mean', { remedy });
      return chosen;
    }
    case 'middle-hop': {
      const middle = order[Math.floor((order.length - 1) / 2)];
      if (middle === undefined || order.length < 3) {
        throw new AppError('PREFLIGHT', `"middle-hop" needs at least three next hops in a known order; ${String(order.length)} are known`, {
          remedy,
        });
      }
      return middle;
    }
    case 'end-hop': {
      const end = order.at(-1);
      if (end === undefined) throw new AppError('PREFLIGHT', '"end-hop" needs the next hops in a known order; none is known', { remedy });
      return end;
    }
  }
}
