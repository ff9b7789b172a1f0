// A router with equal-cost next hops, nodes that die and flows that notice: journals whose truth is known by arithmetic.
//
// The truth of a flow is never read from the events: it follows from its hash, the router's table before and after, and which node died.
import type { JournalEvent } from '../../src/core/journal.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { BreakCause } from '../../src/core/journal.ts';
import type { Outcome } from '../../src/core/report-format.ts';
import { aJournal, type JournalDraft, type JournalOptions } from './a-journal.ts';

export type Family = 'hash-threshold' | 'modulo' | 'resilient';

export type SimulatedRun = {
  family: Family;
  nodes: number;
  /** Position of the node that the fault hits, from 0. */
  target: number;
  /** `session`: only the route goes, at once. `node`: the node falls silent, the route follows after `holdMs`. */
  fault: 'session' | 'node' | 'none';
  holdMs: number;
  /** TCP flows, and as many UDP twins. */
  flows: number;
  seed: number;
  hasObserver: boolean;
  options?: JournalOptions;
};

export type Truth = {
  event: number;
  flowId: string;
  outcome: Outcome;
  ingressBefore: string;
  /** Null: nobody could know. */
  ingressAfter: string | null;
  broken: boolean;
  breakCause: BreakCause | null;
};

export const TIMES = { baselineT: 1_000, faultT: 6_000, revertT: 31_000, returnT: 34_000, endT: 54_000 } as const;
const INTERVAL_MS = 500;
const STALL_MS = 3 * INTERVAL_MS;
const RTT_MS = 1;
const DIAL_TIMEOUT_MS = 1_500;
const FRESH_DIALS_PER_SEC = 8;

/** From `t` on the router sends a hash to a node. */
type Table = { t: number; hops: readonly string[]; hopOf: (hash: number) => string };

export function simulate(run: SimulatedRun): { events: JournalEvent[]; truth: Truth[] } {
  return new Simulation(run).play();
}

/** Tables before, during and after the absence of one hop. */
function tablesOf({ family, nodes, target, fault, holdMs }: SimulatedRun): Table[] {
  const all = Array.from({ length: nodes }, (_, index) => `n${String(index + 1)}`);
  const without = all.filter((_, index) => index !== target);
  const before = { t: 0, hops: all, hopOf: stateless(family, all) };
  if (fault === 'none') return [before];
  const goneT = TIMES.faultT + (fault === 'session' ? 60 : holdMs);
  if (goneT >= TIMES.revertT) return [before];
  const buckets = (hash: number) => Math.floor(hash * 128);
  const orphans = Array.from({ length: 128 }, (_, bucket) => bucket).filter((bucket) => all[bucket % nodes] === all[target]);
  const resilient = (hash: number) => {
    const orphan = orphans.indexOf(buckets(hash));
    return orphan === -1 ? before.hopOf(hash) : (without[orphan % without.length] ?? '');
  };
  const hopOf = family === 'resilient' ? resilient : stateless(family, without);
  // A resilient table gives back only idle buckets, and with a long idle timer none is.
  const after = family === 'resilient' ? resilient : before.hopOf;
  return [before, { t: goneT, hops: without, hopOf }, { t: TIMES.returnT, hops: all, hopOf: after }];
}

function stateless(family: Family, hops: readonly string[]): (hash: number) => string {
  if (family === 'modulo') return (hash) => hops[Math.floor(hash * 2 ** 32) % hops.length] ?? '';
  if (family === 'resilient') return (hash) => hops[Math.floor(hash * 128) % hops.length] ?? '';
  return (hash) => hops[Math.floor(hash * hops.length)] ?? '';
}

class Simulation {
  readonly #run: SimulatedRun;
  readonly #random: () => number;
  readonly #tables: Table[];
  readonly #draft: JournalDraft;
  readonly #tallies = new Map<string, { protocol: string; path: string; bin: number; ok: number; lost: number; fresh: boolean }>();
  readonly #truth: Truth[] = [];
  readonly #deadNode: string | null;

  constructor(run: SimulatedRun) {
    this.#run = run;
    this.#random = seededRandom(run.seed);
    this.#tables = tablesOf(run);
    const nodes = Array.from({ length: run.nodes }, (_, index) => `n${String(index + 1)}`);
    this.#draft = aJournal({ nodes, seed: run.seed, ...run.options });
    this.#deadNode = run.fault === 'node' ? (nodes[run.target] ?? null) : null;
  }

  play(): { events: JournalEvent[]; truth: Truth[] } {
    const { flows, fault, target, hasObserver } = this.#run;
    for (const protocol of ['tcp', 'udp']) {
      for (let index = 0; index < flows; index += 1) this.#seat(protocol, 200 + this.#random() * 500);
      for (let dial = 0; dial < (TIMES.endT / 1_000) * FRESH_DIALS_PER_SEC; dial += 1)
        this.#freshDial(protocol, dial * (1_000 / FRESH_DIALS_PER_SEC));
    }
    if (hasObserver) {
      for (const { t, hops } of this.#tables) {
        this.#draft.set(t, hops);
        if (t > 0) this.#draft.set(t + 2_000, hops, { settled: true });
      }
    }
    if (fault !== 'none') {
      const headline = fault === 'node' ? 'the node was cut off' : 'the node lost its BGP session';
      this.#draft.fault(TIMES.faultT, TIMES.revertT, { target: `n${String(target + 1)}`, headline });
    }
    for (const { bin, ...tally } of this.#tallies.values()) this.#draft.tally(bin, tally);
    return { events: this.#draft.end(TIMES.endT), truth: this.#truth };
  }

  #hopAt(hash: number, t: number): string {
    return this.#tables.findLast((table) => table.t <= t)?.hopOf(hash) ?? '';
  }

  #isDead(node: string, t: number): boolean {
    return node === this.#deadNode && t >= TIMES.faultT + 20 && t < TIMES.revertT + 20;
  }

  /** One place in the schedule: a flow and those that replace it. */
  #seat(protocol: string, openT: number): void {
    const offset = this.#random() * INTERVAL_MS;
    let next: { t: number; replaces?: string } | null = { t: openT };
    while (next !== null) {
      const hash = this.#random();
      const hop = this.#hopAt(hash, next.t);
      if (this.#isDead(hop, next.t)) {
        const retryT: number = next.t + DIAL_TIMEOUT_MS + 20;
        next = retryT < TIMES.endT ? { ...next, t: retryT } : null;
        continue;
      }
      const flow = this.#draft.flow({
        protocol,
        ingress: hop,
        openT: next.t,
        ...(next.replaces !== undefined && { replaces: next.replaces }),
      });
      const beats = { hash, hop, openT: next.t, firstT: offset + Math.ceil((next.t - offset) / INTERVAL_MS) * INTERVAL_MS };
      const brokenT = protocol === 'udp' ? this.#holdUdp(flow, beats) : this.#holdTcp(flow, beats);
      next = brokenT === null ? null : { t: brokenT + 20, replaces: flow };
      if (next && next.t >= TIMES.endT) next = null;
    }
  }

  #holdTcp(flow: string, { hash, hop, openT, firstT }: { hash: number; hop: string; openT: number; firstT: number }): number | null {
    let lastOkT = openT;
    let silentT: number | null = null;
    for (let t = firstT; t < TIMES.endT; t += INTERVAL_MS) {
      const now = this.#hopAt(hash, t);
      if (silentT !== null && t - silentT >= STALL_MS) {
        return this.#breakTcp(flow, { hash, hop, openT, brokenT: silentT + STALL_MS, onsetT: silentT + RTT_MS, cause: 'stalled', lastOkT });
      }
      if (this.#isDead(now, t)) {
        silentT ??= t;
        this.#count('tcp', hop, { t, isOk: false });
      } else if (now !== hop) {
        this.#count('tcp', hop, { t, isOk: false });
        return this.#breakTcp(flow, { hash, hop, openT, brokenT: t + RTT_MS, onsetT: t + RTT_MS, cause: 'reset', lastOkT });
      } else {
        this.#count('tcp', hop, { t, isOk: true });
        if (t + RTT_MS - lastOkT > 2 * INTERVAL_MS) this.#draft.of(flow, t + RTT_MS, 'flow.quiet', { fromT: lastOkT, untilT: t + RTT_MS });
        silentT = null;
        lastOkT = t + RTT_MS;
      }
    }
    this.#draft.of(flow, TIMES.endT + 100, 'flow.final', {
      ingress: this.#hopAt(hash, TIMES.endT),
      backend: `web-${hop}`,
      observedSource: '10.77.1.2',
    });
    this.#tell(flow, 'tcp', { hash, hop, openT, broken: null });
    return null;
  }

  #breakTcp(
    flow: string,
    broken: { hash: number; hop: string; openT: number; brokenT: number; onsetT: number; cause: BreakCause; lastOkT: number },
  ): number {
    const { hash, hop, openT, brokenT, onsetT, cause, lastOkT } = broken;
    this.#draft.breaks(flow, onsetT, { t: brokenT, breakCause: cause, lastOkT });
    const edgeT = [TIMES.faultT, TIMES.revertT, TIMES.endT].find((t) => t > brokenT) ?? TIMES.endT;
    const settleT = this.#tables.map((table) => table.t + 2_000).find((t) => t > brokenT + 300) ?? Infinity;
    for (const t of [brokenT + 300, settleT]) {
      const found = this.#hopAt(hash, t);
      const doneT = t + (this.#isDead(found, t) ? DIAL_TIMEOUT_MS : RTT_MS);
      if (doneT >= edgeT) continue;
      if (this.#isDead(found, t)) this.#draft.maps(flow, doneT, null, 'timeout');
      else this.#draft.maps(flow, doneT, found);
    }
    this.#tell(flow, 'tcp', { hash, hop, openT, broken: { onsetT, cause } });
    return brokenT;
  }

  #holdUdp(flow: string, { hash, hop: first, openT, firstT }: { hash: number; hop: string; openT: number; firstT: number }): null {
    let hop = first;
    let lastOkT = openT;
    let silentT: number | null = null;
    let broken: { onsetT: number; cause: BreakCause; isOver: boolean } | null = null;
    for (let t = firstT; t < TIMES.endT; t += INTERVAL_MS) {
      const now = this.#hopAt(hash, t);
      if (silentT !== null && t - silentT >= STALL_MS && broken === null) {
        broken = { onsetT: silentT + RTT_MS, cause: 'stalled', isOver: false };
        this.#draft.breaks(flow, broken.onsetT, { t: silentT + STALL_MS, breakCause: 'stalled', lastOkT });
      }
      if (this.#isDead(now, t)) {
        silentT ??= t;
        this.#count('udp', hop, { t, isOk: false });
        continue;
      }
      this.#count('udp', now, { t, isOk: true });
      if (broken && !broken.isOver) {
        this.#draft.recovers(flow, t + RTT_MS, now);
        broken.isOver = true;
      } else {
        if (now !== hop) this.#draft.changes(flow, t + RTT_MS, now);
        if (t + RTT_MS - lastOkT > 2 * INTERVAL_MS) this.#draft.of(flow, t + RTT_MS, 'flow.quiet', { fromT: lastOkT, untilT: t + RTT_MS });
      }
      hop = now;
      silentT = null;
      lastOkT = t + RTT_MS;
    }
    this.#draft.of(flow, TIMES.endT + 500, 'flow.closed');
    this.#tell(flow, 'udp', { hash, hop: first, openT, broken });
    return null;
  }

  #freshDial(protocol: string, t: number): void {
    const hop = this.#hopAt(this.#random(), t);
    const isOk = !this.#isDead(hop, t);
    this.#count(protocol, isOk ? hop : 'unknown', { t, isOk, fresh: true });
  }

  #count(protocol: string, path: string, { t, isOk, fresh = false }: { t: number; isOk: boolean; fresh?: boolean }): void {
    const bin = Math.floor(t / 1_000);
    const key = `${protocol} ${path} ${String(bin)} ${String(fresh)}`;
    let tally = this.#tallies.get(key);
    if (!tally) this.#tallies.set(key, (tally = { protocol, path, bin, ok: 0, lost: 0, fresh }));
    tally[isOk ? 'ok' : 'lost'] += 1;
  }

  /** What is true of a flow in every window that it was open at the beginning of, by arithmetic alone. */
  #tell(
    flowId: string,
    protocol: string,
    flow: { hash: number; hop: string; openT: number; broken: { onsetT: number; cause: BreakCause } | null },
  ): void {
    const { hash, hop, openT, broken } = flow;
    const edges = this.#run.fault === 'none' ? [TIMES.baselineT, TIMES.endT] : [TIMES.baselineT, TIMES.faultT, TIMES.revertT, TIMES.endT];
    edges.slice(0, -1).forEach((fromT, event) => {
      const untilT = edges[event + 1] ?? 0;
      const isTcp = protocol === 'tcp';
      if (openT > fromT || (isTcp && broken !== null && broken.onsetT < fromT)) return;
      const before = isTcp ? hop : this.#hopAt(hash, fromT);
      // Silent when the window opens: nobody's loss in it.
      if (!isTcp && this.#isDead(before, fromT)) return;
      const now = this.#tables.findLast((table) => table.t <= untilT);
      const after = now?.hopOf(hash) ?? '';
      const isGone = now?.hops.includes(before) === false;
      const breaksHere = broken !== null && broken.onsetT >= fromT && broken.onsetT < untilT;
      const isDark = this.#isDead(after, untilT - 1);
      const common = { event, flowId, ingressBefore: before, broken: breaksHere, breakCause: breaksHere ? broken.cause : null };
      if (isGone) this.#truth.push({ ...common, outcome: 'on-dead-hop', ingressAfter: after });
      else if (breaksHere && isDark) this.#truth.push({ ...common, outcome: 'unknown', ingressAfter: null });
      else if (after === before) this.#truth.push({ ...common, outcome: breaksHere ? 'broken-in-place' : 'unmoved', ingressAfter: after });
      else this.#truth.push({ ...common, outcome: breaksHere ? 'moved-broken' : 'moved-survived', ingressAfter: after });
    });
  }
}
