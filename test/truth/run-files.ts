// What the oracle takes from a run's folder: the edges of its windows and how flows were held; and the findings it judges.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Holding } from './held-flows.ts';

/** From one edge to the next, ms of the run. */
export type Window = { fromT: number; untilT: number };

/** One line of flows.ndjson, as far as packets can tell. */
export type Line = {
  event: number;
  flowId: string;
  protocol: string;
  sourceAddress: string;
  sourcePort: number;
  vip: string;
  port: number;
  ingressBefore: string | null;
  ingressAfter: string | null;
  backendBefore: string | null;
  backendAfter: string | null;
  observedSourceBefore: string | null;
  observedSourceAfter: string | null;
  broken: boolean;
  breakCause: string | null;
  blame: string | null;
};

export type RunFiles = {
  /** Unix ms of t = 0. */
  wallClockMs: number;
  windows: Window[];
  /** By protocol and VIP address: `tcp 10.0.9.1`. */
  holdings: Map<string, Holding>;
};

type Event = Record<string, unknown> & { type: string; t: number };
type Started = {
  wallClockMs: number;
  scenario: { flows: { probe: string; vip: string }[] };
  environment: { vips: { name: string; address: string }[] };
  probes: Record<string, { protocol: string; intervalMs: number; stallAfterMs: number }>;
};

const EDGES = new Set(['fault.intent', 'fault.reverting']);

/** Reads a finished run's journal: its start, its edges, nothing that a prober saw. */
export function readRun(folder: string): RunFiles {
  const events = readLines(join(folder, 'journal.ndjson')) as Event[];
  const started = the(events, (event) => event.type === 'run.started') as Event & Started;
  const fromT = the(events, (event) => event.type === 'phase.started' && event.phase === 'baseline').t;
  const untilT = the(events, (event) => event.type === 'timeline.ended').t;
  const edges = events.filter((event) => EDGES.has(event.type)).map((event) => event.t);
  const times = [fromT, ...edges.sort((a, b) => a - b), untilT];
  const holdings = started.scenario.flows.map(({ probe, vip }): [string, Holding] => {
    const { protocol, intervalMs, stallAfterMs } = started.probes[probe] ?? fail(`no probe ${probe} in the journal`);
    const { address } = started.environment.vips.find(({ name }) => name === vip) ?? fail(`no VIP ${vip} in the journal`);
    return [`${protocol} ${address}`, { intervalMs, stallAfterMs }];
  });
  return {
    wallClockMs: started.wallClockMs,
    windows: times.slice(0, -1).map((from, index) => ({ fromT: from, untilT: times[index + 1] ?? untilT })),
    holdings: new Map(holdings),
  };
}

/** Whether a prober was ill while flows were judged: it holds that against nobody, and packets cannot tell. */
export function wasProberIll(folder: string): boolean {
  const events = readLines(join(folder, 'journal.ndjson')) as Event[];
  const beganT = events.find(({ type, phase }) => type === 'phase.started' && phase === 'baseline')?.t ?? -Infinity;
  return events.some(({ type, untilT }) => type === 'prober.ill' && Number(untilT) > beganT);
}

export function readFindings(folder: string): Line[] {
  return readLines(join(folder, 'flows.ndjson')) as Line[];
}

function readLines(path: string): unknown[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
}

function the(events: readonly Event[], is: (event: Event) => boolean): Event {
  return events.find(is) ?? fail('the journal is not of a finished run');
}

function fail(why: string): never {
  throw new Error(why);
}
