// Next-hop sets inferred from flows alone, for whoever has no access to the router.
//
// A hop is in the set in every second in which anything was answered through it. Silence is no proof of absence: it is gone when
// so many fresh dials were answered by others, and so many flows were seen to leave it for others, that a hop in the set would have
// taken none of them once in a million times. Sets are kept per vantage: two vantages may sit behind two routers.
import type { RunFacts } from './run-facts.ts';
import { appendEntry, type SetEntry, type SetHistory, SETTLE_MS } from './set-history.ts';

export type InferredSet = { vantage: string; vip: string; history: SetHistory };

/** How likely a hop that is in the set may be taken for gone, each time that it is asked. */
export const CHANCE_OF_MISTAKE = 1e-6;
const BIN_MS = 1_000;

/**
 * @param chance that a hop which is in the set is taken for gone
 * @param priorOf hops that are known to have been in a vantage's set before: not to be seen at first is no proof of absence either
 */
export function inferredSets(
  facts: Pick<RunFacts, 'tallies' | 'flows'>,
  chance = CHANCE_OF_MISTAKE,
  priorOf: (vantage: string) => readonly string[] = () => [],
): InferredSet[] {
  return [...evidenceOf(facts).values()].map(({ vantage, vip, ...evidence }) => ({
    vantage,
    vip,
    history: inferHistory(evidence, chance, priorOf(vantage)),
  }));
}

type Evidence = {
  /** Hop -> seconds in which an exchange or a dial was answered through it, in order. */
  seen: Map<string, number[]>;
  /** Second -> fresh dials answered by anybody. */
  dials: Map<number, number>;
  /** Hop -> instants at which a living flow was seen to leave it for another hop. */
  left: Map<string, number[]>;
  /** Hop -> instants at which a flow was seen to arrive. */
  arrived: Map<string, number[]>;
};

function evidenceOf(facts: Pick<RunFacts, 'tallies' | 'flows'>): Map<string, Evidence & { vantage: string; vip: string }> {
  const all = new Map<string, Evidence & { vantage: string; vip: string }>();
  const of = (vantage: string, vip: string) => {
    const key = `${vantage} ${vip}`;
    let evidence = all.get(key);
    if (!evidence) {
      evidence = { vantage, vip, seen: new Map(), dials: new Map(), left: new Map(), arrived: new Map() };
      all.set(key, evidence);
    }
    return evidence;
  };
  for (const tally of facts.tallies.toSorted((a, b) => a.bin - b.bin)) {
    if (tally.ok === 0 || tally.path === 'unknown') continue;
    const { seen, dials } = of(tally.vantage, tally.vip);
    const bins = listIn(seen, tally.path);
    if (bins.at(-1) !== tally.bin) bins.push(tally.bin);
    if (tally.fresh) dials.set(tally.bin, (dials.get(tally.bin) ?? 0) + tally.ok);
  }
  for (const flow of facts.flows) {
    if (flow.changes.length === 0) continue;
    const { left, arrived } = of(flow.vantage, flow.opened.vip);
    let before = flow.opened.ingress;
    for (const { t, ingress } of flow.changes) {
      if (ingress !== null && ingress !== before) {
        if (before !== null) listIn(left, before).push(t);
        listIn(arrived, ingress).push(t);
      }
      before = ingress ?? before;
    }
  }
  return all;
}

function inferHistory({ seen, dials, left, arrived }: Evidence, chance: number, prior: readonly string[]): SetHistory {
  const bins = [...new Set([...seen.values()].flat())].sort((a, b) => a - b);
  const firstBin = bins[0];
  const lastBin = bins.at(-1);
  if (firstBin === undefined || lastBin === undefined) return [];
  const hops = new Set([...seen.keys(), ...prior]);
  const enough = Math.log(chance) / Math.log(1 - 1 / Math.max(2, hops.size));
  const edges: { t: number; hop: string; isIn: boolean }[] = [];
  for (const hop of hops) {
    const hopBins = seen.get(hop) ?? [];
    const leaves = left.get(hop) ?? [];
    const arrivals = arrived.get(hop) ?? [];
    /** Whether what others answered in between proves that the hop was not in the set. */
    const isProved = (fromBin: number, untilBin: number) => {
      let misses = leaves.filter((t) => t >= fromBin * BIN_MS && t < untilBin * BIN_MS).length;
      for (let bin = fromBin + 1; bin < untilBin; bin += 1) misses += dials.get(bin) ?? 0;
      return misses >= enough;
    };
    const leave = (bin: number, untilBin: number) => {
      const t = firstWithin(leaves, bin * BIN_MS, untilBin * BIN_MS) ?? (bin + 1) * BIN_MS;
      edges.push({ t, hop, isIn: false });
    };
    const join = (bin: number) => {
      edges.push({ t: firstWithin(arrivals, bin * BIN_MS, (bin + 1) * BIN_MS) ?? bin * BIN_MS, hop, isIn: true });
    };
    let previous: number | null = null;
    if (prior.includes(hop) && hopBins[0] !== firstBin) {
      edges.push({ t: firstBin * BIN_MS, hop, isIn: true });
      previous = firstBin;
    }
    for (const bin of hopBins) {
      if (previous === null) {
        if (bin > firstBin && isProved(firstBin - 1, bin)) join(bin);
        else edges.push({ t: firstBin * BIN_MS, hop, isIn: true });
      } else if (bin - previous > 1 && isProved(previous, bin)) {
        leave(previous, bin);
        join(bin);
      }
      previous = bin;
    }
    if (previous !== null && previous < lastBin && isProved(previous, lastBin + 1)) leave(previous, lastBin + 1);
  }
  return drawHistory(edges, bins);
}

/** Plays the edges in order of time; while nobody at all is answered for longer than a set needs to settle, nothing is known. */
function drawHistory(edges: { t: number; hop: string; isIn: boolean }[], bins: readonly number[]): SetHistory {
  const dark: { t: number; isDark: boolean }[] = [];
  bins.forEach((bin, index) => {
    const next = bins[index + 1];
    if (next === undefined || (next - bin - 1) * BIN_MS > SETTLE_MS) dark.push({ t: (bin + 1) * BIN_MS + SETTLE_MS, isDark: true });
    if (next !== undefined && (next - bin - 1) * BIN_MS > SETTLE_MS) dark.push({ t: next * BIN_MS, isDark: false });
  });
  const steps = [...edges, ...dark].sort((a, b) => a.t - b.t);
  const history: SetEntry[] = [];
  const nodes = new Set<string>();
  let isDark = false;
  steps.forEach((step, index) => {
    if ('isDark' in step) isDark = step.isDark;
    else if (step.isIn) nodes.add(step.hop);
    else nodes.delete(step.hop);
    if (steps[index + 1]?.t === step.t) return;
    // The first one is told with hindsight: it stood so from the first second that anybody looked.
    appendEntry(history, step.t, isDark ? null : [...nodes].sort(), history.length === 0 ? step.t : undefined);
  });
  return history;
}

function listIn(lists: Map<string, number[]>, key: string): number[] {
  let list = lists.get(key);
  if (!list) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

function firstWithin(times: readonly number[], fromT: number, untilT: number): number | null {
  let first: number | null = null;
  for (const t of times) if (t >= fromT && t < untilT && (first === null || t < first)) first = t;
  return first;
}
