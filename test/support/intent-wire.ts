// Journals of what a cluster intends and what flows see of it, and the comparison that is made of them.
import { intentWire, type IntentWire, type WireScope } from '../../src/analysis/intent-wire.ts';
import { indexJournal } from '../../src/analysis/run-facts.ts';
import type { Environment } from '../../src/core/environment.ts';
import type { JournalDraft } from './a-journal.ts';

export const ALL = ['n1', 'n2', 'n3'];
export const END = 20_000;
export const CONTEXT = { vip: 'web', service: 'default/web', metallbNamespace: 'metallb-system' };

/** What the cluster intends from `t` on: these nodes advertise, the others lack a local endpoint. */
export function intends(journal: JournalDraft, t: number, advertisers: readonly string[], reason = 'noLocalEndpoints'): JournalDraft {
  const nodes = ALL.map((node) => ({ node, advertises: advertisers.includes(node), reason: advertisers.includes(node) ? null : reason }));
  return journal.cluster(t, 'cluster.intent', { vip: 'web', nodes });
}

/** Fresh dials of every second from `fromT` to the end, so many by each node. */
export function dials(journal: JournalDraft, fromT: number, perSecond: Record<string, number>, vantage = 'v1'): JournalDraft {
  for (let bin = Math.ceil(fromT / 1_000); bin < END / 1_000; bin += 1) {
    for (const [path, ok] of Object.entries(perSecond)) journal.tally(bin, { vantage, path, ok, fresh: true });
  }
  return journal;
}

/** The comparison of the VIP web from 1 s to the end; `more` is what the environment says beside. */
export function wireOf(journal: JournalDraft, scope: Partial<WireScope> = {}, more: Partial<Environment> = {}): IntentWire {
  const facts = indexJournal(journal.end(END));
  return intentWire({ ...facts, environment: { ...facts.environment, ...more } }, { vip: 'web', ...scope }, { fromT: 1_000, untilT: END });
}

export const doubtsOf = ({ parts }: IntentWire) => parts.flatMap(({ doubts }) => doubts.map(({ text }) => text));
/** Each finding as `kind node by`. */
export const kinds = ({ parts }: IntentWire) =>
  parts.flatMap(({ findings }) => findings.map(({ kind, node, by }) => `${kind} ${node} ${by}`));
