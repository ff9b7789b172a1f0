// What a turn of an alert, the end of a run and a sample say to a destination. Pure.
import { createHash } from 'node:crypto';
import type { Severity } from '../../core/finding.ts';
import { type Notification, NOTIFICATION_SCHEMA, type RunEnded } from '../../core/notification.ts';
import type { RuleSpec } from '../../core/service-file.ts';
import { formatDurationMs } from '../../core/units.ts';
import { type Alert, byImportance } from './alert.ts';
import { type Turn, vipOf } from './decide.ts';

const MAX_FINDINGS = 50;

/** The id says which turn of which alert: another attempt, or another life of the service, gives the same. */
export function turnNotification({ type, alert, atMs }: Turn): Notification {
  return { ...alertNotification(alert, type, atMs), id: `${alert.id}-${String(alert.turn)}` };
}

/** An alert as it is, for receivers that are told again and again. */
export function alertNotification(alert: Alert, type: Turn['type'], atMs: number): Notification {
  const findings = [...alert.members.values()].map(({ finding }) => finding).sort(byImportance);
  return {
    ...about(alert.id, type, atMs),
    rule: alert.rule,
    severity: alert.severity,
    kind: alert.kind,
    sentence: type === 'alert.resolved' ? resolvedSentence(alert) : alert.sentence,
    environment: alert.environment,
    vip: vipOf(alert),
    openedMs: alert.openedMs,
    maintenance: alert.maintenance,
    findings: findings.slice(0, MAX_FINDINGS),
    moreFindings: Math.max(0, findings.length - MAX_FINDINGS),
  };
}

export function runNotification(
  rule: RuleSpec,
  run: RunEnded,
  { atMs, maintenance }: { atMs: number; maintenance: string | null },
): Notification {
  const alert = createHash('sha256')
    .update(JSON.stringify(['run', rule.name, run.runId]))
    .digest('hex')
    .slice(0, 20);
  return {
    ...about(alert, 'run.ended', atMs),
    rule: rule.name,
    severity: SEVERITY_OF[run.verdict],
    sentence: `${run.scenario} on ${run.environment}: ${run.verdict}. ${run.summary}`,
    environment: run.environment,
    openedMs: run.startedMs,
    maintenance,
    run,
  };
}

/** @param unique tells this sample from every other one */
export function testNotification(destination: string, unique: string, atMs: number): Notification {
  return {
    ...about(`test-${unique}`, 'test', atMs),
    rule: 'test',
    sentence: `A sample for ${destination}: if you read this, notifications arrive. Nothing is wrong.`,
    openedMs: atMs,
  };
}

const SEVERITY_OF: Record<RunEnded['verdict'], Severity> = { held: 'info', inconclusive: 'warn', deviated: 'warn', errored: 'warn' };

function about(alert: string, type: Notification['type'], atMs: number): Notification {
  return {
    schema: NOTIFICATION_SCHEMA,
    id: `${alert}-1`,
    type,
    atMs,
    rule: '',
    severity: 'info',
    alert,
    kind: null,
    sentence: '',
    environment: '',
    vip: null,
    openedMs: atMs,
    maintenance: null,
    findings: [],
    moreFindings: 0,
    run: null,
    heldBack: 0,
    held: [],
  };
}

function resolvedSentence({ sentence, openedMs, quietMs, resolvedMs, updatedMs }: Alert): string {
  const forMs = Math.max(0, (quietMs ?? resolvedMs ?? updatedMs) - openedMs);
  return `Resolved after ${formatDurationMs(Math.round(forMs / 1_000) * 1_000)}: ${sentence}`;
}
