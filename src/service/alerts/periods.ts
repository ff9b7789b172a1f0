// Maintenance and freeze periods: what they cover, and when. Pure.
import type { PeriodSpec } from '../../core/service-file.ts';
import type { Member } from './alert.ts';

/** The periods in which `ms` (Unix) lies. */
function periodsAt(periods: readonly PeriodSpec[], ms: number): PeriodSpec[] {
  return periods.filter(({ from, until }) => Date.parse(from) <= ms && ms < Date.parse(until));
}

/** A freeze period that keeps runs with faults from `environment` at `ms`. */
export function freezeAt(periods: readonly PeriodSpec[], environment: string, ms: number): PeriodSpec | undefined {
  return periodsAt(periods, ms).find((period) => period.kind === 'freeze' && holds(period, environment));
}

/** Name of the maintenance period that covers every one of `members`; null as soon as one lies outside the planned blast radius. */
export function maintenanceOf(members: readonly Member[], periods: readonly PeriodSpec[], ms: number): string | null {
  const now = periodsAt(periods, ms).filter(({ kind }) => kind === 'maintenance');
  const names = members.map((member) => now.find((period) => covers(period, member))?.name ?? null);
  return names.every((each) => each !== null) ? (names[0] ?? null) : null;
}

/** Name of a maintenance period of `environment`, whatever its nodes; null outside of all. */
export function maintenanceAt(periods: readonly PeriodSpec[], environment: string, ms: number): string | null {
  return periodsAt(periods, ms).find((period) => period.kind === 'maintenance' && holds(period, environment))?.name ?? null;
}

function covers(period: PeriodSpec, { finding, nodes }: Member): boolean {
  if (!holds(period, finding.environment)) return false;
  // A finding that names no node is about more than the planned ones.
  return period.nodes.length === 0 || (nodes.length > 0 && nodes.every((node) => period.nodes.includes(node)));
}

function holds({ environments }: PeriodSpec, environment: string): boolean {
  return environments === 'all' || environments.includes(environment);
}
