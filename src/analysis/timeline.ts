// The series that a drawing of the run needs, all on one axis.
import type { BreakCause } from '../core/journal.ts';
import type { Timeline } from '../core/report-format.ts';
import { BIN_MS } from './bins.ts';
import { happeningText } from './cluster/happening.ts';
import type { Flow } from './flow-life.ts';
import { compareTexts, UNKNOWN } from './matrix.ts';
import type { NextHopHistory } from './next-hop-history.ts';
import type { RunFacts } from './run-facts.ts';

export function timelineOf(facts: RunFacts, nextHops: NextHopHistory): Timeline {
  const bins = facts.started === null ? 0 : Math.floor(facts.lastT / BIN_MS) + 1;
  const axis = stepsOf(bins);
  return {
    bins,
    stepMs: axis.stepMs,
    flows: flowSeries(facts.flows, axis),
    breaks: breakSeries(facts, axis),
    exchanges: exchangeSeries(facts, bins),
    nextHops: hopSeries(nextHops),
    marks: marksOf(facts),
  };
}

/** Flows and breaks are told finer than by the second: a break would else be drawn before the fault that made it. */
type Steps = { stepMs: number; steps: number };
const STEPS_MS = [100, 200, 500, BIN_MS, 2_000, 5_000, 10_000, 20_000, 60_000];
const MAX_STEPS = 1_000;

function stepsOf(bins: number): Steps {
  const endMs = bins * BIN_MS;
  const stepMs = STEPS_MS.find((step) => endMs / step <= MAX_STEPS) ?? STEPS_MS.at(-1) ?? BIN_MS;
  return { stepMs, steps: Math.ceil(endMs / stepMs) };
}

function flowSeries(flows: readonly Flow[], { stepMs, steps }: Steps): Timeline['flows'] {
  const series = new Map<string, Timeline['flows'][number]>();
  const step = (flow: Flow, ingress: string | null, { t, by }: { t: number; by: 1 | -1 }) => {
    const { vip, protocol } = flow.opened;
    const key = `${vip} ${protocol} ${ingress ?? UNKNOWN}`;
    let each = series.get(key);
    if (!each) {
      each = { vip, protocol, ingress: ingress ?? UNKNOWN, flows: zeros(steps) };
      series.set(key, each);
    }
    add(each.flows, t / stepMs, by);
  };
  for (const flow of flows) {
    const sightings = flow.changes.length === 0 ? [flow.opened] : [flow.opened, ...flow.changes];
    sightings.forEach(({ t, ingress }, index) => {
      const nextT = sightings[index + 1]?.t ?? Infinity;
      const brokenT = flow.breaks.find((each) => each.onsetT >= t)?.onsetT ?? Infinity;
      step(flow, ingress, { t, by: 1 });
      step(flow, ingress, { t: Math.min(nextT, brokenT, flow.closedT ?? flow.final?.t ?? Infinity), by: -1 });
    });
  }
  for (const { flows: changes } of series.values()) {
    let alive = 0;
    for (const [index, change] of changes.entries()) changes[index] = alive += change;
  }
  return [...series.values()].sort((a, b) => compareTexts([a.vip, a.protocol, a.ingress], [b.vip, b.protocol, b.ingress]));
}

function breakSeries({ flows }: RunFacts, { stepMs, steps }: Steps): Timeline['breaks'] {
  const series = new Map<string, { vip: string; cause: BreakCause; breaks: number[] }>();
  for (const { opened, breaks } of flows) {
    for (const { cause, onsetT } of breaks) {
      const key = `${opened.vip} ${cause}`;
      let each = series.get(key);
      if (!each) {
        each = { vip: opened.vip, cause, breaks: zeros(steps) };
        series.set(key, each);
      }
      add(each.breaks, onsetT / stepMs, 1);
    }
  }
  return [...series.values()].sort((a, b) => compareTexts([a.vip, a.cause], [b.vip, b.cause]));
}

function exchangeSeries({ tallies }: RunFacts, bins: number): Timeline['exchanges'] {
  const series = new Map<string, Timeline['exchanges'][number]>();
  for (const tally of tallies) {
    if (tally.fresh) continue;
    let each = series.get(tally.vip);
    if (!each) {
      each = { vip: tally.vip, ok: zeros(bins), late: zeros(bins), lost: zeros(bins), notSent: zeros(bins), invalid: zeros(bins) };
      series.set(tally.vip, each);
    }
    for (const kind of ['ok', 'late', 'lost', 'notSent', 'invalid'] as const) add(each[kind], tally.bin, tally[kind]);
  }
  return [...series.values()].sort((a, b) => compareTexts([a.vip], [b.vip]));
}

function hopSeries({ observed, inferred }: NextHopHistory): Timeline['nextHops'] {
  const observedVips = new Set(observed.map((set) => set.vip));
  const sets = [
    ...observed,
    ...inferred.filter((set) => !observedVips.has(set.vip)).map((set) => ({ ...set, router: `as ${set.vantage} sees it` })),
  ];
  return sets
    .flatMap(({ router, vip, history }) => history.map(({ t, nodes }) => ({ t, router, vip, nodes: [...(nodes ?? [UNKNOWN])] })))
    .sort((a, b) => a.t - b.t);
}

function marksOf(facts: RunFacts): Timeline['marks'] {
  const marks: Timeline['marks'] = [];
  for (const fault of facts.faults) {
    const mark = (t: number | null, what: string) => {
      if (t !== null) marks.push({ t, kind: 'fault', text: `${fault.kind} on ${fault.target}: ${what}` });
    };
    mark(fault.inForceT ?? fault.intentT, fault.inForceT === null ? 'begun' : 'in force');
    mark(fault.lostT, 'vanished without us');
    mark(fault.revertingT, 'reverting');
    mark(fault.revertedT, fault.state === 'gone' ? 'target gone' : 'reverted, read back');
  }
  for (const { t, node, peer, state, reason } of facts.sessions) {
    marks.push({ t, kind: 'bgp', text: `${node ?? peer}: ${state}${reason ? ` (${reason})` : ''}` });
  }
  for (const happening of facts.cluster.happenings) marks.push({ t: happening.t, kind: 'cluster', text: happeningText(happening) });
  for (const note of facts.notes)
    marks.push({ t: note.t, kind: 'note', text: note.type === 'run.note' ? note.note : `aborted: ${note.why}` });
  for (const { fromT, untilT, vantage, why } of facts.illnesses) {
    marks.push({ t: fromT, kind: 'prober', text: `the prober at ${vantage} was ill for ${String(Math.round(untilT - fromT))} ms: ${why}` });
  }
  return marks.sort((a, b) => a.t - b.t);
}

function zeros(bins: number): number[] {
  return new Array<number>(bins).fill(0);
}

/** Adds to the step that `place` lies in; before the run counts as its first one, and after it is not drawn. */
function add(series: number[], place: number, by: number): void {
  const index = Math.max(0, Math.floor(place));
  if (index < series.length) series[index] = (series[index] ?? 0) + by;
}
