// What a monitor looks like now: paths, sets, sessions, the last minutes, and one sentence.
import type { MonitorStatus, PathStatus } from '../../core/api.ts';
import { emptyTally } from '../bins.ts';
import { compareTexts, UNKNOWN } from '../matrix.ts';
import { listText } from '../wording.ts';
import type { WatchContext } from './context.ts';
import { seatKey, type WatchParts } from './watch-snapshot.ts';

/** Events that came too late to change a figure are counted, never hidden. */
export type WatchStatus = Pick<MonitorStatus, 'sentence' | 'paths' | 'nextHops' | 'sessions' | 'recent' | 'openFindings'> & {
  lateEvents: number;
};

export function statusOf(context: WatchContext, parts: WatchParts, nowT: number): WatchStatus {
  const { t0WallMs } = context;
  const paths = pathsOf(parts, nowT);
  const held = [...parts.vips.values()];
  return {
    sentence: `${held.map((vip) => vipText(vip.slice.vip.name, paths)).join('; ')}.`,
    paths,
    nextHops: held.map((vip) => {
      const { nodes, from, sinceT } = vip.sets.current;
      return { vip: vip.slice.vip.name, nodes: nodes && [...nodes], from, sinceMs: Math.round(t0WallMs + (sinceT ?? 0)) };
    }),
    sessions: [...parts.sessions.values()].map(({ router, peer, node, state }) => ({ router, peer, node, state })),
    recent: parts.seconds.recent(nowT, t0WallMs),
    openFindings: parts.book.openCount,
    lateEvents: parts.late.events,
  };
}

function pathsOf({ register, seconds, paths, vips, agents, dataT }: WatchParts, nowT: number): PathStatus[] {
  const rows = new Map<string, PathStatus>();
  const row = (vantage: string, vip: string, protocol: string, ingress: string) => {
    const key = `${vantage} ${vip} ${protocol} ${ingress}`;
    let status = rows.get(key);
    if (!status)
      rows.set(key, (status = { vantage, vip, protocol, ingress, state: 'unknown', flows: 0, tally: emptyTally(), rttMs: null }));
    return status;
  };
  for (const { vantage, vip, protocol, path, isSilent } of register.values()) {
    if (!isSilent) row(vantage, vip, protocol, path).flows += 1;
  }
  for (const { vantage, vip, protocol, path, tally, rttMs } of seconds.minute(nowT)) {
    if (tally.scheduled > 0) Object.assign(row(vantage, vip, protocol, path), { tally, rttMs });
  }
  // Paths of the set that nobody uses, and those that are remembered, have rows too.
  for (const watched of [...paths.values()].flat()) {
    const { vantage, vip, protocol } = watched.seat;
    const set = vips.get(vip)?.sets.current.nodes ?? [];
    for (const path of new Set([...set, ...watched.knownPaths(nowT)])) if (path !== UNKNOWN) row(vantage, vip, protocol, path);
  }
  for (const status of rows.values()) {
    const { vantage, vip, protocol, ingress, flows } = status;
    const set = vips.get(vip)?.sets.current.nodes ?? null;
    const path = paths.get(seatKey(status))?.find(({ seat }) => seat.protocol === protocol);
    status.state = stateOf({
      isUnknown: ingress === UNKNOWN,
      isIll: agents.isDoubtful(vantage, dataT.get(vantage) ?? nowT),
      isDead: (path?.isDead(ingress) ?? false) || (path?.isDown ?? false),
      isInSet: set === null ? null : set.includes(ingress),
      flows,
    });
  }
  return [...rows.values()].sort((a, b) =>
    compareTexts([a.vip, a.vantage, a.protocol, a.ingress], [b.vip, b.vantage, b.protocol, b.ingress]),
  );
}

function stateOf(path: {
  isUnknown: boolean;
  isIll: boolean;
  isDead: boolean;
  isInSet: boolean | null;
  flows: number;
}): PathStatus['state'] {
  if (path.isUnknown) return 'unknown';
  if (path.isInSet === false) return 'lost';
  if (path.isIll) return 'ill';
  if (path.isDead) return 'dead';
  if (path.flows > 0) return 'ok';
  return path.isInSet === true ? 'idle' : 'unknown';
}

/** `3 of 3 paths of web alive from 2 vantages`. */
function vipText(vip: string, paths: readonly PathStatus[]): string {
  const own = paths.filter((path) => path.vip === vip && path.state !== 'unknown');
  if (own.length === 0) return `nothing is known of ${vip} yet`;
  const ingresses = new Set(own.map((path) => path.ingress));
  const alive = new Set(own.filter(({ state }) => state === 'ok').map((path) => path.ingress));
  const deadRows = own.filter(({ state }) => state === 'dead');
  const dead = new Set(deadRows.map((path) => path.ingress));
  const deadly = [...new Set(deadRows.map((path) => path.protocol))];
  const isPart = deadly.length < new Set(own.map((path) => path.protocol)).size;
  const lost = new Set(own.filter(({ state }) => state === 'lost').map((path) => path.ingress));
  const vantages = new Set(own.map((path) => path.vantage)).size;
  const ill = new Set(own.filter(({ state }) => state === 'ill').map((path) => path.vantage));
  for (const path of dead) alive.delete(path);
  const bad = [
    ...(dead.size > 0 ? [`${listText([...dead])} dead${isPart ? ` for ${listText(deadly.map((each) => each.toUpperCase()))}` : ''}`] : []),
    ...(lost.size > 0 ? [`${listText([...lost])} not in the set`] : []),
    ...(ill.size > 0 ? [`${listText([...ill])} ill`] : []),
  ];
  const from = `${String(vantages)} ${vantages === 1 ? 'vantage' : 'vantages'}`;
  return `${String(alive.size)} of ${String(ingresses.size)} paths of ${vip} alive from ${from}${bad.length > 0 ? ` (${bad.join(', ')})` : ''}`;
}
