// Further sentences: what a fault did beyond its target, what would have spared whom, and what nobody saw.
import { BIN_MS } from './bins.ts';
import type { EventOf } from '../core/journal.ts';
import type { Evidence } from './checks/check.ts';
import { isPodHappening } from './cluster/happening.ts';
import type { FaultFacts } from './fault-facts.ts';
import { type LedgerCount, total } from './ledgers.ts';
import { outageRemarks } from './outage.ts';
import { isVipTarget, type RunFacts } from './run-facts.ts';
import { disruptedShare, gentlestPosition, survivorsMovedShare } from './rfc2992.ts';
import { changesOf } from './set-history.ts';
import { mayHaveBegun } from './verdict.ts';
import { countText, flowsText, lengthText, listText, percentText } from './wording.ts';

export function remarksOf(evidence: Evidence, errors: readonly string[]): string[] {
  const { facts } = evidence;
  if (facts.started === null) return [];
  const begun = facts.faults.filter((fault) => fault.intentT !== null);
  return [
    ...begun.flatMap((fault) => faultRemarks(fault, evidence)),
    ...facts.faults
      .filter((fault) => fault.intentT === null && !mayHaveBegun(fault, facts))
      .map((fault) => `${fault.kind} on ${fault.target} was planned and not begun.`),
    ...hashRemarks(evidence),
    ...podRemarks(evidence),
    ...unknownRemarks(evidence),
    ...sightRemarks(evidence),
    ...backendRemarks(evidence),
    ...(errors.length > 0 ? ['What was seen until then is told all the same.'] : []),
  ];
}

function faultRemarks(fault: FaultFacts, evidence: Evidence): string[] {
  const of = (cause: string) => evidence.counts.filter((count) => count.window.fault?.id === fault.id && count.window.cause === cause);
  const remarks = isVipTarget(evidence.facts, fault.target)
    ? rehashRemarks(fault, of('fault-in'))
    : [
        ...outageRemarks(fault, of('fault-in'), evidence),
        ...rehashRemarks(fault, of('fault-in')),
        ...returnRemarks(fault, of('fault-out'), evidence),
        ...redialRemarks(fault, of('fault-out'), evidence),
      ];
  if (fault.lostT !== null) {
    const by = fault.reason ? ` (${fault.reason})` : '';
    remarks.push(
      `${fault.kind} on ${fault.target} vanished after ${lengthText(fault.lostT - (fault.inForceT ?? fault.lostT))} without us${by}.`,
    );
  }
  return remarks;
}

/** Flows of other nodes that moved because the router cut its hash space anew. */
function rehashRemarks({ target }: FaultFacts, counts: readonly LedgerCount[]): string[] {
  // A flow whose pod ended would have broken wherever the router sent it.
  const movedBrokenOf = ({ outcomes, podEnded }: LedgerCount) => outcomes['moved-broken'] - podEnded.moved;
  const broken = total(counts, movedBrokenOf);
  if (broken === 0) return [];
  // Of a VIP whose set kept the target none were to be moved, and of unknown ones nobody saw where they went: no part of the share.
  const cut = counts.filter(({ before, after }) => before.nodes?.includes(target) === true && after.nodes?.includes(target) === false);
  const others = total(cut, ({ population, outcomes }) => population - outcomes['on-dead-hop'] - outcomes.unknown);
  const cutBroken = total(cut, movedBrokenOf);
  const moved = cutBroken + total(cut, (count) => count.outcomes['moved-survived']);
  const order = cut.find(({ before }) => before.from === 'observer')?.before.nodes ?? null;
  const spared = `would have spared the ${flowsText(broken)} broken elsewhere.`;
  if (order === null || order.length < 3 || others === 0) return [`A resilient next-hop group ${spared}`];
  const n = order.length;
  const position = order.indexOf(target) + 1;
  const place = position === 1 || position === n ? 'an end hop' : `hop ${String(position)}`;
  const predicted = survivorsMovedShare(n, position);
  const gentlest = survivorsMovedShare(n, gentlestPosition(n));
  const remarks = [
    `${target} is ${place} of ${listText(order)}: of ${flowsText(others)} on the others ${countText(moved)} were rehashed ` +
      `(${percentText(moved / others)}; RFC 2992 predicts ${percentText(predicted)}), and ${countText(cutBroken)} of them broke.`,
  ];
  if (predicted > 0 && gentlest === 0) remarks.push(`A resilient next-hop group, or a middle hop in place of ${place}, ${spared}`);
  else remarks.push(`A resilient next-hop group ${spared}`);
  if (gentlest > 0 && gentlest < predicted) remarks.push(`A middle hop would have moved ${percentText(gentlest)} of the others.`);
  return remarks;
}

/** A hop's return breaks flows too, and often more quietly than its loss. */
function returnRemarks({ target }: FaultFacts, counts: readonly LedgerCount[], { nextHops }: Evidence): string[] {
  // What passes by itself may be back before it is called over: then this window saw no return.
  const hasReturned = ({ window, scope }: LedgerCount) =>
    nextHops
      .historiesOf(scope.vantage, scope.vip)
      .flatMap(changesOf)
      .some(({ t, before, after }) => t >= window.fromT && t < window.untilT && !before.includes(target) && after.includes(target));
  const hurt = counts.filter((count) => count.outcomes['moved-broken'] > 0 && hasReturned(count));
  const broken = total(hurt, (count) => count.outcomes['moved-broken']);
  if (broken === 0) return [];
  const silently = total(hurt, (count) => count.movedBroken.stalled);
  const young = total(hurt, (count) => count.young);
  const youngBroken = total(hurt, (count) => count.movedBroken.young);
  const how = silently > 0 ? `, ${countText(silently)} of them silently` : '';
  const order = hurt.find((count) => count.after.from === 'observer' && count.after.nodes?.includes(target))?.after.nodes;
  const predicted = order && `; RFC 2992 predicts ${percentText(disruptedShare(order.length, order.indexOf(target) + 1))}`;
  const share = young > 0 ? `${countText(youngBroken)} of the ${countText(young)}` : 'none';
  return [
    `The return of ${target} broke ${flowsText(broken)}${how}: ${share} opened while it was away` +
      (young > 0 ? ` (${percentText(youngBroken / young)}${predicted ?? ''})` : '') +
      (youngBroken === broken ? '; whoever had survived its loss stayed.' : `, and ${countText(broken - youngBroken)} older ones.`),
  ];
}

/**
 * A node that once knew a 5-tuple keeps its conntrack entry: after its return a dial from the same source port meets that entry and is
 * not answered, while every fresh port is. That says nothing of the path.
 */
function redialRemarks({ target, revertedT, revertingT }: FaultFacts, counts: readonly LedgerCount[], { facts }: Evidence): string[] {
  const timedOut = total(counts, (count) => count.redialTimedOut);
  const window = counts[0]?.window;
  if (timedOut === 0 || !window) return [];
  const sinceT = revertedT ?? revertingT ?? window.fromT;
  const fresh = facts.tallies.filter(
    ({ fresh: isFresh, path, bin, ok }) =>
      isFresh === true && path === target && ok > 0 && bin * BIN_MS >= sinceT && (bin + 1) * BIN_MS <= window.untilT,
  );
  const answered = fresh.reduce((sum, { ok }) => sum + ok, 0);
  const were = `${flowsText(timedOut)} broke after the return of ${target}, and dialling their 5-tuples again was not answered`;
  if (answered === 0) return [`${were}; no fresh dial was answered there either.`];
  return [
    `${were}, while ${countText(answered)} dials from fresh ports were answered by ${target}: a node keeps the conntrack entries of ` +
      '5-tuples that it knew, and they stall on those; the path itself answers.',
  ];
}

/** Whose fault it was not. */
function podRemarks({ counts, attributions }: Evidence): string[] {
  const elsewhere = total(counts, (count) => count.podEnded.elsewhere);
  if (elsewhere === 0) return [];
  const pods = new Map<string, string>();
  for (const { source, breaks } of attributions.flatMap(({ causes }) => causes)) {
    if (source.kind !== 'happening' || !isPodHappening(source.happening)) continue;
    const { pod, node } = source.happening;
    if (breaks.some(({ evidence, isJudged }) => evidence === 'its-pod' && isJudged))
      pods.set(pod, node === null ? pod : `${pod} on ${node}`);
  }
  const named = pods.size <= 3 ? ` (${listText([...pods.values()])})` : '';
  const which = pods.size === 1 ? 'the pod that answered them' : `one of the ${countText(pods.size)} pods that answered them`;
  return [
    `${flowsText(elsewhere)} broke although the hop they came in by stayed, because ${which}${named} ended: ` +
      'the router had no part in that, and no other hash would have spared them.',
  ];
}

/** The same 5-tuple landed elsewhere although no next-hop set changed. */
function hashRemarks({ counts, nextHops }: Evidence): string[] {
  const still = counts.filter(({ window, scope, before, after }) => {
    const hasChanged = nextHops
      .historiesOf(scope.vantage, scope.vip)
      .some((history) => changesOf(history).some(({ t }) => t >= window.fromT && t <= window.untilT));
    return before.nodes !== null && after.nodes !== null && !hasChanged;
  });
  const moved = total(still, (count) => count.outcomes['moved-broken'] + count.outcomes['moved-survived']);
  if (moved === 0) return [];
  return [
    `The 5-tuples of ${flowsText(moved)} landed on another node although no next-hop set changed: the router does not hash the 5-tuple ` +
      'alone. Between namespaces of one machine set fib_multipath_hash_policy=3 with fib_multipath_hash_fields=0x37, since policy 1 reuses ' +
      "the sending socket's random hash; over IPv6 the flow label may have been hashed.",
  ];
}

function unknownRemarks({ counts }: Evidence): string[] {
  const unknown = total(counts, (count) => count.outcomes.unknown);
  if (unknown === 0) return [];
  const blind = counts.filter((count) => count.after.nodes === null && count.outcomes.unknown > 0);
  const inDoubt = total(counts, (count) => count.inDoubt);
  const silent = total(counts, (count) => count.silentInDoubt);
  const unplaced = total(counts, ({ after, brokenUnknown, inDoubt: doubtful }) => (after.nodes === null ? 0 : brokenUnknown - doubtful));
  const reasons = [
    ...(blind.length > 0 ? [`the settled next-hop set was not known at the end of ${windowsText(blind)}`] : []),
    ...(unplaced > 0 ? [`${countText(unplaced)} broke and could not be mapped`] : []),
    ...(inDoubt > 0 ? [`the prober was ill when ${countText(inDoubt)} seemed to break`] : []),
    ...(silent > 0 ? [`the prober was ill in a silence of ${countText(silent)} that may have stalled`] : []),
  ];
  return [
    `The outcome of ${flowsText(unknown)} is unknown${reasons.length > 0 ? `: ${reasons.join('; ')}` : ': their ingress was not known'}.`,
  ];
}

function windowsText(counts: readonly LedgerCount[]): string {
  const windows = [...new Set(counts.map((count) => count.window.index))];
  return windows.length === 1 ? `window ${String(windows[0])}` : `windows ${listText(windows.map(String))}`;
}

function sightRemarks({ facts, nextHops }: Evidence): string[] {
  const remarks = facts.nextHops
    .filter((event) => event.type === 'observer.blind')
    .map((blind) => {
      const untilT = sightAgainT(blind, facts);
      const until = untilT === null ? '' : `, and saw again at ${lengthText(untilT)}`;
      return `The observer ${blind.observer} lost sight at ${lengthText(blind.t)}${until}: ${blind.reason}.`;
    });
  if (nextHops.observed.length === 0 && nextHops.inferred.length > 0) {
    remarks.push('Nobody observed the router: next-hop sets are inferred from fresh dials and from flows that moved.');
  }
  return remarks;
}

/** When a blind observer told something again; null where that is not known. */
function sightAgainT(blind: EventOf<'observer.blind'>, { nextHops, cluster }: RunFacts): number | null {
  const isAgain = (event: { t: number; from: string; observer: string }) =>
    event.t > blind.t && event.from === blind.from && event.observer === blind.observer;
  const setT = nextHops.find((event) => event.type === 'next-hops' && isAgain(event))?.t;
  const clusterT = cluster.blind.find(({ fromT }) => fromT === blind.t)?.untilT;
  const t = setT ?? clusterT ?? Infinity;
  return Number.isFinite(t) ? t : null;
}

function backendRemarks({ counts }: Evidence): string[] {
  const rebacked = total(counts, (count) => count.rebacked);
  return rebacked === 0 ? [] : [`${flowsText(rebacked)} lived on while another backend, or a restarted one, took over the answers.`];
}
