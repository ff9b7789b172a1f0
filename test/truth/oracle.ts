// The oracle: compares flows.ndjson with what packets on the nodes' uplinks say, flow by flow and window by window.
//
// It shares no code with the product and takes nothing from it but the edges of the windows and the intervals of the probes.
// It judges which flows have a line, `ingressBefore`, `ingressAfter`, `broken` and `breakCause`; where packets of pods were captured too,
// also which pod answered and which source address it saw. It cannot judge what no packet shows: next-hop sets (hence not the
// outcome's name), latencies. A break that the report leaves in doubt, since the prober was ill, is counted and not judged.
import { type Answered, type Conversation, tupleKey } from './conversations.ts';
import { heldFlows, type HeldFlow, type Holding } from './held-flows.ts';
import type { Line, RunFiles, Window } from './run-files.ts';

const JUDGED = ['ingressBefore', 'ingressAfter', 'broken', 'breakCause'] as const;
const JUDGED_WITH_PODS = [...JUDGED, 'backendBefore', 'backendAfter', 'observedSourceBefore', 'observedSourceAfter'] as const;

/** What packets say of one flow in one window. */
export type Truth = Pick<Line, (typeof JUDGED_WITH_PODS)[number]>;

export type Disagreement = {
  event: number;
  flow: string;
  says: Partial<Truth> | 'no line';
  packets: Partial<Truth> | 'no such flow';
  because: string;
};

export type Judgement = {
  disagreements: Disagreement[];
  /** Lines that were compared and agree. */
  agreed: number;
  /** Of them: those that agree only when an instant is taken a little earlier or later than it was seen. */
  borderline: number;
  /** Of them: those whose break the report leaves in doubt. */
  inDoubt: number;
};

/** A packet is seen on a node's uplink before the prober sees it, whose tick is 10 ms: instants are compared within this. */
const RESOLUTION_MS = 25;
/** How the same packets may be read within the resolution, the plain reading first. */
const READINGS = [
  { edgesMs: 0, stallMs: 0 },
  { edgesMs: RESOLUTION_MS, stallMs: 0 },
  { edgesMs: -RESOLUTION_MS, stallMs: 0 },
  { edgesMs: 0, stallMs: RESOLUTION_MS },
  { edgesMs: 0, stallMs: -RESOLUTION_MS },
];

/**
 * Judges every line, and every flow that should have one.
 * @param run.seesPods whether packets of every pod were captured, so that backends and observed sources are judged too
 */
export function judge(
  conversations: ReadonlyMap<string, readonly Conversation[]>,
  run: RunFiles & { seesPods?: boolean },
  lines: readonly Line[],
): Judgement {
  const judgement: Judgement = { disagreements: [], agreed: 0, borderline: 0, inDoubt: 0 };
  const judged = run.seesPods === true ? JUDGED_WITH_PODS : JUDGED;
  const lineOf = new Map<string, Line>();
  for (const line of lines) {
    const key = `${String(line.event)} ${keyOf(line)}`;
    if (lineOf.has(key)) judgement.disagreements.push(disagree(line.event, keyOf(line), line, 'no such flow', 'a second line'));
    lineOf.set(key, line);
  }
  const flows = flowsOf(conversations, run);
  for (const [event, window] of run.windows.entries()) {
    const last = event === run.windows.length - 1;
    for (const flow of flows) {
      const truths = READINGS.map((reading) => truthOf(flow, { event, window, isLast: last, reading }));
      const key = `${String(event)} ${flow.tuple}`;
      const line = lineOf.get(key);
      if (truths.every((truth) => truth === null) || (!line && truths.includes(null))) continue;
      lineOf.delete(key);
      compare(line ?? null, { event, flow, truths, judged }, judgement);
    }
  }
  for (const line of lineOf.values()) {
    const because = 'no flow of that 5-tuple was held and answered at the edge';
    judgement.disagreements.push(disagree(line.event, keyOf(line), line, 'no such flow', because));
  }
  return judgement;
}

type Judged = typeof JUDGED | typeof JUDGED_WITH_PODS;
type Compared = { event: number; flow: ReadFlow; truths: (Truth | null)[]; judged: Judged };

function compare(line: Line | null, { event, flow, truths, judged }: Compared, judgement: Judgement): void {
  const isInDoubt = line?.blame === 'prober';
  const columns = judged.filter((column) => !isInDoubt || (column !== 'broken' && column !== 'breakCause'));
  const reading = line ? truths.findIndex((truth) => truth !== null && columns.every((column) => line[column] === truth[column])) : -1;
  if (reading === -1) {
    const plain = truths.find((truth) => truth !== null) ?? null;
    const packets = plain === null ? 'no such flow' : only(judged, plain);
    judgement.disagreements.push(disagree(event, flow.tuple, line, packets, storyOf(flow.at(0)), judged));
    return;
  }
  judgement.agreed += 1;
  if (reading > 0) judgement.borderline += 1;
  if (isInDoubt) judgement.inDoubt += 1;
}

/** A flow by each length that a silence must have to be a stall. */
type ReadFlow = { tuple: string; holding: Holding; at(stallMs: number): HeldFlow };

function flowsOf(conversations: ReadonlyMap<string, readonly Conversation[]>, run: RunFiles): ReadFlow[] {
  const untilT = run.windows.at(-1)?.untilT ?? 0;
  return [...conversations].flatMap(([tuple, said]) => {
    const [protocol, , vip] = tuple.split(' ');
    const holding = run.holdings.get(`${protocol ?? ''} ${vip?.slice(0, vip.lastIndexOf(':')) ?? ''}`);
    if (!holding) return [];
    const read = (stallMs: number) =>
      heldFlows(tuple, said, { holding: { ...holding, stallAfterMs: holding.stallAfterMs + stallMs }, untilT });
    const readings = new Map(READINGS.map(({ stallMs }) => [stallMs, read(stallMs)]));
    return (readings.get(0) ?? []).map((flow, index) => ({ tuple, holding, at: (stallMs) => readings.get(stallMs)?.[index] ?? flow }));
  });
}

type Where = { event: number; window: Window; isLast: boolean; reading: { edgesMs: number; stallMs: number } };

/** Null when it was not in the window's population. */
function truthOf(read: ReadFlow, { event, window, isLast, reading }: Where): Truth | null {
  const flow = read.at(reading.stallMs);
  const fromT = window.fromT + reading.edgesMs;
  const untilT = window.untilT + reading.edgesMs;
  if (!isMember(flow, fromT, event === 0 ? Infinity : 2 * read.holding.intervalMs)) return null;
  const broke = flow.breaks.find((each) => each.onsetT >= fromT && each.onsetT < untilT);
  const before = lastAnswer(flow, fromT) ?? null;
  const after = whereAfter(flow, { window: { fromT, untilT }, isLast, broke: broke !== undefined });
  return {
    ingressBefore: before?.node ?? null,
    ingressAfter: after?.node ?? null,
    backendBefore: before?.behind?.backend ?? null,
    backendAfter: after?.behind?.backend ?? null,
    observedSourceBefore: before?.behind?.observedSource ?? null,
    observedSourceAfter: after?.behind?.observedSource ?? null,
    broken: broke !== undefined,
    breakCause: broke?.cause ?? null,
  };
}

/** Open at `t`, not broken, and answered not longer ago than two heartbeats (at the start of window 0: whenever). */
function isMember(flow: HeldFlow, t: number, withinMs: number): boolean {
  const answered = lastAnswer(flow, t);
  if (!answered || answered.t < t - withinMs) return false;
  if (flow.closedT !== null && flow.closedT < t) return false;
  return !flow.breaks.some((each) => each.onsetT < t && (each.recoveredT === null || each.recoveredT >= t));
}

/** Where the flow is at the window's end, or its 5-tuple leads to. */
function whereAfter(flow: HeldFlow, about: { window: Window; isLast: boolean; broke: boolean }): Answered | null {
  const { fromT, untilT } = about.window;
  const live = lastAnswer(flow, untilT) ?? null;
  if (flow.protocol === 'udp') {
    const isSilent = flow.breaks.some((each) => each.onsetT < untilT && (each.recoveredT === null || each.recoveredT >= untilT));
    return isSilent ? null : live;
  }
  const redials = flow.redials.filter(({ t }) => t >= fromT);
  if (about.broke) return redials.findLast(({ t }) => t < untilT) ?? null;
  return (about.isLast ? redials.at(-1) : undefined) ?? live;
}

function lastAnswer(flow: HeldFlow, t: number): HeldFlow['answers'][number] | undefined {
  return flow.answers.findLast((answer) => answer.t <= t);
}

function keyOf(line: Line): string {
  return tupleKey({ protocol: line.protocol, address: line.sourceAddress, port: line.sourcePort, vip: line.vip, vipPort: line.port });
}

function disagree(
  event: number,
  flow: string,
  line: Line | null,
  packets: Disagreement['packets'],
  because: string,
  judged: Judged = JUDGED,
): Disagreement {
  return { event, flow, says: line ? only(judged, line) : 'no line', packets, because };
}

function only(columns: Judged, of: Truth): Partial<Truth> {
  return Object.fromEntries(columns.map((column) => [column, of[column]]));
}

/** The flow's life in one line, for whoever looks into a disagreement. */
function storyOf(flow: HeldFlow): string {
  const at = (t: number) => `${(t / 1000).toFixed(3)} s`;
  const through = ({ node, behind }: Answered) => (behind ? `${node} and ${behind.backend}, who sees ${behind.observedSource},` : node);
  const stays = flow.answers.filter((answer, index) => index === 0 || through(answer) !== through(flow.answers[index - 1] ?? answer));
  const parts = [
    ...stays.map((answer) => `answered by way of ${through(answer)} from ${at(answer.t)}`),
    `last answer ${at(flow.answers.at(-1)?.t ?? NaN)}`,
    ...flow.breaks.map(
      ({ onsetT, cause, recoveredT }) => `${cause} at ${at(onsetT)}${recoveredT === null ? '' : ` until ${at(recoveredT)}`}`,
    ),
    ...flow.redials.map((answer) => `re-dialled at ${at(answer.t)}: ${through(answer)}`),
    ...(flow.closedT === null ? [] : [`closed by its client at ${at(flow.closedT)}`]),
  ];
  return parts.join('; ');
}
