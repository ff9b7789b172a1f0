// What a watch is told once, and the lengths of time that its rules share.
import type { Environment } from '../../core/environment.ts';
import type { EventOf, JournalEvent } from '../../core/journal.ts';
import type { Probe } from '../../core/probe-file.ts';
import type { MonitorSpec } from '../../core/service-file.ts';

export type WatchContext = {
  monitor: string;
  /** Names the monitor's clock; part of every finding's id. */
  session: string;
  /** Unix ms at t = 0. */
  t0WallMs: number;
  environment: Environment;
  /** Of the flows, by name, at least. */
  probes: Record<string, Probe>;
  flows: MonitorSpec['flows'];
};

/** A window closes when no flow has broken for this long. */
export const QUIET_MS = 10_000;
/** Where no observer sees the set, the second mapping try begins 10 s after the break and takes 1.5 s: the window waits for it. */
export const BLIND_QUIET_MS = 12_000;
/** Breaks that never end do not keep a window open for ever. */
export const MAX_WINDOW_MS = 600_000;
/** A vantage whose newest event is older than this holds up no decision; its figures are added when they come. */
export const LAGGING_MS = 15_000;
/** For so long events are kept for vantages that lag; what comes later is counted as late and changes no figures. */
export const MAX_LATENESS_MS = 900_000;
/** A path or VIP counts as back once it has answered for this long. */
export const STEADY_MS = 3_000;
/** A set that lost a hop for so long is how things are: the finding ends, and the path is no longer remembered. */
export const ACCEPT_MS = 24 * 3_600_000;
/** Asked anew each second for months, the chance that an inferred set misses a hop must be far smaller than in one run. */
export const MONITOR_CHANCE_OF_MISTAKE = 1e-12;

export type FlowEvent = EventOf<
  'flow.opened' | 'flow.changed' | 'flow.recovered' | 'flow.broken' | 'flow.quiet' | 'flow.mapped' | 'flow.closed' | 'flow.final'
>;
export type SetEvent = EventOf<'next-hops' | 'observer.blind'>;

export function isFlowEvent(event: JournalEvent): event is FlowEvent {
  return event.type.startsWith('flow.');
}

/** Protocols that the monitor holds flows of a VIP with. */
export function protocolsOf({ flows, probes }: WatchContext, vip: string | null): string[] {
  return [...new Set(flows.flatMap((group) => (group.vip === vip ? (probes[group.probe]?.protocol ?? []) : [])))].sort();
}

/** A probe's heartbeat and patience; those of the defaults where the probe is not known. */
export function paceOf(context: WatchContext, probe: string): { intervalMs: number; stallAfterMs: number } {
  return context.probes[probe] ?? { intervalMs: 500, stallAfterMs: 1_500 };
}
