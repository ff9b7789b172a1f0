// Whether a node can advertise anything at all: what the cluster tells of it and of its speaker.
import type { ClusterFacts } from './cluster-facts.ts';

/** From a Ready node with a speaker pod on it to its paths: images are pulled, the daemon starts, sessions come up. */
const COMING_UP_MS = 60_000;

/** `isReady`: whether its speaker is; null: not told. `excuse`: why it cannot advertise, a clause; null where nothing is known to hinder it. */
type Announcer = { isReady: boolean | null; excuse: string | null };
type Told = Pick<ClusterFacts, 'nodes' | 'speakers'>;

/**
 * What is known of a node just before `t`.
 *
 * A node that is not Ready, or on which no speaker is put (a reboot, a taint, a node that joins, a rollout), cannot advertise, and is
 * excused until a minute after. A speaker that is there, on a Ready node, and is not ready is no excuse: it is the fault itself.
 */
export function announcerAt({ nodes, speakers }: Told, node: string, t: number): Announcer {
  const told = { nodes: nodes.filter((event) => event.t < t), speakers: speakers.filter((event) => event.t < t) };
  const own = [...told.nodes, ...told.speakers].filter((event) => event.node === node);
  const sinceT = Math.max(t - COMING_UP_MS, told.speakers[0]?.t ?? -Infinity);
  const isReady = speakerAt(told, node, t)?.ready ?? null;
  const now = hindranceAt(told, node, t);
  if (now !== null) return { isReady, excuse: now };
  const instants = [sinceT, ...own.map((event) => event.t).filter((each) => each > sinceT)];
  const wasHindered = instants.some((each) => hindranceAt(told, node, each) !== null);
  return { isReady, excuse: wasHindered ? 'the node or its speaker has been there for less than a minute' : null };
}

function hindranceAt(told: Told, node: string, t: number): string | null {
  const state = told.nodes.findLast((event) => event.node === node && event.t <= t);
  if (state?.exists === true && state.ready !== 'True') return 'the node is not Ready';
  // Where no speaker at all is told of, nobody watches them.
  const areWatched = told.speakers.some((event) => event.t <= t);
  return areWatched && speakerAt(told, node, t) === undefined ? 'no speaker runs on the node' : null;
}

/** The last word of the speaker pod on a node, unless it is gone or ending. */
function speakerAt({ speakers }: Told, node: string, t: number): ClusterFacts['speakers'][number] | undefined {
  const last = new Map(speakers.filter((event) => event.node === node && event.t <= t).map((event) => [event.pod, event]));
  return [...last.values()].findLast(({ exists, terminating }) => exists && !terminating);
}
