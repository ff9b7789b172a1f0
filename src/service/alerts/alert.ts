// An alert: what one rule tells about the findings of one group, from the first to the end of the last. Pure.
import type { Finding, FindingKind, Severity } from '../../core/finding.ts';
import { SEVERITIES } from '../../core/finding.ts';

/** A finding as an alert keeps it: the API has its windows. */
export type BriefFinding = Omit<Finding, 'windows'>;

/** `nodes`: those that it is about, which a maintenance period must name to cover it. */
export type Member = { finding: BriefFinding; nodes: readonly string[] };

/** Never changed in place: whoever decides makes the next one. Instants are Unix ms of a clock that does not step. */
export type Alert = {
  id: string;
  rule: string;
  group: string;
  environment: string;
  /** Of the finding that it opened with. */
  kind: FindingKind;
  /** `waiting`: it gathers, nobody was told yet. */
  state: 'waiting' | 'open' | 'resolved';
  severity: Severity;
  sentence: string;
  maintenance: string | null;
  openedMs: number;
  updatedMs: number;
  resolvedMs: number | null;
  /** When its next notification is due; null: nothing to tell. */
  tellAtMs: number | null;
  /** Notifications so far. */
  turn: number;
  told: string;
  toldMs: number | null;
  flaps: number;
  quietMs: number | null;
  members: ReadonlyMap<string, Member>;
};

export function isAllResolved(alert: Alert): boolean {
  return [...alert.members.values()].every(({ finding }) => finding.state === 'resolved');
}

/** The finding that speaks for the alert: an open one before a resolved one, the severest, the first. */
export function leadOf(members: Iterable<Member>): BriefFinding {
  const [lead] = [...members].map(({ finding }) => finding).sort(byImportance);
  if (!lead) throw new Error('an alert without a finding');
  return lead;
}

export function byImportance(a: BriefFinding, b: BriefFinding): number {
  return (
    Number(a.state === 'resolved') - Number(b.state === 'resolved') ||
    severityRank(b.severity) - severityRank(a.severity) ||
    a.openedMs - b.openedMs ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  );
}

export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** The severest of what is open; once nothing is, of all. */
export function severityOf(members: ReadonlyMap<string, Member>): Severity {
  const all = [...members.values()].map(({ finding }) => finding);
  const open = all.filter(({ state }) => state === 'open');
  const [worst] = (open.length > 0 ? open : all).map(({ severity }) => severity).sort((a, b) => severityRank(b) - severityRank(a));
  return worst ?? 'info';
}

export function sentenceOf(members: ReadonlyMap<string, Member>): string {
  const { sentence } = leadOf(members.values());
  const others = members.size - 1;
  return others === 0 ? sentence : `${sentence} (and ${String(others)} more finding${others === 1 ? '' : 's'})`;
}

/**
 * What a reader would notice, in short: two alerts with the same one need no second notification.
 * Figures that still grow are left out; once complete, the sentence counts.
 */
export function fingerprintOf({ members, maintenance }: Pick<Alert, 'members' | 'maintenance'>): string {
  const parts = [...members.values()].map(({ finding: { id, state, severity, isProvisional, sentence } }) => [
    id,
    state,
    severity,
    isProvisional ? null : sentence,
  ]);
  return JSON.stringify([maintenance, ...parts.sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1))]);
}
