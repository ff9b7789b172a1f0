// Whether a node can advertise anything at all: what the cluster tells of it and of its speaker.
import type { ClusterFacts } from './cluster-facts.ts';

/** From a Ready node with a speaker pod on it to its paths: images are pulled, the daemon starts, sessions come up. */
const COMING_UP_MS = 60_000;

/** No speaker is on its way to a Ready node for longer: a taint that it does not tolerate keeps it off, a nodeSelector, or want of room. */
export const SPEAKERLESS_MS = 600_000;

const NO_SPEAKER = 'no speaker runs on the node';

/** `speaker`: null is not told. `excuse`: why it cannot advertise, a clause; null where nothing is known to hinder it, or what does is the fault. */
type Announcer = { speaker: 'ready' | 'unready' | 'none' | null; excuse: string | null };
type Told = Pick<ClusterFacts, 'nodes' | 'speakers'>;
/** What was told of one node. `watchedT`: the first word of any speaker; before it nobody watches them. `lookedT`: the first look at all. */
type Own = Told & { watchedT: number; lookedT: number };

/**
 * What is known of each node just before `t`.
 *
 * A node that is not Ready cannot advertise, and is excused until a minute after. So is one on which no speaker is put (it joins, a rollout),
 * but for ten minutes only. A speaker that is there, on a Ready node, and is not ready is no excuse: it is the fault itself.
 * @param isPatient whether what stood at the first look counts as young: who looks on can wait, who does not has only what he sees
 */
export function announcersAt({ nodes, speakers }: Told, t: number, isPatient: boolean): (node: string) => Announcer {
  const nodesOf = Map.groupBy(before(nodes, t), ({ node }) => node);
  const speakersOf = Map.groupBy(before(speakers, t), ({ node }) => node);
  const watchedT = speakers[0]?.t ?? Infinity;
  const lookedT = Math.max(watchedT, nodes[0]?.t ?? -Infinity);
  return (node) => {
    const own = { nodes: nodesOf.get(node) ?? [], speakers: speakersOf.get(node) ?? [], watchedT, lookedT };
    return announcerAt(own, t, isPatient);
  };
}

function announcerAt(own: Own, t: number, isPatient: boolean): Announcer {
  const now = hindranceAt(own, t);
  if (now === NO_SPEAKER) return { speaker: 'none', excuse: t - speakerlessSince(own, isPatient) > SPEAKERLESS_MS ? null : now };
  const last = speakerAt(own, t);
  const speaker = last === undefined ? null : last.ready ? 'ready' : 'unready';
  if (now !== null) return { speaker, excuse: now };
  const sinceT = t - COMING_UP_MS;
  const instants = [sinceT, own.watchedT, ...[...own.nodes, ...own.speakers].map((event) => event.t)];
  const wasHindered = instants.some((each) => each >= sinceT && each < t && hindranceAt(own, each) !== null);
  return { speaker, excuse: wasHindered ? 'the node or its speaker has been there for less than a minute' : null };
}

/** Since when a Ready node that has no speaker has had none; -Infinity where that is older than the first look. */
function speakerlessSince({ nodes, speakers, lookedT }: Own, isPatient: boolean): number {
  const readyT = nodes[nodes.findLastIndex(({ exists, ready }) => !exists || ready !== 'True') + 1]?.t ?? lookedT;
  // The last word of its speakers is that there was one until then.
  const sinceT = Math.max(lookedT, readyT, speakers.at(-1)?.t ?? lookedT);
  return sinceT === lookedT && !isPatient ? -Infinity : sinceT;
}

function hindranceAt(own: Own, t: number): string | null {
  const state = own.nodes.findLast((event) => event.t <= t);
  if (state?.exists === true && state.ready !== 'True') return 'the node is not Ready';
  return own.watchedT <= t && speakerAt(own, t) === undefined ? NO_SPEAKER : null;
}

/** The last word of the speaker pod on a node, unless it is gone or ending. */
function speakerAt({ speakers }: Own, t: number): ClusterFacts['speakers'][number] | undefined {
  const last = new Map(speakers.filter((event) => event.t <= t).map((event) => [event.pod, event]));
  return [...last.values()].findLast(({ exists, terminating }) => exists && !terminating);
}

function before<Event extends { t: number }>(events: readonly Event[], t: number): Event[] {
  return events.filter((event) => event.t < t);
}
