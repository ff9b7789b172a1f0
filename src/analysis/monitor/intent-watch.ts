// Paths of a VIP that are not as the cluster intends, for longer than a change takes to reach the router.
//
// The comparison is that of runs, over the last seconds. It is made for instants of its own, each a little after it: however events were
// delivered, the same ones come to the same findings.
import type { EventOf } from '../../core/journal.ts';
import { compare, historyOf, SHORTEST_MS, type WireFacts, type WireHistory } from '../intent-wire.ts';
import { type DifferenceContext, differenceContext } from '../intent-wire-words.ts';
import { PROPAGATION_MS } from '../motions.ts';
import { isInRouter, type PathFinding, type PathRow, pathsIn } from '../path-verdicts.ts';
import { seenIn, type SeenNodes } from '../seen-nodes.ts';
import { spansWithout } from '../spans.ts';
import { MAX_LATENESS_MS, MONITOR_CHANCE_OF_MISTAKE } from './context.ts';
import type { Shown } from './draft.ts';

/** The greatest lateness is a multiple of it. */
const EVERY_MS = 5_000;
/** By then lost exchanges, tallies and changes of sets have been told. */
const TOLD_WITHIN_MS = 3_000;
/** A VIP's slice keeps more of its flows, and never less. */
const LOOK_BACK_MS = 40_000;

/**
 * What the layers say at `t` of the nodes that it `tells` of, having had their time. `sinceT`: nothing of these has changed since;
 * `hasEdge`: something changed just then, else it is only how far back was looked. `fromT`: flows were counted from here on.
 */
export type Look = {
  vip: string;
  t: number;
  tells: (node: string) => boolean;
  sinceT: number;
  hasEdge: boolean;
  fromT: number;
  rows: readonly PathRow[];
  findings: readonly PathFinding[];
  seen: readonly SeenNodes[];
  /** To tell them in. */
  context: DifferenceContext;
};

export type IntentWatchSnapshot = { lookedT: number; dials: readonly EventOf<'tally'>[] };

export class IntentWatch {
  #lookedT = 0;
  #dials: EventOf<'tally'>[] = [];

  get size(): number {
    return this.#dials.length;
  }

  /** Fresh dials: where the router is observed, nobody else keeps them. */
  take(tally: EventOf<'tally'>): void {
    if (tally.fresh) this.#dials.push({ ...tally, rtt: {} });
  }

  /**
   * The looks that are due. None at a node while it changes, at any while nobody watches the cluster: what was found stands as it is.
   * @param t how far all have told
   * @param facts of the VIP, but for dials; null where nobody tells what the cluster intends
   */
  advance(vip: string, t: number, facts: () => Omit<WireFacts, 'tallies'> | null): Look[] {
    const lastT = Math.floor((t - TOLD_WITHIN_MS) / EVERY_MS) * EVERY_MS;
    const firstT = Math.max(this.#lookedT + EVERY_MS, lastT - MAX_LATENESS_MS);
    if (firstT > lastT) return [];
    this.#lookedT = lastT;
    const told = facts();
    const known = told && { ...told, tallies: this.#dials };
    const history = known && historyOf(known, vip);
    const looks: Look[] = [];
    for (let at = firstT; at <= lastT && known && history; at += EVERY_MS) looks.push(...looksAt(known, history, vip, at));
    this.#dials = known === null ? [] : this.#dials.filter((tally) => tally.t > lastT - LOOK_BACK_MS);
    return looks;
  }

  snapshot(): IntentWatchSnapshot {
    return { lookedT: this.#lookedT, dials: this.#dials };
  }

  restore({ lookedT, dials }: IntentWatchSnapshot): void {
    this.#lookedT = lookedT;
    this.#dials = [...dials];
  }
}

/** One look at all nodes of which nothing changed, and others at those that did: a node that never comes to rest hides no other. */
function looksAt(facts: WireFacts, history: WireHistory, vip: string, t: number): Look[] {
  const time = { fromT: t - LOOK_BACK_MS, untilT: t };
  const motions = history.motions.filter(({ fromT, untilT }) => fromT < t && untilT > time.fromT);
  const restless = new Set(motions.flatMap(({ nodes }) => nodes ?? []));
  const settledSince = (node: string | null) => {
    const own = motions.filter(({ nodes }) => nodes === null || (node !== null && nodes.includes(node)));
    const last = spansWithout(time, own).at(-1);
    return last?.untilT === t ? last.fromT : null;
  };
  const groups = Map.groupBy([null, ...restless], settledSince);
  return [...groups].flatMap(([sinceT, nodes]) => {
    if (sinceT === null) return [];
    const own = new Set(nodes);
    const tells = (node: string) => own.has(restless.has(node) ? node : null);
    return lookAt(facts, history, { vip, t, sinceT, hasEdge: sinceT > time.fromT, tells });
  });
}

function lookAt(facts: WireFacts, history: WireHistory, about: Pick<Look, 'vip' | 't' | 'sinceT' | 'hasEdge' | 'tells'>): Look[] {
  const { vip, t, sinceT, tells } = about;
  // What comes to an end within this time is a change that took longer than others.
  const span = { fromT: sinceT + PROPAGATION_MS, untilT: t };
  if (t - span.fromT < SHORTEST_MS) return [];
  const seen = seenIn(facts, { vip }, span);
  const part = compare({ facts, vip, history, span, seen, tells, isPatient: true });
  const findings = part.findings.filter((one) => one.by === 'router' || (one.chance ?? 0) <= MONITOR_CHANCE_OF_MISTAKE);
  const { fromT, rows } = part;
  return [{ ...about, fromT, rows, findings, seen, context: differenceContext(facts.environment, vip) }];
}

/**
 * When what a sign showed was over, by a look that does not show it; null where that is not known. To see nothing is no end: flows must be
 * answered by a path that was missing, and by others only than one that is not intended.
 * @param toldT how far a vantage has told
 */
export function endOf(shown: Shown, subject: string, look: Look, toldT: (vantage: string) => number): number | null {
  const { sign, lastT } = shown;
  const { hasEdge, sinceT, fromT, t } = look;
  const row = rowOf(look.rows, subject);
  if (!row?.intended || !isOver(shown, row, look, toldT)) return null;
  if (hasEdge && sinceT > lastT) return sinceT;
  // No change tells: of a path that was missing the first flow does, of one that was used the last one.
  return sign.kind === 'missing' ? t : fromT;
}

function isOver(shown: Shown, row: PathRow, look: Look, toldT: (vantage: string) => number): boolean {
  const { sign } = shown;
  if (sign.by === 'router') return isAsAsked(row, sign.router);
  const isIntended = row.intended?.advertises === true;
  switch (sign.kind) {
    case 'missing':
      return !isIntended || row.flows.some((of) => of.vantage === sign.vantage && of.seen > 0);
    case 'phantom':
      return isIntended || isUnused(shown, row.node, look, toldT);
    case 'zombie':
      return (isIntended && isInRouter(row) === true) || isUnused(shown, row.node, look, toldT);
  }
}

/** Flows that were opened since came in by others, and too many for that to be chance. The first seconds may not be told yet. */
function isUnused({ sign, missed }: Shown, node: string, look: Look, toldT: (vantage: string) => number): boolean {
  const { rows, fromT, t } = look;
  const own = sign.by === 'flows' ? seenBy(sign.vantage, look) : undefined;
  if (!own || own.fresh === 0 || Math.min(t, toldT(own.vantage)) - fromT < PROPAGATION_MS) return false;
  if ((own.byNode.get(node)?.fresh ?? 0) > 0) return false;
  const paths = 1 + pathsIn(rows.filter((row) => row.node !== node));
  return (1 - 1 / paths) ** Math.max(own.fresh, missed) <= MONITOR_CHANCE_OF_MISTAKE;
}

/** Flows that the vantage of a sign opened between one look and the next, on an average of this one. */
export function openedPerLook(sign: PathFinding, look: Look): number {
  const fresh = sign.by === 'flows' ? (seenBy(sign.vantage, look)?.fresh ?? 0) : 0;
  return (fresh * EVERY_MS) / (look.t - look.fromT);
}

function seenBy(vantage: string, { seen }: Look): SeenNodes | undefined {
  return seen.find((one) => one.vantage === vantage);
}

/** Whether a router is seen to have the path if it should, and only then. */
function isAsAsked(row: PathRow, router: string): boolean {
  return row.routers.some((at) => at.router === router && (at.should === null ? isInRouter(row) === true : at.has === at.should));
}

/** What no layer names any more is not intended, and in none of the sets that are seen. */
function rowOf(rows: readonly PathRow[], node: string): PathRow | undefined {
  const row = rows.find((one) => one.node === node);
  const [other] = rows;
  if (row || !other) return row;
  const routers = other.routers.map(({ router, has }) => ({ router, has: has === null ? null : false, should: false }));
  return { ...other, node, intended: other.intended && { advertises: false, reason: null }, routers, flows: [] };
}
