// `run --dry-run`: what a run would hold, touch and leave, told without touching anything.
import { expectedText } from '../analysis/checks/evaluate.ts';
import type { Environment, Node } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { aimOf, NODE_ROLES } from '../core/scenario-file.ts';
import { formatDurationMs } from '../core/units.ts';
import { FAULTS } from '../keeper/faults/index.ts';
import { minimumNextHops } from '../keeper/next-hop-minimum.ts';
import { activeVantages, bindFaults, isRole, populationsOf, type RunPlan } from '../runner/plan.ts';

/**
 * The plan as text.
 * @param order nodes in the router's own order, when somebody could read it; empty: roles stay roles
 */
export function planText(plan: RunPlan, order: readonly string[]): string {
  const { scenario, environment } = plan;
  return [
    `${scenario.title} (${scenario.name}) in ${environment.title} (${environment.name}), seed ${String(plan.seed)}`,
    '',
    'Holds:',
    ...activeVantages(plan).flatMap((vantage) =>
      populationsOf(plan, vantage).map(
        ({ count, protocol, vip, probe, intervalMs }) =>
          `  ${vantage}: ${String(count)} ${protocol} flows through ${vip.name} (${vip.address} port ${String(vip.port)}), an exchange every ${formatDurationMs(intervalMs)} (${probe})`,
      ),
    ),
    '',
    ...faultLines(plan, order),
    '',
    'Expects:',
    ...scenario.expect.map((expectation) => {
      const scope = [expectation.vantage, expectation.protocol, expectation.vip].filter((each) => each !== undefined).join(' ');
      const during = expectation.during === undefined ? '' : `, during ${expectation.during}`;
      return `  ${expectation.check}: ${expectedText(expectation)}${scope && `, ${scope}`}${during}`;
    }),
    '',
    `Lasts about ${formatDurationMs(lengthMs(plan))} from the moment all flows are open. Nothing was touched.`,
    '',
  ].join('\n');
}

function faultLines(plan: RunPlan, order: readonly string[]): string[] {
  const { timeline } = plan.scenario;
  if (timeline.length === 0) return ['Touches: nothing, this scenario only watches.'];
  const hops = plan.environment.nodes.length;
  const least = minimumNextHops(order.length > 0 ? order.length : hops, undefined);
  return [
    'Touches:',
    ...boundOrNot(plan, order).flatMap(({ fault, kind, target, atMs, forMs, params }) => [
      `  ${fault}  at ${formatDurationMs(atMs)} for ${formatDurationMs(forMs)}: ${kind} at ${target}`,
      ...touchesOf(plan.environment, { kind, target, params }).map((line) => `        ${line}`),
    ]),
    `Must remain: at least ${String(least)} next hops; a fault that would leave fewer is refused.`,
    'Reverts: at its deadline by the keeper, at once when you interrupt the run, within the lease when the run dies.',
  ];
}

function boundOrNot(plan: RunPlan, order: readonly string[]): ReturnType<typeof bindFaults> {
  if (order.length > 0) return bindFaults(plan, order);
  return plan.scenario.timeline.map(({ at, for: forMs, fault: kind, node, vip, ...params }, index) => ({
    fault: `f${String(index + 1)}`,
    kind,
    target: node !== undefined && isRole(node) ? `${node} (known once the router's order can be read)` : aimOf({ node, vip }).name,
    atMs: at,
    forMs,
    params,
  }));
}

function touchesOf(environment: Environment, about: { kind: string; target: string; params: Record<string, unknown> }): string[] {
  const fault = FAULTS.find(({ kind }) => kind === about.kind);
  if (!fault) throw new AppError('UNKNOWN_NAME', `there is no fault "${about.kind}"`);
  const { params, target } = about;
  switch (fault.aimedAt) {
    case 'node':
      return fault.touches({ environment, target: nodeOrRole(environment, target), params });
    case 'vip': {
      const vip = environment.vips.find(({ name }) => name === target);
      return vip ? fault.touches({ environment, target: vip, params }) : [];
    }
  }
}

function nodeOrRole(environment: Environment, target: string): Node {
  const role = NODE_ROLES.find((name) => target.startsWith(name));
  const unbound = { name: role ?? target, addresses: ['its addresses'], podCidrs: [], netns: null, uplink: null };
  return environment.nodes.find(({ name }) => name === target) ?? unbound;
}

function lengthMs({ scenario }: RunPlan): number {
  const last = scenario.timeline.at(-1);
  return last ? last.at + last.for + scenario.recovery : scenario.baseline;
}
