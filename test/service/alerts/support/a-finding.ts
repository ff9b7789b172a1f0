// Findings, rules and periods as a service has them, with what a test cares about filled in.
import type { Finding } from '../../../../src/core/finding.ts';
import type { RunEnded } from '../../../../src/core/notification.ts';
import { periodSpec, type PeriodSpec, ruleSpec, type RuleSpec } from '../../../../src/core/service-file.ts';

export function aFinding(about: Partial<Finding> = {}): Finding {
  return {
    id: 'f1',
    monitor: 'all-day',
    environment: 'lab',
    vip: 'web',
    kind: 'vip-down',
    subject: 'web',
    state: 'open',
    isProvisional: false,
    severity: 'page',
    sentence: 'No path of web answers.',
    details: [],
    vantages: ['v1'],
    brokenByCause: {},
    openedMs: 1_000,
    updatedMs: 1_000,
    resolvedMs: null,
    windows: [],
    ...about,
  };
}

export function resolved(finding: Finding, atMs = finding.updatedMs + 1): Finding {
  return { ...finding, state: 'resolved', isProvisional: false, updatedMs: atMs, resolvedMs: atMs };
}

/** A finding whose next-hop set lost `nodes`. */
export function aSetChange(nodes: readonly string[], about: Partial<Finding> & { from?: 'observer' | 'flows' } = {}): Finding {
  const { from = 'observer', ...more } = about;
  const nextHops = [
    { router: 'tor', vip: 'web', before: ['n1', 'n2', 'n3'], after: ['n1', 'n2', 'n3'].filter((node) => !nodes.includes(node)), from },
  ];
  const window = {
    fromT: 0,
    untilT: 1,
    eventCause: 'observed' as const,
    phase: 'baseline' as const,
    description: '',
    nextHops,
    ledgers: [],
  };
  return aFinding({ kind: 'next-hops-changed', severity: 'warn', windows: [window], ...more });
}

export function aRule(about: Partial<RuleSpec> = {}): RuleSpec {
  return { ...ruleSpec.parse({ name: 'everything', destinations: ['sink'] }), ...about };
}

export function aPeriod(about: Partial<PeriodSpec> = {}): PeriodSpec {
  const period = { name: 'upgrade', kind: 'maintenance', from: '2026-11-22T20:00:00Z', until: '2026-11-22T22:00:00Z' };
  return { ...periodSpec.parse(period), ...about };
}

export function aRunEnded(about: Partial<RunEnded> = {}): RunEnded {
  return {
    runId: 'r1',
    scenario: 'bgp-session-drop',
    environment: 'lab',
    verdict: 'deviated',
    summary: '341 of 1,024 flows broke.',
    startedMs: 1_000,
    endedMs: 2_000,
    trigger: 'schedule nightly',
    ...about,
  };
}
