// Whether a rule wants a finding, and with which others it is told. Pure.
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { RunEnded } from '../../core/notification.ts';
import type { RuleSpec } from '../../core/service-file.ts';
import { severityRank } from './alert.ts';

/** About a prober or an agent: it alone can say so, and no VIP is to blame. */
const OF_AGENTS: readonly FindingKind[] = ['agent-ill', 'agent-silent'];

export function wantsFinding(rule: RuleSpec, finding: Finding): boolean {
  return (
    (rule.findings === 'all' || rule.findings.includes(finding.kind)) &&
    severityRank(finding.severity) >= severityRank(rule.minSeverity) &&
    isAmong(rule.environments, finding.environment) &&
    (isKnownByOne(finding) || finding.vantages.length >= rule.vantagesAgree)
  );
}

export function wantsRun(rule: RuleSpec, run: RunEnded): boolean {
  return rule.verdicts.includes(run.verdict) && isAmong(rule.environments, run.environment);
}

/** Findings with the same key are told in one alert. What is about no VIP is grouped by its subject. */
export function groupKey(rule: RuleSpec, finding: Finding): string {
  const { environment, vip, kind, subject, id } = finding;
  switch (rule.group) {
    case 'environment':
      return `environment ${environment}`;
    case 'vip':
      return vip === null || OF_AGENTS.includes(kind) ? `subject ${environment} ${subject}` : `vip ${environment} ${vip}`;
    case 'finding':
      return `finding ${id}`;
  }
}

/** Nodes that a finding is about: the one it names, else those that left or joined a next-hop set. */
export function nodesOf(finding: Finding, nodeOf: (environment: string, text: string) => string | null): string[] {
  const named = nodeOf(finding.environment, finding.subject);
  if (named !== null) return [named];
  const changed = finding.windows.flatMap(({ nextHops }) =>
    nextHops.flatMap(({ before, after }) => [
      ...before.filter((hop) => !after.includes(hop)),
      ...after.filter((hop) => !before.includes(hop)),
    ]),
  );
  return [...new Set(changed)].sort();
}

/** The control plane's own word needs no second witness, nor does what contradicts it, nor an agent's word about itself. */
function isKnownByOne({ kind, windows }: Finding): boolean {
  if (OF_AGENTS.includes(kind) || kind === 'bgp-session-down' || kind === 'path-not-as-intended') return true;
  return kind === 'next-hops-changed' && windows.some(({ nextHops }) => nextHops.some(({ from }) => from === 'observer'));
}

function isAmong(environments: RuleSpec['environments'], environment: string): boolean {
  return environments === 'all' || environments.includes(environment);
}
