// The answer first, in one sentence that a tired person understands at 3 a.m.
import type { Attribution } from './cluster/attribution.ts';
import { causeShares } from './cluster/cause-shares.ts';
import { brokenForSure, inDoubtOf, type LedgerCount, total } from './ledgers.ts';
import { isVipTarget, type RunFacts } from './run-facts.ts';
import type { Restoration } from './restoration.ts';
import { isSameSet } from './set-history.ts';
import { countText, flowsText, lengthText, listText } from './wording.ts';

export type SummaryInput = {
  facts: RunFacts;
  counts: readonly LedgerCount[];
  /** One a window; none where no cluster was watched. */
  attributions: readonly Attribution[];
  restorations: readonly Restoration[];
  /** Of `errorsOf`; the sentence then begins with them. */
  errors: readonly string[];
};

export function summaryOf({ errors, ...input }: SummaryInput): string {
  const { facts } = input;
  const story = storyOf(input);
  const sentence = [...errors, ...(story ? [story] : [])].join('; ');
  // A node's name keeps its spelling, even where a sentence begins.
  return `${facts.faults.some((fault) => sentence.startsWith(fault.target)) ? sentence : upperFirst(sentence)}.`;
}

function storyOf({ facts, counts, attributions, restorations }: Omit<SummaryInput, 'errors'>): string {
  if (facts.started === null) return '';
  if (facts.flows.length === 0) return 'no flow was opened';
  const begun = facts.faults.filter((fault) => fault.intentT !== null);
  const faultIn = counts.filter((count) => count.window.cause === 'fault-in');
  const [fault] = begun;
  if (!fault || faultIn.length === 0) {
    const watched = counts.filter((count) => count.window.cause === 'baseline');
    const lengthMs = Math.max(0, facts.endT - facts.timelineT);
    return `nothing was broken on purpose: ${brokenText(watched)} in ${lengthText(lengthMs)}${causesText(attributions, 'baseline')}${observedText(counts, attributions)}${doubtText(counts)}`;
  }
  const targets = [...new Set(begun.map((each) => each.target))];
  const what = begun.length === 1 ? fault.headline : `${String(begun.length)} faults hit ${listText(targets)}`;
  const clauses = [
    `${what}: ${brokenText(faultIn)}${whereText(faultIn, facts)}${podsText(faultIn)}`,
    ...returnClause(
      counts,
      `${begun.length === 1 ? 'its' : 'their'} ${targets.some((target) => isVipTarget(facts, target)) ? 'end' : 'return'}`,
    ),
    ...restoredClause(faultIn, restorations, begun.length === 1 ? 'the fault' : 'the last fault'),
  ];
  return `${clauses.join('; ')}${observedText(counts, attributions)}${doubtText(counts)}`;
}

/** `341 of 1,024 TCP flows broke`; protocols in which nothing broke are left out, unless nothing broke at all. */
function brokenText(counts: readonly LedgerCount[]): string {
  const protocols = Map.groupBy(counts, (count) => count.scope.protocol);
  const sums = [...protocols].map(([protocol, of]) => ({
    name: protocol.toUpperCase(),
    broken: total(of, brokenForSure),
    population: total(of, (count) => count.population),
  }));
  const hurt = sums.filter((each) => each.broken > 0);
  if (hurt.length === 0) {
    const none = `none of ${listText(sums.map(({ name, population }) => `${countText(population)} ${name}`))} ${nounOf(sums)}`;
    return total(counts, inDoubtOf) > 0 ? `${none} is known to have broken` : `${none} broke`;
  }
  const parts = hurt.map(({ name, broken, population }) => `${countText(broken)} of ${countText(population)} ${name}`);
  return `${listText(parts)} ${nounOf(hurt)} broke`;
}

function nounOf(sums: readonly { population: number }[]): string {
  return sums.length === 1 && sums[0]?.population === 1 ? 'flow' : 'flows';
}

/** By the node that each had come in by, against the node that its window's fault was aimed at; of a VIP by the VIP. */
function whereText(counts: readonly LedgerCount[], facts: RunFacts): string {
  const broken = total(counts, brokenForSure);
  if (broken === 0) return '';
  if (counts.every(({ window }) => isVipTarget(facts, window.fault?.target ?? ''))) {
    const ofTarget = total(counts, (count) => (count.scope.vip === count.window.fault?.target ? brokenForSure(count) : 0));
    const vips = listText([...new Set(counts.map((count) => count.window.fault?.target ?? ''))]);
    return ofTarget === broken
      ? `, all of them of ${vips}`
      : `, ${countText(ofTarget)} of ${vips} and ${countText(broken - ofTarget)} of other VIPs`;
  }
  const targets = listText([...new Set(counts.map((count) => count.window.fault?.target ?? ''))]);
  const brokenOn = (node: string | null, { byIngress }: LedgerCount) => brokenForSure(byIngress.get(node) ?? { broken: 0, inDoubt: 0 });
  const onTarget = total(counts, (count) => brokenOn(count.window.fault?.target ?? '', count));
  if (onTarget === broken) return `, all of them on ${targets}`;
  const nowhere = total(counts, (count) => brokenOn(null, count));
  if (onTarget + nowhere === 0) return ', all of them on other nodes';
  const parts = [`${countText(onTarget)} on ${targets}`, `${countText(broken - onTarget - nowhere)} on other nodes`];
  if (nowhere > 0) parts.push(`${countText(nowhere)} on nobody knows which`);
  return `, ${listText(parts)}`;
}

function returnClause(counts: readonly LedgerCount[], subject: string): string[] {
  const broken = total(
    counts.filter((count) => count.window.cause === 'fault-out'),
    brokenForSure,
  );
  return broken > 0 ? [`${countText(broken)} more broke after ${subject}`] : [];
}

/** @param counts of the windows that faults opened: where they left everything as it was, nothing had to become whole again */
function restoredClause(counts: readonly LedgerCount[], restorations: readonly Restoration[], what: string): string[] {
  if (restorations.some((each) => each.kind === 'not-restored')) return ['paths were not whole again when the run ended'];
  const took = restorations.filter((each) => each.kind === 'restored').map((each) => each.tookMs);
  if (took.length === 0 || took.length < restorations.length) return [];
  const wasHurt = ({ broken, before, after }: LedgerCount) => broken > 0 || before.nodes === null || !isSameSet(before.nodes, after.nodes);
  if (!counts.some(wasHurt)) return [];
  return [`paths were whole again ${lengthText(Math.max(...took))} after ${what} ended`];
}

/** Whom no router could have spared. */
function podsText(counts: readonly LedgerCount[]): string {
  const flows = total(counts, (count) => count.podEnded.flows);
  return flows === 0 ? '' : `, ${flows === total(counts, brokenForSure) ? 'all' : countText(flows)} because their pod ended`;
}

/** What broke flows in windows of that cause, as far as the cluster tells: `: rollout of web 290, unexplained 10`. */
function causesText(attributions: readonly Attribution[], cause: Attribution['window']['cause']): string {
  const shares = causeShares(
    attributions.filter((attribution) => attribution.window.cause === cause),
    (_, isInDoubt) => !isInDoubt,
  );
  return shares.length === 0 ? '' : ` (${shares.map(({ what, flows }) => `${what}: ${countText(flows)}`).join('; ')})`;
}

function observedText(counts: readonly LedgerCount[], attributions: readonly Attribution[]): string {
  const broken = total(
    counts.filter((count) => count.window.cause === 'observed'),
    brokenForSure,
  );
  return broken > 0 ? `; ${flowsText(broken)} broke when a next-hop set changed by itself${causesText(attributions, 'observed')}` : '';
}

/** What an ill prober took for broken, or may have missed, is neither counted above nor called whole. */
function doubtText(counts: readonly LedgerCount[]): string {
  const flows = total(counts, inDoubtOf);
  return flows > 0 ? `; whether ${countText(flows)} of the flows broke is not known: the prober was ill` : '';
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
