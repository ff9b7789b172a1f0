// How a monitor stands, as the API tells it: what the watch sees, and what is known of each vantage and its agent.
import type { MonitorStatus, VantageStatus } from '../../core/api.ts';
import type { Agents } from './agents.ts';
import { vantagesOf } from './monitor-plan.ts';
import type { Monitor } from './monitor.ts';
import type { WatchedSession } from './watched-session.ts';

/** What a vantage does for a monitor, by its agent's own word or silence. */
export function vantageStatusOf(about: { monitor: string; live: WatchedSession }, vantage: string, agents: Agents): VantageStatus {
  const { monitor, live } = about;
  const agent = agents.at(live.plan.environment.name, vantage);
  const held = agent?.state?.holdings.find((holding) => holding.monitor === monitor && holding.session === live.session.id);
  const figures = {
    vantage,
    agent: agent?.name ?? null,
    lastSeenMs: agent?.lastSeenMs ?? null,
    open: held?.open ?? 0,
    broken: held?.broken ?? 0,
    clockErrMs: agent?.state?.clock?.errMs ?? null,
  };
  if (agent === null) return { ...figures, state: 'none', why: `no agent sits at ${vantage}` };
  if (agents.isSilent(agent)) return { ...figures, state: 'silent', why: `the agent ${agent.name} has not been heard of for over 10 s` };
  if (!held) return { ...figures, state: 'starting', why: null };
  if (held.isIll) return { ...figures, state: 'ill', why: held.why ?? `the prober at ${vantage} was held up` };
  return { ...figures, state: held.state, why: held.why ?? null };
}

/** A monitor that is not watched has no figures; its sentence says why. */
export function monitorStatusOf(monitor: Monitor, agents: Agents): MonitorStatus {
  const { name, spec, origin, isPaused, live, session, problem } = monitor;
  const about = {
    name,
    environment: spec.environment,
    spec,
    origin,
    isPaused,
    session: session?.id ?? '',
    sinceMs: session?.t0WallMs ?? 0,
  };
  if (live === null) {
    const sentence = isPaused ? 'paused' : (problem ?? 'not watched yet');
    return { ...about, sentence, vantages: [], paths: [], nextHops: [], sessions: [], recent: [], openFindings: 0 };
  }
  const { lateEvents: _, ...seen } = live.watch.status(live.nowT());
  const vantages = vantagesOf(live.plan).map((vantage) => vantageStatusOf({ monitor: name, live }, vantage, agents));
  return { ...about, ...seen, vantages };
}
