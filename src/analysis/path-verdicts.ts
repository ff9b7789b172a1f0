// One path of a VIP judged: where its layers contradict each other, and what they leave in doubt.
import type { EventOf } from '../core/journal.ts';
import type { Intended } from './asked-routers.ts';
import { CHANCE_OF_MISTAKE } from './inferred-sets.ts';
import type { SeenNodes } from './seen-nodes.ts';
import { countText, listText } from './wording.ts';

type NodeStatus = EventOf<'cluster.metallb-status'>['nodes'][number];

/** What each layer says of one node, or of an address that is no node's. Null is unknown, everywhere. */
export type PathRow = {
  node: string;
  /** `reason`: MetalLB's word; null when it advertises, or is no node of the cluster. */
  intended: Intended | null;
  status: NodeStatus | null;
  /** `should`: whether the node is to tell the router. */
  routers: { router: string; has: boolean | null; should: boolean | null }[];
  /** BGPPeers that it is to tell and that are none of `routers`: what those have of it is not known. */
  elsewhere: string[];
  /** Why the node cannot advertise, a clause; null where nothing is known to hinder it, or what does is the fault. */
  excuse: string | null;
  /** `none`: no pod of it runs on the node. */
  speaker: 'ready' | 'unready' | 'none' | null;
  /** As the routers tell them, of the VIP's family where there are such; those that are not up come first. */
  sessions: { router: string; state: string; reason: string }[];
  /** Distinct 5-tuples: fresh dials and held flows that were answered through the node, of all whose ingress is known. */
  flows: { vantage: string; seen: number; of: number }[];
};

/**
 * phantom: seen, and not intended. missing: intended, and not there. zombie: withdrawn, and flows opened afterwards still use it.
 * `chance`, of a path that no flow saw: that it is there and all of them missed it, (1 - 1/N)^n, of the n that were opened meanwhile.
 */
export type PathFinding = { kind: 'phantom' | 'missing' | 'zombie'; node: string } & (
  { by: 'router'; router: string } | { by: 'flows'; vantage: string; seen: number; of: number; chance: number | null }
);

/** What was not seen well enough to call it right, or wrong. `node` is null where it is of all of them. */
export type PathDoubt = { node: string | null; text: string };

export type Judging = {
  /** Of all nodes. */
  rows: readonly PathRow[];
  seen: readonly SeenNodes[];
  /** Nodes of the cluster and of the environment. */
  known: ReadonlySet<string>;
  /** Whether it was intended before. */
  wasIntended: boolean;
  /** Routers whose sessions are told. */
  tellers: ReadonlySet<string>;
  /** Why new flows need not meet every path; null when each of them meets each path alike. */
  unspread: string | null;
};

type PathVerdict = { findings: PathFinding[]; doubts: PathDoubt[] };

export function judgePath(row: PathRow, judging: Judging): PathVerdict {
  const { node, intended, status } = row;
  if (intended === null) return { findings: [], doubts: [] };
  const judged = excused(row, byFlows(row, judging, byRouters(row, judging)));
  if (judged.findings.length === 0) return judged;
  if (!judging.known.has(node)) {
    return inDoubt(node, judged, `${node} is used as a path, and whose address that is the environment does not say`);
  }
  // It goes by the last configuration that was valid, and nobody tells that one.
  if (status?.configuration === 'Invalid') {
    const error = status.error === null ? '' : ` (${status.error})`;
    return inDoubt(
      node,
      judged,
      `the speaker on ${node} refuses its configuration${error} and goes by an older one, so what it is to advertise is not known: ` +
        'see kubectl describe configurationstates',
    );
  }
  return judged;
}

/** Whether any router has the path; null when none is known to, and not all that may have it are known. */
export function isInRouter({ routers, elsewhere }: PathRow): boolean | null {
  if (routers.some(({ has }) => has === true)) return true;
  return routers.length > 0 && elsewhere.length === 0 && routers.every(({ has }) => has === false) ? false : null;
}

/** How many paths flows may come in by. */
export function pathsIn(rows: readonly PathRow[]): number {
  return rows.filter((one) => isSeen(one) || (isInRouter(one) ?? one.intended?.advertises === true)).length;
}

function byRouters(row: PathRow, judging: Judging): PathVerdict {
  const verdicts = row.routers.map((at): PathVerdict => {
    if (at.has === true && at.should === false) return unwanted(row, at.router, judging);
    return at.has === false && at.should !== false ? lacking(row, at, judging) : { findings: [], doubts: [] };
  });
  return { findings: verdicts.flatMap(({ findings }) => findings), doubts: verdicts.flatMap(({ doubts }) => doubts) };
}

/** A router has no path by a node that is to tell it, or may be. */
function lacking(row: PathRow, { router, should }: PathRow['routers'][number], { rows, known }: Judging): PathVerdict {
  const { node } = row;
  // Each rack may have its router: a node need not tell all of them.
  if (should === null && isInRouter(row) !== false) {
    return doubted(node, `${router} has no path by ${node}, and nobody says which routers should`);
  }
  // A next hop that is nobody's may be an address of this node that the environment does not list.
  const strangers = rows.flatMap((one) => {
    const having = one.routers.find((its) => its.has === true && (should === null || its.router === router));
    return having && !known.has(one.node) ? [{ hop: one.node, at: having.router }] : [];
  });
  const [stranger] = strangers;
  if (stranger) {
    return doubted(node, `whether ${stranger.hop}, which ${stranger.at} sends flows to, is ${node} the environment does not say`);
  }
  return { findings: [{ kind: 'missing', node, by: 'router', router }], doubts: [] };
}

/** A router has the path of a node that is not to tell it. */
function unwanted({ node, intended, sessions, elsewhere }: PathRow, router: string, { tellers }: Judging): PathVerdict {
  const phantom: PathVerdict = { findings: [{ kind: 'phantom', node, by: 'router', router }], doubts: [] };
  if (intended?.advertises !== true) return phantom;
  const path = `${router} has a path by ${node}`;
  // Routers tell each other too: only where its session with the node is up is the path the node's own doing. One that is configured and
  // down is no sign: what a router keeps of it by graceful restart cannot be told from what another router told it.
  if (!sessions.some((session) => session.router === router && session.state === 'Established')) {
    if (tellers.has(router)) return { findings: [], doubts: [] };
    return doubted(node, `${path}, which is not to announce to it, and nobody says whether they have a session`);
  }
  if (elsewhere.length === 0) return phantom;
  return doubted(node, `${path}, and whether BGPPeer ${listText(elsewhere)} is ${router} the environment does not say`);
}

function byFlows(row: PathRow, { rows, seen, wasIntended, unspread }: Judging, { findings, doubts }: PathVerdict): PathVerdict {
  const { node, intended, elsewhere } = row;
  const advertises = intended?.advertises === true;
  const inRouter = isInRouter(row);
  const paths = pathsIn(rows);
  const judged = { findings: [...findings], doubts: [...doubts] };
  if (advertises && inRouter === null && seen.length === 0 && elsewhere.length > 0) {
    judged.doubts.push({
      node,
      text: `BGPPeer ${listText(elsewhere)} is no router that is known to be read, and no flow tells whether ${node} takes any`,
    });
  }
  for (const { vantage, of, fresh: opened, byNode } of seen) {
    const { all = 0, fresh = 0 } = byNode.get(node) ?? {};
    const flows = { node, by: 'flows', vantage, seen: all, of, chance: null } as const;
    const isZombie = inRouter === false || (inRouter === null && !advertises && wasIntended);
    if (fresh > 0 && isZombie) judged.findings.push({ kind: 'zombie', ...flows });
    else if (fresh > 0 && !advertises) judged.findings.push({ kind: 'phantom', ...flows });
    if (!advertises || inRouter === false || all > 0) continue;
    // Older flows had no chance to come in by a path that is younger than they are.
    const chance = (1 - 1 / Math.max(1, paths)) ** opened;
    if (opened === 0 || chance > CHANCE_OF_MISTAKE) {
      judged.doubts.push({ node, text: `${countText(opened)} new flows from ${vantage} are too few to tell whether ${node} takes any` });
    } else if (unspread !== null) {
      judged.doubts.push({ node, text: `none of ${countText(opened)} new flows from ${vantage} came in by ${node}, and ${unspread}` });
    } else judged.findings.push({ kind: 'missing', ...flows, of: opened, chance });
  }
  return judged;
}

/** A path that lacks because the node cannot advertise it. That a router sends flows to a node which takes none has no such excuse. */
function excused(row: PathRow, { findings, doubts }: PathVerdict): PathVerdict {
  const { node, excuse } = row;
  const lacks = ({ kind, by }: PathFinding) => kind === 'missing' && (by === 'router' || isInRouter(row) !== true);
  if (excuse === null || !findings.some(lacks)) return { findings, doubts };
  const doubt = { node, text: `${node} should advertise, and there is no path by it: ${excuse}` };
  return { findings: findings.filter((one) => !lacks(one)), doubts: [doubt, ...doubts] };
}

function isSeen({ flows }: PathRow): boolean {
  return flows.some(({ seen }) => seen > 0);
}

function doubted(node: string, text: string): PathVerdict {
  return { findings: [], doubts: [{ node, text }] };
}

function inDoubt(node: string, { doubts }: PathVerdict, text: string): PathVerdict {
  return { findings: [], doubts: [...doubts, { node, text }] };
}
