// The oracle: compares flows.ndjson with what packets on the nodes' uplinks say, flow by flow and window by window.
//
// It shares no code with the product and takes nothing from it but the edges of the windows and the intervals of the probes.
// It judges which flows have a line, `ingressBefore`, `ingressAfter`, `broken` and `breakCause`; it cannot judge what no node's
// uplink shows: next-hop sets (hence not the outcome's name), backends, latencies.
import { type Conversation, tupleKey } from './conversations.ts';
import { heldFlows, type HeldFlow, type Holding } from './held-flows.ts';
import type { Line, RunFiles, Window } from './run-files.ts';

/** What packets say of one flow in one window. */
export type Truth = { ingressBefore: string | null; ingressAfter: string | null; broken: boolean; breakCause: string | null };

export type Disagreement = { event: number; flow: string; says: Truth | 'no line'; packets: Truth | 'no such flow'; because: string };

export type Judgement = {
  disagreements: Disagreement[];
  /** Lines that were compared and agree. */
  agreed: number;
  /** Of them: those that agree only when an instant is taken a little earlier or later than it was seen. */
  borderline: number;
};

/** A packet is seen on a node's uplink before the prober sees it, and a prober's tick is 10 ms: instants are compared within this. */
const RESOLUTION_MS = 25;
const SHIFTS_MS = [0, RESOLUTION_MS, -RESOLUTION_MS];

/** Judges every line, and every flow that should have one. */
export function judge(conversations: ReadonlyMap<string, readonly Conversation[]>, run: RunFiles, lines: readonly Line[]): Judgement {
  const judgement: Judgement = { disagreements: [], agreed: 0, borderline: 0 };
  const flows = flowsOf(conversations, run);
  const lineOf = new Map<string, Line>();
  for (const line of lines) {
    const key = `${String(line.event)} ${keyOf(line)}`;
    if (lineOf.has(key)) judgement.disagreements.push(disagree(line.event, keyOf(line), line, 'no such flow', 'a second line'));
    lineOf.set(key, line);
  }
  for (const [event, window] of run.windows.entries()) {
    const isLast = event === run.windows.length - 1;
    for (const { flow, holding } of flows) {
      const key = `${String(event)} ${flow.tuple}`;
      const line = lineOf.get(key);
      const memberships = SHIFTS_MS.map((shift) => isMember(flow, window.fromT + shift, event === 0 ? Infinity : 2 * holding.intervalMs));
      if (!line) {
        const truth = truthOf(flow, window, isLast);
        if (memberships.every(Boolean))
          judgement.disagreements.push(disagree(event, flow.tuple, null, truth, 'a flow held at the edge has no line'));
        continue;
      }
      if (!memberships.some(Boolean)) continue;
      lineOf.delete(key);
      compare(line, { flow, window, isLast }, judgement);
    }
  }
  for (const line of lineOf.values()) {
    judgement.disagreements.push(
      disagree(line.event, keyOf(line), line, 'no such flow', 'no flow of that 5-tuple was held and answered at the edge'),
    );
  }
  return judgement;
}

function compare(line: Line, about: { flow: HeldFlow; window: Window; isLast: boolean }, judgement: Judgement): void {
  const { flow, window, isLast } = about;
  const shift = SHIFTS_MS.find((ms) => isEqual(line, truthOf(flow, { fromT: window.fromT + ms, untilT: window.untilT + ms }, isLast)));
  if (shift === undefined) {
    judgement.disagreements.push(disagree(line.event, flow.tuple, line, truthOf(flow, window, isLast), storyOf(flow)));
    return;
  }
  judgement.agreed += 1;
  if (shift !== 0) judgement.borderline += 1;
}

function flowsOf(conversations: ReadonlyMap<string, readonly Conversation[]>, run: RunFiles): { flow: HeldFlow; holding: Holding }[] {
  const untilT = run.windows.at(-1)?.untilT ?? 0;
  return [...conversations].flatMap(([tuple, said]) => {
    const [protocol, , vip] = tuple.split(' ');
    const holding = run.holdings.get(`${protocol ?? ''} ${vip?.slice(0, vip.lastIndexOf(':')) ?? ''}`);
    return holding ? heldFlows(tuple, said, { holding, untilT }).map((flow) => ({ flow, holding })) : [];
  });
}

/** Open at `t`, not broken, and answered not longer ago than two heartbeats (at the start of window 0: whenever). */
function isMember(flow: HeldFlow, t: number, withinMs: number): boolean {
  const answered = lastAnswer(flow, t);
  if (!answered || answered.t < t - withinMs) return false;
  if (flow.closedT !== null && flow.closedT < t) return false;
  return !flow.breaks.some((each) => each.onsetT < t && (each.recoveredT === null || each.recoveredT >= t));
}

function truthOf(flow: HeldFlow, window: Window, isLast: boolean): Truth {
  const broke = flow.breaks.find((each) => each.onsetT >= window.fromT && each.onsetT < window.untilT);
  return {
    ingressBefore: lastAnswer(flow, window.fromT)?.node ?? null,
    ingressAfter: ingressAfter(flow, { window, isLast, broke: broke !== undefined }),
    broken: broke !== undefined,
    breakCause: broke?.cause ?? null,
  };
}

function ingressAfter(flow: HeldFlow, about: { window: Window; isLast: boolean; broke: boolean }): string | null {
  const { fromT, untilT } = about.window;
  const live = lastAnswer(flow, untilT)?.node ?? null;
  if (flow.protocol === 'udp') {
    const isSilent = flow.breaks.some((each) => each.onsetT < untilT && (each.recoveredT === null || each.recoveredT >= untilT));
    return isSilent ? null : live;
  }
  const redials = flow.redials.filter(({ t }) => t >= fromT);
  if (about.broke) return redials.findLast(({ t }) => t < untilT)?.node ?? null;
  return (about.isLast ? redials.at(-1)?.node : undefined) ?? live;
}

function lastAnswer(flow: HeldFlow, t: number): HeldFlow['answers'][number] | undefined {
  return flow.answers.findLast((answer) => answer.t <= t);
}

function isEqual(line: Line, truth: Truth): boolean {
  return (
    line.ingressBefore === truth.ingressBefore &&
    line.ingressAfter === truth.ingressAfter &&
    line.broken === truth.broken &&
    line.breakCause === truth.breakCause
  );
}

function keyOf(line: Line): string {
  return tupleKey({ protocol: line.protocol, address: line.sourceAddress, port: line.sourcePort, vip: line.vip, vipPort: line.port });
}

function disagree(event: number, flow: string, line: Line | null, packets: Disagreement['packets'], because: string): Disagreement {
  if (!line) return { event, flow, says: 'no line', packets, because };
  const { ingressBefore, ingressAfter: after, broken, breakCause } = line;
  return { event, flow, says: { ingressBefore, ingressAfter: after, broken, breakCause }, packets, because };
}

/** The flow's life in one line, for whoever looks into a disagreement. */
function storyOf(flow: HeldFlow): string {
  const at = (t: number) => `${(t / 1000).toFixed(3)} s`;
  const stays = flow.answers.filter((answer, index) => answer.node !== flow.answers[index - 1]?.node);
  const parts = [
    ...stays.map(({ t, node }) => `answered by way of ${node} from ${at(t)}`),
    `last answer ${at(flow.answers.at(-1)?.t ?? NaN)}`,
    ...flow.breaks.map(
      ({ onsetT, cause, recoveredT }) => `${cause} at ${at(onsetT)}${recoveredT === null ? '' : ` until ${at(recoveredT)}`}`,
    ),
    ...flow.redials.map(({ t, node }) => `re-dialled at ${at(t)}: ${node}`),
    ...(flow.closedT === null ? [] : [`closed by its client at ${at(flow.closedT)}`]),
  ];
  return parts.join('; ');
}
