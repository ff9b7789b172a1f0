// One flow from its opening to its end, as the journal tells it, and what can be asked of it at an instant.
import type { BreakCause, EventOf } from '../core/journal.ts';

/** Who answered a flow from `t` on. A `flow.opened`, `flow.changed` or `flow.recovered` event is one as it stands. */
export type Sighting = Pick<EventOf<'flow.opened'>, 't' | 'ingress' | 'backend' | 'backendNode' | 'boot' | 'observedSource'>;

/** A flow fell silent or was ended by the other side. */
export type Break = {
  cause: BreakCause;
  onsetT: number;
  /** Arrival of the last ok answer before it. */
  lastOkT: number;
  /** When the prober knew. */
  brokenT: number;
  /** How far `onsetT` may be off against the runner's clock. */
  clockErrMs: number;
  /** When the flow itself was answered again; null while it was not (a TCP flow never is). */
  recoveredT: number | null;
};

/** A living flow had no ok exchange between two instants. */
export type Quiet = { fromT: number; untilT: number };

export type Flow = {
  id: string;
  vantage: string;
  opened: EventOf<'flow.opened'>;
  /** Sightings after the opening, in order of time. */
  changes: readonly Sighting[];
  breaks: readonly Break[];
  mappings: readonly EventOf<'flow.mapped'>[];
  quiets: readonly Quiet[];
  closedT: number | null;
  final: EventOf<'flow.final'> | null;
  /** The first answer of the flow that took its place. */
  replacedT: number | null;
  /** Whether it was heard of after its last break: a flow that breaks and ends is not. */
  outlivedBreak: boolean;
};

/** Who answered at `t` last; the opening for an instant before it. */
export function sightingAt(flow: Flow, t: number): Sighting {
  for (let index = flow.changes.length - 1; index >= 0; index -= 1) {
    const sighting = flow.changes[index];
    if (sighting && sighting.t <= t) return sighting;
  }
  return flow.opened;
}

/** Whether it had been opened at `t` and not been closed by us. */
export function isOpenAt(flow: Flow, t: number): boolean {
  return flow.opened.t <= t && (flow.closedT === null || flow.closedT > t);
}

/** Whether it had an ok exchange (the hello's answer is one) in [t - spanMs, t]. */
export function wasHeardWithin(flow: Flow, t: number, spanMs: number): boolean {
  if (flow.quiets.length + flow.breaks.length === 0) return true;
  const sinceT = t - spanMs;
  const isSilent = (fromT: number, untilT: number) => fromT < sinceT && untilT > t;
  return !(
    flow.quiets.some((quiet) => isSilent(quiet.fromT, quiet.untilT)) ||
    flow.breaks.some((each) => isSilent(each.lastOkT, each.recoveredT ?? Infinity))
  );
}
