// The series that a drawing of the run needs, all on one axis of seconds.
import type { BreakCause } from '../core/journal.ts';
import type { Timeline } from '../core/report-format.ts';
import { BIN_MS } from './bins.ts';
import type { Flow } from './flow-life.ts';
import { compareTexts, UNKNOWN } from './matrix.ts';
import type { NextHopHistory } from './next-hop-history.ts';
import type { RunFacts } from './run-facts.ts';

export function timelineOf(facts: RunFacts, nextHops: NextHopHistory): Timeline {
  const bins = facts.started === null ? 0 : Math.floor(facts.lastT / BIN_MS) + 1;
  return {
    bins,
    flows: flowSeries(facts.flows, bins),
    breaks: breakSeries(facts, bins),
    exchanges: exchangeSeries(facts, bins),
    nextHops: hopSeries(nextHops),
    marks: marksOf(facts),
  };
}

function flowSeries(flows: readonly Flow[], bins: number): Timeline['flows'] {
  const series = new Map<string, Timeline['flows'][number]>();
  const step = (flow: Flow, ingress: string | null, { t, by }: { t: number; by: 1 | -1 }) => {
    const { vip, protocol } = flow.opened;
    const key = `${vip} ${protocol} ${ingress ?? UNKNOWN}`;
    let each = series.get(key);
    if (!each) {
      each = { vip, protocol, ingress: ingress ?? UNKNOWN, flows: zeros(bins) };
      series.set(key, each);
    }
    add(each.flows, t, by);
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
  for (const { flows: steps } of series.values()) {
    let alive = 0;
    for (const [bin, change] of steps.entries()) steps[bin] = alive += change;
  }
  return [...series.values()].sort((a, b) => compareTexts([a.vip, a.protocol, a.ingress], [b.vip, b.protocol, b.ingress]));
}

function breakSeries({ flows }: RunFacts, bins: number): Timeline['breaks'] {
  const series = new Map<string, { vip: string; cause: BreakCause; breaks: number[] }>();
  for (const { opened, breaks } of flows) {
    for (const { cause, onsetT } of breaks) {
      const key = `${opened.vip} ${cause}`;
      let each = series.get(key);
      if (!each) {
        each = { vip: opened.vip, cause, breaks: zeros(bins) };
        series.set(key, each);
      }
      add(each.breaks, onsetT, 1);
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
    for (const kind of ['ok', 'late', 'lost', 'notSent', 'invalid'] as const) add(each[kind], tally.bin * BIN_MS, tally[kind]);
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

/** Adds to the bin of `t`; before the run counts as its first second, and after it is not drawn. */
function add(series: number[], t: number, by: number): void {
  const bin = Math.max(0, Math.floor(t / BIN_MS));
  if (bin < series.length) series[bin] = (series[bin] ?? 0) + by;
}
