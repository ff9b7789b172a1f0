// Each fault of the run: when it came, how it ended, what its keeper said last.
import type { EventOf, JournalEvent } from '../core/journal.ts';
import type { Report } from '../core/report-format.ts';
import { type FaultAim, FAULT_MEANS, type FaultMeans } from '../core/scenario-file.ts';

export type FaultFacts = {
  id: string;
  kind: string;
  target: string;
  aimedAt: FaultAim;
  /** A control: nothing may come of it. */
  isControl: boolean;
  /** How it can break flows: by any means where its keeper did not tell, as early ones did not. */
  breaksBy: readonly FaultMeans[];
  /** What happens to the target, as the fault itself says it; else `kind on target`. */
  headline: string;
  plannedForMs: number;
  /** Ms after the timeline's start. */
  plannedAtMs: number | null;
  /** Its two edges. */
  intentT: number | null;
  revertingT: number | null;
  /** Error bound of the edges' clock. */
  clockErrMs: number;
  inForceT: number | null;
  lostT: number | null;
  /** The read-back that found the pre-state. */
  revertedT: number | null;
  state: Report['faults'][number]['state'];
  /** Why it is unverified, or who undid it. */
  reason: string | null;
};

type FaultEvent = EventOf<Extract<JournalEvent['type'], `fault.${string}`>>;

/** Folds the keeper's and the janitor's words, which may come twice: an edge is told by the first, the state by the last. */
export function faultFacts(events: readonly JournalEvent[]): FaultFacts[] {
  const faults = new Map<string, FaultFacts>();
  for (const event of events as readonly FaultEvent[]) {
    let fault = faults.get(event.fault);
    if (!fault) {
      fault = unheardOf(event);
      faults.set(event.fault, fault);
    }
    fold(fault, event);
  }
  return [...faults.values()];
}

/** Rows of the report: the faults that were begun, or may have been when the journal broke off. */
export function faultRows(faults: readonly FaultFacts[], mayHaveBegun: (fault: FaultFacts) => boolean): Report['faults'] {
  return faults
    .filter((fault) => fault.intentT !== null || mayHaveBegun(fault))
    .map(({ id, kind, target, plannedForMs, inForceT, revertedT, state }) => ({
      id,
      kind,
      target,
      plannedForMs,
      inForceT,
      revertedT,
      state,
    }));
}

function unheardOf(event: FaultEvent): FaultFacts {
  return {
    id: event.fault,
    kind: event.kind,
    target: event.target,
    aimedAt: 'node',
    isControl: false,
    breaksBy: FAULT_MEANS,
    headline: `${event.kind} on ${event.target}`,
    plannedForMs: 0,
    plannedAtMs: null,
    intentT: null,
    revertingT: null,
    clockErrMs: 0,
    inForceT: null,
    lostT: null,
    revertedT: null,
    state: 'unknown',
    reason: null,
  };
}

function fold(fault: FaultFacts, event: FaultEvent): void {
  fault.clockErrMs = Math.max(fault.clockErrMs, event.clockErrMs ?? 0);
  switch (event.type) {
    case 'fault.planned':
      fault.plannedForMs = event.forMs;
      fault.plannedAtMs = event.atMs;
      fault.headline = event.headline ?? fault.headline;
      break;
    case 'fault.intent':
      fault.intentT ??= event.t;
      fault.aimedAt = event.aimedAt ?? 'node';
      fault.isControl = event.isControl ?? false;
      fault.breaksBy = event.breaksBy ?? (fault.isControl ? [] : FAULT_MEANS);
      fault.plannedForMs = event.forMs;
      fault.headline = event.headline ?? fault.headline;
      break;
    case 'fault.in-force':
      fault.inForceT ??= event.t;
      break;
    case 'fault.lost':
      fault.lostT ??= event.t;
      fault.reason = event.reason;
      break;
    case 'fault.reverting':
      fault.revertingT ??= event.t;
      break;
    case 'fault.verified':
      fault.revertedT ??= event.t;
      fault.state = 'verified';
      break;
    case 'fault.unverified':
      fault.state = 'unverified';
      fault.reason = event.reason;
      break;
    case 'fault.gone':
      fault.revertedT ??= event.t;
      fault.state = 'gone';
      fault.reason = event.reason;
      break;
  }
}
