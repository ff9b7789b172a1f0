// What of an agent's chunk is believed: only what a prober of that vantage may say of this monitor. An agent may be hostile.
import type { Chunk } from '../../core/agent-messages.ts';
import { AppError } from '../../core/errors.ts';
import type { EventOf, EventType, JournalEvent } from '../../core/journal.ts';
import type { MonitorPlan } from './monitor-plan.ts';

/** No runner, no fault, no next hop comes from a prober. */
const PROBER_SAYS: ReadonlySet<EventType> = new Set<EventType>([
  'vantage.ready',
  'flow.opened',
  'flow.changed',
  'flow.broken',
  'flow.recovered',
  'flow.quiet',
  'flow.mapped',
  'flow.closed',
  'flow.final',
  'dial.failed',
  'tally',
  'prober.ill',
]);
/** What clocks may be wrong by before their events are nonsense: beyond, a bin of next year would stand as the newest for a year. */
export const CLOCK_SLACK_MS = 60_000;
/** Of a node, a pod, a flow: longer than any real one (RFC 1123), short enough for a label. */
const LONGEST_NAME = 253;
const LONGEST_STREAM = 128;
/** Of one path in one bin: more than any prober can send. */
const MOST_EXCHANGES = 1_000_000;

/**
 * The events of a chunk as they are journalled: numbered by their place in the stream, with the bound of the agent's clock.
 * @param about `nowT` is now on the session's clock
 * @throws AppError BAD_INPUT naming the first event that this vantage cannot have said
 */
export function acceptEvents(chunk: Chunk, about: { plan: MonitorPlan; vantage: string; nowT: number }): JournalEvent[] {
  if (chunk.stream.length === 0 || chunk.stream.length > LONGEST_STREAM) throw refusal(chunk, 'its stream has no proper name');
  const { errMs } = chunk.clock;
  if (errMs > CLOCK_SLACK_MS) throw refusal(chunk, `its agent knows the time to ${String(Math.round(errMs / 1000))} s only`);
  return chunk.events.map((event, index) => {
    const complaint = complaintAbout(event, about, errMs);
    if (complaint !== null) throw refusal(chunk, `event ${String(index)} (${event.type}) ${complaint}`);
    const clockErrMs = Math.max(event.clockErrMs ?? 0, errMs);
    return { ...event, seq: chunk.firstSeq + index, ...(clockErrMs > 0 && { clockErrMs }) };
  });
}

function complaintAbout(event: JournalEvent, about: { plan: MonitorPlan; vantage: string; nowT: number }, errMs: number): string | null {
  const { plan, vantage, nowT } = about;
  if (event.from !== `prober:${vantage}`) return `is from ${event.from}, not from prober:${vantage}`;
  if (!PROBER_SAYS.has(event.type)) return 'is nothing that a prober says';
  if ('vantage' in event && event.vantage !== vantage) return `is of the vantage ${String(event.vantage)}`;
  for (const key of ['flow', 'replaces'] as const) {
    const flow = event[key];
    if (flow !== undefined && !(typeof flow === 'string' && flow.startsWith(`${vantage}/`))) return `names a flow of another vantage`;
  }
  if ('vip' in event && !isHeld(event, plan))
    return `is of ${String(event.vip)} over ${String(event.protocol)}, which the monitor does not hold`;
  for (const key of ['flow', 'ingress', 'backend', 'backendNode', 'boot', 'path', 'observedSource', 'sourceAddress'] as const) {
    const value = event[key];
    if (typeof value === 'string' && value.length > LONGEST_NAME) return `has a ${key} of ${String(value.length)} characters`;
  }
  const latestT = nowT + errMs + CLOCK_SLACK_MS;
  for (const t of instantsOf(event)) {
    if (t < -errMs - CLOCK_SLACK_MS) return 'was before its session began';
    if (t > latestT) return `is ${String(Math.round((t - nowT) / 1000))} s in the future`;
  }
  return event.type === 'tally' ? complaintAboutTally(event) : null;
}

/** Counts are added up for as long as the service lives: one that is below nothing, or beyond all measure, would stay. */
function complaintAboutTally({ scheduled, ok, late, lost, notSent, invalid, rtt }: EventOf<'tally'>): string | null {
  const counts = [ok, late, lost, notSent, invalid];
  if (counts.some((count) => count < 0) || counts.reduce((sum, count) => sum + count, 0) !== scheduled) return 'does not add up';
  if (scheduled > MOST_EXCHANGES) return `counts ${String(scheduled)} exchanges in a second`;
  for (const [bucket, count] of Object.entries(rtt)) {
    if (!/^\d{1,4}$/.test(bucket) || !Number.isInteger(count) || count < 0 || count > scheduled)
      return 'has latencies that nobody measured';
  }
  return null;
}

function isHeld(event: Record<string, unknown>, { spec, probes }: MonitorPlan): boolean {
  return spec.flows.some(({ vip, probe }) => vip === event.vip && probes[probe]?.protocol === event.protocol);
}

function instantsOf(event: JournalEvent): number[] {
  if (event.type === 'flow.broken') return event.lastOkT === null ? [event.t, event.onsetT] : [event.t, event.onsetT, event.lastOkT];
  if (event.type === 'flow.quiet' || event.type === 'prober.ill') return [event.t, event.fromT, event.untilT];
  return event.type === 'tally' ? [event.t, event.bin * 1_000] : [event.t];
}

/** @param why after a colon: what is wrong with the chunk */
export function refusal(chunk: Chunk, why: string): AppError {
  return new AppError('BAD_INPUT', `the chunk ${String(chunk.firstSeq)} of the monitor ${chunk.monitor} is refused: ${why}`, {
    remedy: 'update the agent to the version of the service; if it was not holdfast that sent this, revoke its token',
  });
}
