// How long a fault's target was dark, what ended that, and whether withdrawing first would have helped.
import { BIN_MS } from './bins.ts';
import type { Evidence } from './checks/check.ts';
import type { FaultFacts } from './fault-facts.ts';
import { elsewhereOf, type LedgerCount, total } from './ledgers.ts';
import type { NextHopHistory } from './next-hop-history.ts';
import { isDoubtful } from './outcomes.ts';
import { firstBreakIn } from './population.ts';
import type { RunFacts, Scope } from './run-facts.ts';
import { sightingAt } from './flow-life.ts';
import { changesOf } from './set-history.ts';
import { holdTimeMs, type Window } from './windows.ts';
import { flowsText, lengthText, listText } from './wording.ts';

/** Shorter than this, the route and the flows went together. */
const NOTICEABLE_MS = 20;
/** A hold timer runs from the last keepalive, which comes three times in a hold time: it ends after 2/3 to 3/3 of it. */
const EARLIEST_SHARE = 2 / 3;
const SLACK_MS = 1_000;

/** `ms`: how long the target was dark, or the route outlived the cut. */
type Outage = { kind: 'route-stayed' | 'hold-timer' | 'dark'; vip: string; ms: number; elsewhere: number };

/**
 * VIP by VIP: the route to one of them may go while another's stays.
 * @param counts of the window that the fault opened
 */
export function outageRemarks(fault: FaultFacts, counts: readonly LedgerCount[], evidence: Evidence): string[] {
  const vips = Map.groupBy(counts, ({ scope }) => scope.vip);
  const outages = [...vips.values()].flatMap((of) => outageOfVip(fault, of, evidence) ?? []);
  return [...Map.groupBy(outages, ({ kind }) => kind).values()].map((alike) => {
    const sentence = outageText(fault.target, alike, evidence);
    return alike.length === vips.size ? sentence : `On ${listText(alike.map(({ vip }) => vip))}: ${sentence}`;
  });
}

/** Of several VIPs the longest outage is told. */
function outageText(target: string, alike: readonly Outage[], { facts }: Evidence): string {
  const length = lengthText(Math.max(...alike.map(({ ms }) => ms)));
  const upTo = alike.length > 1 ? 'up to ' : '';
  switch (alike[0]?.kind ?? 'dark') {
    case 'route-stayed':
      return `The route to ${target} stayed for the whole fault (${length}): new flows that hashed to it met nobody.`;
    case 'hold-timer':
      return (
        `The hold timer (${lengthText(holdTimeMs(facts))}) ended the outage: the route to ${target} went ${length} after the cut; ` +
        'until then its flows were silent. A shorter hold time or BFD would end it sooner.'
      );
    case 'dark': {
      const elsewhere = alike.reduce((sum, each) => sum + each.elsewhere, 0);
      const butNot = elsewhere > 0 ? `, not the ${flowsText(elsewhere)} broken elsewhere` : '';
      return `${target} was dark for ${upTo}${length}, from the first break on it until its route was gone: withdrawing first would have saved only that${butNot}.`;
    }
  }
}

function outageOfVip(fault: FaultFacts, counts: readonly LedgerCount[], evidence: Evidence): Outage | null {
  const [first] = counts;
  if (!first) return null;
  const { window } = first;
  const { vip } = first.scope;
  const { target } = fault;
  const onsetT = firstOnsetOn({ target, vip }, window, evidence);
  if (onsetT === null) return null;
  const goneT = routeGoneT(target, window, { scopes: counts.map((count) => count.scope), nextHops: evidence.nextHops });
  const cutT = fault.inForceT ?? window.fromT;
  const elsewhere = total(counts, elsewhereOf);
  if (goneT === null) {
    // Under Cluster a node without a pod answers with another's.
    const isDark = counts.every((count) => count.after.nodes?.includes(target)) && !wasAnsweredOn({ target, vip }, onsetT, evidence);
    return isDark ? { kind: 'route-stayed', vip, ms: window.untilT - cutT, elsewhere } : null;
  }
  if (goneT - onsetT < NOTICEABLE_MS) return null;
  const wasTimer = isHoldTimer(goneT - cutT, holdTimeMs(evidence.facts));
  if (wasTimer && hasSessionEnded(target, { fromT: cutT, untilT: goneT + SLACK_MS }, evidence.facts) !== false)
    return { kind: 'hold-timer', vip, ms: goneT - cutT, elsewhere };
  // Where only routes were taken away the node answered all the time: that its flows broke first was only told in another order.
  if (fault.breaksBy.every((means) => means === 'routes')) return null;
  return { kind: 'dark', vip, ms: goneT - onsetT, elsewhere };
}

/** Whether a fresh dial was answered through the target in a whole second of the window after `sinceT`. */
function wasAnsweredOn({ target, vip }: { target: string; vip: string }, sinceT: number, { facts, windows }: Evidence): boolean {
  const window = windows.find(({ fromT, untilT }) => fromT <= sinceT && sinceT < untilT);
  return facts.tallies.some(
    ({ bin, path, vip: of, ok, fresh }) =>
      fresh === true &&
      of === vip &&
      path === target &&
      ok > 0 &&
      bin * BIN_MS > sinceT &&
      (bin + 1) * BIN_MS <= (window?.untilT ?? Infinity),
  );
}

/** Of a break that is certain. */
function firstOnsetOn(
  { target, vip }: { target: string; vip: string },
  window: Window,
  { facts, scopes, windows }: Evidence,
): number | null {
  let first: number | null = null;
  for (const { scope, flows } of scopes) {
    if (scope.vip !== vip) continue;
    const illnesses = facts.illnesses.filter((ill) => ill.vantage === scope.vantage);
    for (const flow of flows) {
      const broken = firstBreakIn(flow, windows, window);
      if (broken === null || isDoubtful(broken, illnesses)) continue;
      if ((first === null || broken.onsetT < first) && sightingAt(flow, window.fromT).ingress === target) first = broken.onsetT;
    }
  }
  return first;
}

/** When the last of the sets of these scopes lost the target inside the window; null when one kept it. */
function routeGoneT(
  target: string,
  window: Window,
  { scopes, nextHops }: { scopes: readonly Scope[]; nextHops: NextHopHistory },
): number | null {
  const times = scopes
    .flatMap((scope) => nextHops.historiesOf(scope.vantage, scope.vip))
    .filter((history) => history.some((entry) => entry.nodes?.includes(target)))
    .map((history) =>
      changesOf(history).find(
        ({ t, before, after }) => t >= window.fromT && t < window.untilT && before.includes(target) && !after.includes(target),
      ),
    );
  const gone = times.filter((change) => change !== undefined).map((change) => change.t);
  return gone.length === 0 || gone.length < times.length ? null : Math.max(...gone);
}

function isHoldTimer(tookMs: number, holdMs: number): boolean {
  return tookMs >= EARLIEST_SHARE * holdMs - SLACK_MS && tookMs <= holdMs + SLACK_MS;
}

/** Whether a BGP session with the target was seen to end; null when nobody watched it. */
function hasSessionEnded(target: string, { fromT, untilT }: { fromT: number; untilT: number }, { sessions }: RunFacts): boolean | null {
  const ofTarget = sessions.filter((session) => session.node === target);
  if (ofTarget.length === 0) return null;
  return ofTarget.some((session) => session.t >= fromT && session.t <= untilT && session.state !== 'Established');
}
