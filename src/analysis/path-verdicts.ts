// One path of a VIP judged: where its layers contradict each other, and what they leave in doubt.
import type { EventOf } from '../core/journal.ts';
import { CHANCE_OF_MISTAKE } from './inferred-sets.ts';
import type { RunFacts } from './run-facts.ts';
import type { SeenNodes } from './seen-nodes.ts';
import { countText, listText } from './wording.ts';

type NodeStatus = EventOf<'cluster.metallb-status'>['nodes'][number];

/** What each layer says of one node, or of an address that is no node's. Null is unknown, everywhere. */
export type PathRow = {
  node: string;
  /** `reason`: MetalLB's word; null when it advertises, or is no node of the cluster. */
  intended: { advertises: boolean; reason: string | null } | null;
  status: NodeStatus | null;
  routers: { router: string; has: boolean | null }[];
  /** The sessions as the routers tell them, at most one each. */
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
  /** Why new flows need not meet every path; null when each of them meets each path alike. */
  unspread: string | null;
};

type PathVerdict = { findings: PathFinding[]; doubts: PathDoubt[] };

export function judgePath(row: PathRow, judging: Judging): PathVerdict {
  const { node, intended, status } = row;
  if (intended === null) return { findings: [], doubts: [] };
  const judged = byFlows(row, judging, byRouters(row, judging));
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

/** Whether any router has the path; null when none is known to, and not all are known. */
export function isInRouter({ routers }: PathRow): boolean | null {
  if (routers.some(({ has }) => has === true)) return true;
  return routers.length > 0 && routers.every(({ has }) => has === false) ? false : null;
}

/** Why new flows from a vantage need not meet every path of a router's alike, as a clause; null when they do. */
export function whyNotSpread({ lab }: RunFacts['environment'], routers: number): string | null {
  if (routers > 1) return 'each of several routers has paths of its own';
  if (!lab?.topology) return 'how the router spreads flows is not known';
  if (lab.topology.hash !== 'l4') return 'the router spreads addresses, not flows';
  return lab.topology.nextHopGroups === 'hash-threshold' ? null : 'a resilient group leaves its buckets where they were';
}

function byRouters(row: PathRow, { rows, known }: Judging): PathVerdict {
  const { node, intended, routers } = row;
  if (intended?.advertises !== true) {
    const having = routers.filter(({ has }) => has === true);
    return { findings: having.map(({ router }) => ({ kind: 'phantom', node, by: 'router', router })), doubts: [] };
  }
  const lacking = routers.filter(({ has }) => has === false).map(({ router }) => router);
  if (lacking.length === 0) return { findings: [], doubts: [] };
  // Each rack may have its router: a node need not tell all of them.
  if (isInRouter(row) !== false) {
    const text = `${listText(lacking)} ${lacking.length === 1 ? 'has' : 'have'} no path by ${node}, and nobody says which routers should`;
    return { findings: [], doubts: [{ node, text }] };
  }
  // A next hop that is nobody's may be an address of this node that the environment does not list.
  const stranger = rows.find((one) => !known.has(one.node) && isInRouter(one) === true);
  if (stranger) {
    const text = `whether ${stranger.node}, which ${listText(lacking)} sends flows to, is ${node} the environment does not say`;
    return { findings: [], doubts: [{ node, text }] };
  }
  return { findings: lacking.map((router) => ({ kind: 'missing', node, by: 'router', router })), doubts: [] };
}

function byFlows(row: PathRow, { rows, seen, wasIntended, unspread }: Judging, { findings, doubts }: PathVerdict): PathVerdict {
  const { node, intended } = row;
  const advertises = intended?.advertises === true;
  const inRouter = isInRouter(row);
  const paths = rows.filter((one) => isSeen(one) || (isInRouter(one) ?? one.intended?.advertises === true)).length;
  const judged = { findings: [...findings], doubts: [...doubts] };
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

function isSeen({ flows }: PathRow): boolean {
  return flows.some(({ seen }) => seen > 0);
}

function inDoubt(node: string, { doubts }: PathVerdict, text: string): PathVerdict {
  return { findings: [], doubts: [...doubts, { node, text }] };
}
