// Each path in each phase: exchanges, availability, latency.
import { type Phase, PHASES } from '../core/checks.ts';
import { type Histogram, mergeHistogram, quantileMs } from '../core/histogram.ts';
import type { EventOf } from '../core/journal.ts';
import type { Report } from '../core/report-format.ts';
import { availabilityOf, shownInterval } from './availability.ts';
import { phaseOfBin, spansOfPhase } from './bins.ts';
import type { Flow } from './flow-life.ts';
import { compareTexts } from './matrix.ts';
import type { NextHopHistory } from './next-hop-history.ts';
import type { RunFacts } from './run-facts.ts';
import type { ScopedFlows } from './scopes.ts';
import type { Window } from './windows.ts';

/** Rows over all protocols of a vantage and VIP; fresh dials are no exchanges of held flows and stand outside. */
export function pathsOf(
  facts: RunFacts,
  windows: readonly Window[],
  scopes: readonly ScopedFlows[],
  nextHops: NextHopHistory,
): Report['paths'] {
  const groups = new Map<string, { vantage: string; vip: string; phase: Phase; path: string; tallies: EventOf<'tally'>[] }>();
  for (const tally of facts.tallies) {
    const phase = tally.fresh ? null : phaseOfBin(windows, tally.bin);
    if (phase === null) continue;
    const { vantage, vip, path } = tally;
    const key = `${vantage} ${vip} ${phase} ${path}`;
    const group = groups.get(key);
    if (group) group.tallies.push(tally);
    else groups.set(key, { vantage, vip, phase, path, tallies: [tally] });
  }
  const inOrder = [...groups.values()].sort(
    (a, b) =>
      compareTexts([a.vip, a.vantage], [b.vip, b.vantage]) ||
      PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) ||
      compareTexts([a.path], [b.path]),
  );
  const flowsOf = (vantage: string, vip: string): Flow[] =>
    scopes.filter(({ scope }) => scope.vantage === vantage && scope.vip === vip).flatMap(({ flows }) => flows);
  return inOrder.map(({ vantage, vip, phase, path, tallies }) => {
    const found = availabilityOf(facts, {
      tallies,
      flows: flowsOf(vantage, vip),
      spans: spansOfPhase(windows, phase),
      path,
      name: `path ${vantage} ${vip} ${phase} ${path}`,
    });
    const { tally, value } = found;
    const availability = { value, ...shownInterval(found) };
    const rtt: Histogram = {};
    for (const each of tallies) mergeHistogram(rtt, each.rtt);
    const rttMs = { p50: quantileMs(rtt, 0.5) ?? 0, p99: quantileMs(rtt, 0.99) ?? 0 };
    return { vantage, vip, router: nextHops.routerOf(vip), ingress: path, phase, availability, tally, rttMs };
  });
}
