// What a monitor holds where: its flows, resolved against what the service knows from its files.
import { createHash } from 'node:crypto';
import type { HoldingOrder } from '../../core/agent-messages.ts';
import { didYouMean } from '../../core/did-you-mean.ts';
import type { Environment } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import type { Probe } from '../../core/probe-file.ts';
import type { MonitorSpec } from '../../core/service-file.ts';
import { populationOf } from '../../runner/plan.ts';
import type { Catalogue } from '../parts.ts';

/** All that decides what a monitor measures: when any of it changes, its session ends and another begins. */
export type MonitorPlan = { spec: MonitorSpec; environment: Environment; probes: Record<string, Probe> };

/** A monitor's clock: t = 0 of all its events. It outlives the service, but neither a change of the plan nor a boot of the machine. */
export type Session = { id: string; t0MonoMs: number; t0WallMs: number; machineBoot: string };

/** @throws AppError UNKNOWN_NAME for an environment, probe, VIP or vantage that is not there */
export function planMonitor(spec: MonitorSpec, catalogue: Catalogue): MonitorPlan {
  const found = catalogue.environments.get(spec.environment);
  if (!found) throw unknown(spec, 'the environment', spec.environment, [...catalogue.environments.keys()]);
  const { environment } = found;
  const probes: Record<string, Probe> = {};
  for (const group of spec.flows) {
    const probe = catalogue.probes.get(group.probe)?.probe;
    if (!probe) throw unknown(spec, 'the probe', group.probe, [...catalogue.probes.keys()]);
    probes[group.probe] = probe;
    const vips = environment.vips.map(({ name }) => name);
    if (!vips.includes(group.vip)) throw unknown(spec, 'the VIP', group.vip, vips);
    const vantages = environment.vantages.map(({ name }) => name);
    for (const vantage of group.vantages === 'all' ? [] : group.vantages) {
      if (!vantages.includes(vantage)) throw unknown(spec, 'the vantage', vantage, vantages);
    }
  }
  return { spec, environment, probes };
}

/** The vantages that hold at least one flow of it, in the environment's order. */
export function vantagesOf(plan: MonitorPlan): string[] {
  return plan.environment.vantages.map(({ name }) => name).filter((vantage) => groupsAt(plan, vantage).length > 0);
}

/** What the agent at `vantage` is told to hold; null when nothing. */
export function holdingAt(plan: MonitorPlan, session: Session, vantage: string): HoldingOrder | null {
  const { spec, environment } = plan;
  const groups = groupsAt(plan, vantage);
  if (groups.length === 0) return null;
  return {
    monitor: spec.name,
    session: session.id,
    environment: environment.name,
    vantage,
    t0ServiceMonoMs: session.t0MonoMs,
    serviceBoot: session.machineBoot,
    runTag: createHash('sha256').update(session.id).digest('hex').slice(0, 16),
    sourceAddresses: environment.vantages.find(({ name }) => name === vantage)?.addresses ?? [],
    nodes: environment.nodes.map(({ name, addresses, podCidrs }) => ({ name, addresses, podCidrs })),
    populations: groups.map((group) => populationOf(group, { ...plan, asker: `the monitor ${spec.name}` })),
  };
}

/** A session that begins now. `before` is the id of the one that it follows, so that two of one instant differ. */
export function newSession(monitor: string, before: string | null, now: { nowMs: number; monoMs: number; machineBoot: string }): Session {
  const { nowMs, monoMs, machineBoot } = now;
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const mark = createHash('sha256')
    .update(JSON.stringify([monitor, before, now]))
    .digest('hex')
    .slice(0, 8);
  return { id: `${stamp}Z-${mark}`, t0MonoMs: monoMs, t0WallMs: nowMs, machineBoot };
}

function groupsAt({ spec }: MonitorPlan, vantage: string): MonitorSpec['flows'] {
  return spec.flows.filter(({ vantages }) => vantages === 'all' || vantages.includes(vantage));
}

function unknown(spec: MonitorSpec, what: string, name: string, known: readonly string[]): AppError {
  const near = didYouMean(name, known);
  return new AppError(
    'UNKNOWN_NAME',
    `the monitor ${spec.name} names ${what} ${name}, which does not exist${near === null ? '' : `; did you mean ${near}?`}`,
    {
      remedy: known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`,
    },
  );
}
