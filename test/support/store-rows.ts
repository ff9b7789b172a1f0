// Rows of the history store, for tests that care about a few of their columns.
import type { Insertable } from 'kysely';
import type { Finding } from '../../src/core/finding.ts';
import type { WindowReport } from '../../src/core/report-format.ts';
import type { Tables } from '../../src/service/store/tables.ts';

type Row<Table extends keyof Tables> = Insertable<Tables[Table]>;

export function aRunRow(id: string, fields: Partial<Row<'runs'>> = {}): Row<'runs'> {
  return {
    ...{ id, scenario: 'bgp-session-drop', environment: 'three-nodes', seed: 7, trigger: 'schedule nightly', overlap: 'wait' },
    ...{ state: 'queued', due_ms: 0, created_ms: 0, started_ms: null, ended_ms: null, verdict: null, summary: null, folder: null },
    ...{ runner_pid: null, runner_start_ticks: null, cancel_requested: 0, attempt: 0, figures: null, comparison: null, is_told: 0 },
    annotations: '[]',
    ...fields,
  };
}

type FindingFields = Partial<Omit<Finding, 'windows'>> & { windows?: number };

/** A finding `id` with so many windows of cause `observed`. */
export function aFindingRow(id: string, { windows = 1, ...fields }: FindingFields = {}): Row<'findings'> {
  const finding: Finding = {
    ...{ id, monitor: 'web-all-day', environment: 'three-nodes', vip: 'web', kind: 'next-hops-changed', subject: 'n2', state: 'open' },
    ...{ isProvisional: true, severity: 'page', sentence: 'n2 left the next-hop set', details: [], vantages: ['v1'], brokenByCause: {} },
    ...{ openedMs: 0, updatedMs: 0, resolvedMs: null, windows: Array.from({ length: windows }, () => aWindow()) },
    ...fields,
  };
  const { monitor, environment, kind, state, openedMs, updatedMs } = finding;
  const columns = { id, monitor, environment, kind, state, opened_ms: openedMs, updated_ms: updatedMs, told_ms: null };
  return { ...columns, json: JSON.stringify(finding) };
}

export function anAgentRow(fields: Partial<Row<'agents'>> = {}): Row<'agents'> {
  const row = { name: 'agent-v1', environment: 'three-nodes', vantage: 'v1', serial: 0, last_seen_ms: null, state: null };
  return { ...row, ...fields };
}

export function aDeliveryRow(id: string, fields: Partial<Row<'deliveries'>> = {}): Row<'deliveries'> {
  return {
    ...{ id, seq: 0, notification_id: id, alert: 'a1', destination: 'sink', body: '{}', state: 'pending', attempts: 0, waited_ms: 0 },
    ...{ next_attempt_ms: 0, last_error: null, created_ms: 0, released_ms: null, delivered_ms: null, folded_into: null },
    ...fields,
  };
}

export function anAlertRow(id: string, fields: Partial<Row<'alerts'>> = {}): Row<'alerts'> {
  return {
    ...{ id, rule: 'all', group_key: 'web', kind: 'vip-down', state: 'open', severity: 'page', sentence: '', environment: 'three-nodes' },
    ...{ findings: '[]', maintenance: null, opened_ms: 0, updated_ms: 0, resolved_ms: null, tell_at_ms: null, turn: 0, told: '' },
    ...{ told_ms: null, flaps: 0, quiet_ms: null },
    ...fields,
  };
}

function aWindow(): WindowReport {
  return { fromT: 0, untilT: 1, eventCause: 'observed', phase: 'baseline', description: '', nextHops: [], ledgers: [] };
}
