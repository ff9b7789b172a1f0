// Who is judged in a window: the flows that were open and answered when it opened.
import type { Probe } from '../core/probe-file.ts';
import { type Break, type Flow, isOpenAt, wasHeardWithin } from './flow-life.ts';
import { type Window, windowOfBreak } from './windows.ts';

/** `population`: gets an outcome. The others get none; `elsewhere` was not open at all when the window opened. */
export type Membership = 'population' | 'excluded' | 'openedAndBroken' | 'elsewhere';

/** How many heartbeats back an ok exchange still shows that a flow lived. */
const HEARTBEATS = 2;

/**
 * A flow that is silent since before the window is excluded, and so is one without an ok exchange in the two heartbeats before
 * (window 0 takes all flows that are open and not silent). A UDP flow that recovered from an earlier silence is a flow like any other.
 */
export function membershipOf(flow: Flow, windows: readonly Window[], window: Window, probe: Partial<Probe> | undefined): Membership {
  const { fromT, index } = window;
  if (flow.opened.t > fromT) {
    return firstBreakIn(flow, windows, window) ? 'openedAndBroken' : 'elsewhere';
  }
  if (!isOpenAt(flow, fromT) || hasEndedBefore(flow, windows, window)) return 'elsewhere';
  if (isSilentAt(flow, windows, { t: fromT, index: index - 1 })) return 'excluded';
  const spanMs = HEARTBEATS * (probe?.intervalMs ?? Infinity);
  return index === 0 || wasHeardWithin(flow, fromT, spanMs) ? 'population' : 'excluded';
}

/** Whether a break of an earlier window ended the flow, and that was known when this one opened. */
function hasEndedBefore(flow: Flow, windows: readonly Window[], { fromT, index }: Window): boolean {
  const last = flow.breaks.at(-1);
  if (last === undefined || flow.outlivedBreak || last.brokenT > fromT) return false;
  const of = windowOfBreak(windows, last);
  return of !== null && of < index;
}

/** The first break of the flow that belongs to the window: it gives the cause. */
export function firstBreakIn(flow: Flow, windows: readonly Window[], window: Window): Break | null {
  if (flow.breaks.length === 0) return null;
  return flow.breaks.find((each) => windowOfBreak(windows, each) === window.index) ?? null;
}

/** Whether a break of window `index` or an earlier one still kept the flow silent at `t`. */
export function isSilentAt(flow: Flow, windows: readonly Window[], { t, index }: { t: number; index: number }): boolean {
  return flow.breaks.some((each) => {
    const of = windowOfBreak(windows, each);
    return of !== null && of <= index && (each.recoveredT === null || each.recoveredT > t);
  });
}
