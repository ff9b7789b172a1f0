// ok / (ok + late + lost) over some seconds of some paths, with the interval of a bootstrap over flows.
import type { EventOf, Tally } from '../core/journal.ts';
import { type BinSpan, BIN_MS, isInSpans, judgedIn, sumOf } from './bins.ts';
import { bootstrapAvailability, seedFor } from './bootstrap.ts';
import type { Flow } from './flow-life.ts';
import { shareOf } from './intervals.ts';
import { lossClasses } from './lost-exchanges.ts';
import type { RunFacts } from './run-facts.ts';

export type Availability = { tally: Tally; value: number; low: number; high: number };

export type AvailabilityQuestion = {
  /** Of held flows; those outside `spans` or on another path are left out. */
  tallies: readonly EventOf<'tally'>[];
  flows: readonly Flow[];
  spans: readonly BinSpan[];
  /** Null: every path. */
  path: string | null;
  /** Names the question, so that its bootstrap draws the same numbers in every report. */
  name: string;
};

/**
 * The interval as it is shown. Flows that all fared alike leave a bootstrap no variation, which must not read as certainty: it is
 * never shown narrower than if each exchange had been a flow of its own.
 */
export function shownInterval({ tally, low, high }: Availability): { low: number; high: number } {
  const alone = shareOf(tally.ok, judgedIn(tally));
  return { low: Math.min(alone.low, low), high: Math.max(alone.high, high) };
}

/** With nothing judged the value is 0 and the interval 0..1: the tally tells that nothing is known. */
export function availabilityOf(facts: RunFacts, question: AvailabilityQuestion): Availability {
  const { flows, spans, path } = question;
  const tallies = question.tallies.filter((tally) => isInSpans(spans, tally.bin) && (path === null || tally.path === path));
  const tally = sumOf(tallies);
  const exchanges = judgedIn(tally);
  if (exchanges === 0) return { tally, value: 0, low: 0, high: 1 };
  const intervalOf = (flow: Flow) => facts.probes[flow.opened.probe]?.intervalMs ?? BIN_MS;
  const [anyFlow] = flows;
  // On a fixed schedule every flow has the same number of exchanges a second: their sum tells how many flows there were at a time.
  const seconds = new Set(tallies.map((each) => each.bin)).size;
  const places = (tally.scheduled * (anyFlow ? intervalOf(anyFlow) : BIN_MS)) / (seconds * BIN_MS);
  const { classes, flows: flowCount } = lossClasses(flows, { spans, path, endT: facts.endT }, tally.late + tally.lost, {
    places,
    intervalOf,
  });
  const interval = bootstrapAvailability(classes, { flows: flowCount, exchanges }, seedFor(facts.started?.seed ?? 0, question.name));
  const value = tally.ok / exchanges;
  return { tally, value, low: Math.min(value, interval.low), high: Math.max(value, interval.high) };
}
