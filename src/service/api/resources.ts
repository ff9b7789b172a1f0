// Rows of the store as the API's resources.
import type { Selectable } from 'kysely';
import type { AgentState } from '../../core/agent-messages.ts';
import type { AgentResource, AlertResource, DeliveryResource, EnvironmentResource, RunResource } from '../../core/api.ts';
import { agentQueueName } from '../../core/agent-messages.ts';
import type { Environment } from '../../core/environment.ts';
import type { Finding } from '../../core/finding.ts';
import type { Notification } from '../../core/notification.ts';
import type { Verdict } from '../../core/report-format.ts';
import type { QueueHealth } from '../parts.ts';
import type { Tables } from '../store/tables.ts';

type Row<Table extends keyof Tables> = Selectable<Tables[Table]>;

/** Agents say something every 2 s. */
const SILENT_MS = 10_000;

/** @param isWhole with its windows; lists leave them out, since each may hold hundreds of ledgers */
export function findingOf({ json }: Pick<Row<'findings'>, 'json'>, isWhole: boolean): Finding {
  const finding = JSON.parse(json) as Finding;
  return isWhole ? finding : { ...finding, windows: [] };
}

export function runOf(row: Row<'runs'>): RunResource {
  return {
    ...{ id: row.id, scenario: row.scenario, environment: row.environment, seed: row.seed, trigger: row.trigger, state: row.state },
    ...{ dueMs: row.due_ms, startedMs: row.started_ms, endedMs: row.ended_ms, summary: row.summary },
    verdict: row.verdict as Verdict | null,
    comparison: row.comparison === null ? null : (JSON.parse(row.comparison) as string[]),
    isCancelRequested: row.cancel_requested === 1,
    annotations: JSON.parse(row.annotations) as RunResource['annotations'],
  };
}

export function alertOf(row: Row<'alerts'>): AlertResource {
  return {
    ...{ id: row.id, rule: row.rule, state: row.state, sentence: row.sentence, environment: row.environment },
    severity: row.severity as AlertResource['severity'],
    findings: JSON.parse(row.findings) as string[],
    ...{ maintenance: row.maintenance, openedMs: row.opened_ms, updatedMs: row.updated_ms, resolvedMs: row.resolved_ms },
  };
}

export function deliveryOf(row: Row<'deliveries'>): DeliveryResource {
  const { type, sentence } = JSON.parse(row.body) as Notification;
  return {
    ...{ id: row.id, alert: row.alert, destination: row.destination, type, sentence, state: row.state, attempts: row.attempts },
    nextAttemptMs: row.state === 'pending' ? row.next_attempt_ms : null,
    ...{ lastError: row.last_error, createdMs: row.created_ms, deliveredMs: row.delivered_ms },
  };
}

export function agentOf(row: Row<'agents'>, queues: QueueHealth, nowMs: number): AgentResource {
  const state = row.state === null ? null : (JSON.parse(row.state) as AgentState);
  const canary = queues.canaryAges().find(({ queue }) => queue === agentQueueName(row.name));
  return {
    ...{ name: row.name, environment: row.environment, vantage: row.vantage, version: state?.version ?? null },
    ...{ lastSeenMs: row.last_seen_ms, isSilent: row.last_seen_ms === null || nowMs - row.last_seen_ms > SILENT_MS },
    clock: state?.clock ?? null,
    ...{ serial: row.serial, takenSerial: state?.serial ?? null },
    ...{ spoolBytes: state?.spoolBytes ?? null, droppedEvents: state?.droppedEvents ?? null, canaryAgeMs: canary?.ageMs ?? null },
  };
}

export function environmentOf(environment: Environment): EnvironmentResource {
  return {
    ...{ name: environment.name, title: environment.title, isLab: environment.lab !== null },
    vantages: environment.vantages.map(({ name }) => name),
    vips: environment.vips.map(({ name, address, port, policy }) => ({ name, address, port, policy })),
    nodes: environment.nodes.map(({ name, addresses }) => ({ name, addresses })),
    hasKeeper: environment.keeperSocket !== null,
    observers: environment.observers,
  };
}
