// What became of one flow in one window: the table of seven, of which the first that applies is the outcome.
import type { EventOf } from '../core/journal.ts';
import type { FlowOutcome, Outcome } from '../core/report-format.ts';
import type { Probe } from '../core/probe-file.ts';
import { type Break, type Flow, type Sighting, sightingAt } from './flow-life.ts';
import { firstBreakIn, isSilentAt } from './population.ts';
import { type Window, windowAt } from './windows.ts';

/** What a flow is judged by, the same for all flows of a ledger. */
export type Circumstances = {
  windows: readonly Window[];
  window: Window;
  /** The settled next-hop set at the window's end; null when it is not known. */
  setAfter: ReadonlySet<string> | null;
  /** Of the flow's vantage. */
  illnesses: readonly EventOf<'prober.ill'>[];
  /** As the run started them, by name. */
  probes: Readonly<Record<string, Partial<Probe>>>;
};

export type Judgement = {
  outcome: Outcome;
  before: Sighting;
  after: { ingress: string | null; backend: string | null; observedSource: string | null };
  mappedBy: FlowOutcome['mappedBy'];
  mapFailure: FlowOutcome['mapFailure'];
  /** The first break inside the window. */
  broken: Break | null;
  /** The prober was ill over the onset, or in a silence that was long enough for a stall: whether the flow broke at all is in doubt. */
  isInDoubt: boolean;
};

/** Judges a flow of the window's population. */
export function judgeFlow(flow: Flow, circumstances: Circumstances): Judgement {
  const { windows, window, illnesses } = circumstances;
  const before = sightingAt(flow, window.fromT);
  const broken = firstBreakIn(flow, windows, window);
  const isInDoubt = broken === null ? wasExcused(flow, circumstances) : isDoubtful(broken, illnesses);
  const { after, mappedBy, mapFailure } = whereaboutsOf(flow, broken, circumstances);
  const facts = { ingressBefore: before.ingress, ingressAfter: after.ingress, isBroken: broken !== null, isInDoubt };
  return { outcome: outcomeOf(facts, circumstances.setAfter), before, after, mappedBy, mapFailure, broken, isInDoubt };
}

/**
 * The prober was ill over the onset: whether the flow broke at all is in doubt.
 * @param illnesses of the flow's vantage
 */
export function isDoubtful({ onsetT }: Break, illnesses: Circumstances['illnesses']): boolean {
  return illnesses.some((ill) => ill.fromT <= onsetT && onsetT <= ill.untilT);
}

/** A prober does not hold its own illness against a path: a silence that it let pass for that reason may have been a stall. */
function wasExcused(flow: Flow, { windows, window, illnesses, probes }: Circumstances): boolean {
  const { intervalMs = 0, stallAfterMs = Infinity } = probes[flow.opened.probe] ?? {};
  return flow.quiets.some(({ fromT, untilT }) => {
    // The prober counts from when the first unanswered exchange was due: an interval after the answered one, itself due a round trip before.
    const dueT = fromT + Math.max(0, intervalMs - flow.opened.rttMs);
    return (
      untilT - dueT >= stallAfterMs &&
      windowAt(windows, fromT + intervalMs) === window.index &&
      illnesses.some((ill) => ill.fromT < untilT && dueT < ill.untilT)
    );
  });
}

/** DESIGN.md, section 5: rows 1 to 7 in their order. `ingressAfter`: where the 5-tuple maps, or the living flow is; null when neither is known. */
export function outcomeOf(
  flow: { ingressBefore: string | null; ingressAfter: string | null; isBroken: boolean; isInDoubt: boolean },
  setAfter: ReadonlySet<string> | null,
): Outcome {
  const { ingressBefore, ingressAfter, isBroken, isInDoubt } = flow;
  if (isInDoubt || ingressBefore === null || setAfter === null) return 'unknown';
  if (!setAfter.has(ingressBefore)) return 'on-dead-hop';
  if (isBroken) {
    if (ingressAfter === null) return 'unknown';
    return ingressAfter === ingressBefore ? 'broken-in-place' : 'moved-broken';
  }
  return ingressAfter !== null && ingressAfter !== ingressBefore ? 'moved-survived' : 'unmoved';
}

type Where = Pick<Judgement, 'after' | 'mappedBy' | 'mapFailure'>;

const NOWHERE: Judgement['after'] = { ingress: null, backend: null, observedSource: null };

function whereaboutsOf(flow: Flow, broken: Break | null, { windows, window }: Circumstances): Where {
  const { untilT, index } = window;
  if (broken === null || !isSilentAt(flow, windows, { t: untilT, index })) {
    // Its answers say where it is; after the last window the final map says where its 5-tuple goes now.
    const isLast = index === windows.length - 1;
    if (isLast && flow.final !== null && flow.final.ingress !== null) {
      return { after: flow.final, mappedBy: 'final', mapFailure: null };
    }
    return { after: sightingAt(flow, untilT), mappedBy: 'live', mapFailure: null };
  }
  // Only tries inside the break's own window count, and the last successful one wins.
  const tries = flow.mappings.filter((mapping) => mapping.t >= broken.onsetT && mapping.t <= untilT);
  const success = tries.findLast((mapping) => mapping.ingress !== null);
  if (success) return { after: success, mappedBy: 'redial', mapFailure: null };
  const failed = tries.findLast((mapping) => mapping.failure);
  return { after: NOWHERE, mappedBy: null, mapFailure: failed?.isOwn ? 'notSent' : (failed?.failure ?? null) };
}
