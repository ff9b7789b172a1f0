// From conversations to held flows: which of them were flows, when each broke and why, and what re-dials of its 5-tuple found.
import type { Answered, Conversation } from './conversations.ts';

/** What the run's files say of how its flows were held (not what was found). */
export type Holding = { intervalMs: number; stallAfterMs: number };

export type FlowBreak = {
  /** The first request that was never answered, or the end that the server made. */
  onsetT: number;
  cause: 'reset' | 'closed' | 'stalled' | 'unreachable';
  /** When the flow itself was answered again (UDP). */
  recoveredT: number | null;
};

export type HeldFlow = {
  tuple: string;
  protocol: 'tcp' | 'udp';
  answers: readonly Answered[];
  breaks: readonly FlowBreak[];
  /** When the client ended it without a break. */
  closedT: number | null;
  /** Nodes, and pods behind them, that answered later dials of the same 5-tuple. */
  redials: readonly Answered[];
};

/**
 * The flows that were held on one 5-tuple.
 * @param untilT nothing after it is a break: survivors are re-dialled, then all is closed
 */
export function heldFlows(
  tuple: string,
  conversations: readonly Conversation[],
  options: { holding: Holding; untilT: number },
): HeldFlow[] {
  const protocol = tuple.startsWith('udp') ? 'udp' : 'tcp';
  const flows: (HeldFlow & { redials: Answered[] })[] = [];
  for (const conversation of conversations) {
    const [firstAnswer] = conversation.answers;
    if (!isHeld(conversation)) {
      if (firstAnswer) flows.at(-1)?.redials.push(firstAnswer);
      continue;
    }
    const breaks = protocol === 'udp' ? udpBreaks(conversation, options) : tcpBreaks(conversation, options);
    const { end } = conversation;
    flows.push({
      tuple,
      protocol,
      answers: conversation.answers,
      breaks,
      closedT: breaks.length === 0 && end?.by === 'client' ? end.t : null,
      redials: [],
    });
  }
  return flows;
}

/** A fresh dial or a re-dial says hello, hears the answer and goes. A flow that the server ended before its first heartbeat was a flow. */
function isHeld({ hasHeartbeats, answers, end }: Conversation): boolean {
  return hasHeartbeats || (answers.length > 0 && end !== null && end.by !== 'client');
}

type Silence = { onsetT: number; untilT: number; isOver: boolean };

/** Times in which requests stood unanswered, until the next answer or `untilT`. */
function silences({ requests, answers }: Conversation, { intervalMs }: Holding, untilT: number): Silence[] {
  const found: Silence[] = [];
  let request = 0;
  for (const [index, answer] of answers.entries()) {
    const next = answers[index + 1];
    const endT = Math.min(next?.t ?? untilT, untilT);
    while ((requests[request]?.t ?? Infinity) <= answer.t) request += 1;
    // A node without a link saw nothing of what was sent: then the first was due an interval after the last one that was seen.
    const dueT = (requests[request - 1]?.t ?? answer.t) + intervalMs;
    const seenT = requests[request]?.t ?? Infinity;
    const onsetT = seenT < dueT + intervalMs / 2 ? seenT : dueT;
    if (onsetT < endT) found.push({ onsetT, untilT: endT, isOver: next !== undefined && next.t <= untilT });
  }
  return found;
}

function tcpBreaks(conversation: Conversation, { holding, untilT }: { holding: Holding; untilT: number }): FlowBreak[] {
  const { end } = conversation;
  const endT = Math.min(end?.t ?? Infinity, untilT);
  const hasGivenUp = end?.by === 'client' && end.t <= untilT;
  const stall = silences(conversation, holding, endT).find(
    // The client knows best when it had enough; where its last words were lost, only the length of the silence tells.
    (silence) => lastsLong(silence, holding) || (hasGivenUp && !silence.isOver && silence.untilT - silence.onsetT >= holding.intervalMs),
  );
  if (stall) return [{ onsetT: stall.onsetT, cause: 'stalled', recoveredT: null }];
  if (!end || end.t > untilT || end.by === 'client') return [];
  return [{ onsetT: end.t, cause: end.by === 'server-reset' ? 'reset' : 'closed', recoveredT: null }];
}

function udpBreaks(conversation: Conversation, { holding, untilT }: { holding: Holding; untilT: number }): FlowBreak[] {
  return silences(conversation, holding, untilT)
    .filter((silence) => lastsLong(silence, holding))
    .map(({ onsetT, untilT: endT, isOver }) => ({
      onsetT,
      // What the client was told until it gave the flow up.
      cause: conversation.unreachables.some(({ t }) => t >= onsetT && t <= onsetT + holding.stallAfterMs) ? 'unreachable' : 'stalled',
      recoveredT: isOver ? endT : null,
    }));
}

function lastsLong(silence: Silence, { stallAfterMs }: Holding): boolean {
  return silence.untilT - silence.onsetT >= stallAfterMs;
}
