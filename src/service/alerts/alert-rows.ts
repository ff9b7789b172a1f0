// Alerts in the store: a row an alert, a row a finding of it.
import type { Selectable } from 'kysely';
import type { FindingKind, Severity } from '../../core/finding.ts';
import type { Store } from '../store/open-store.ts';
import type { Tables } from '../store/tables.ts';
import type { Alert, Member } from './alert.ts';
import { FLAP_MS } from './decide.ts';

/** Bound by SQLite's number of parameters a statement. */
const ROWS_A_STATEMENT = 400;
/** Of a wait that another life of the service planned, whose clock may have been another. */
const LONGEST_WAIT_MS = 600_000;

/** Alerts that may still go on. */
export async function readLiveAlerts(store: Store, nowMs: number): Promise<Alert[]> {
  const rows = await store
    .selectFrom('alerts')
    .selectAll()
    .where((row) => row.or([row('state', '!=', 'resolved'), row('resolved_ms', '>', nowMs - FLAP_MS)]))
    .orderBy('opened_ms')
    .execute();
  const alerts: Alert[] = [];
  for (const row of rows) alerts.push(alertOf(row, await readMembers(store, row), nowMs));
  return alerts;
}

/** Ends alerts of rules that are not among `rules`: nobody hears of their findings any more. */
export async function endAlertsOfOtherRules(store: Store, rules: readonly string[], nowMs: number): Promise<void> {
  const update = store
    .updateTable('alerts')
    .set({ state: 'resolved', resolved_ms: nowMs, tell_at_ms: null })
    .where('state', '!=', 'resolved');
  await (rules.length === 0 ? update : update.where('rule', 'not in', rules)).execute();
}

/** Which alerts had a finding, and in which state last. */
export async function readPast(store: Store, finding: string): Promise<{ rule: string; updatedMs: number }[]> {
  return store
    .selectFrom('alert_findings')
    .innerJoin('alerts', 'alerts.id', 'alert_findings.alert')
    .select(['alerts.rule', 'alert_findings.updated_ms as updatedMs'])
    .where('finding', '=', finding)
    .execute();
}

/** Writes what is new in `alert` against `before`, which the store has. */
export async function writeAlert(transaction: Store, alert: Alert, before: Alert | undefined): Promise<void> {
  const row = rowOf(alert);
  const { id: _, ...change } = row;
  await transaction
    .insertInto('alerts')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(change))
    .execute();
  const news = [...alert.members].filter(([id, member]) => before?.members.get(id) !== member);
  for (let from = 0; from < news.length; from += ROWS_A_STATEMENT) {
    const rows = news.slice(from, from + ROWS_A_STATEMENT).map(([finding, member]) => memberRow(alert.id, finding, member));
    await transaction
      .insertInto('alert_findings')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['alert', 'finding']).doUpdateSet((row) => ({
          state: row.ref('excluded.state'),
          updated_ms: row.ref('excluded.updated_ms'),
          json: row.ref('excluded.json'),
        })),
      )
      .execute();
  }
}

/** Only what was among its findings when it was last told: of an alert that came back, not those of the time before. */
async function readMembers(store: Store, { id, findings }: Selectable<Tables['alerts']>): Promise<Map<string, Member>> {
  const rows = await store.selectFrom('alert_findings').select(['finding', 'json']).where('alert', '=', id).execute();
  const current = new Set(JSON.parse(findings) as string[]);
  return new Map(rows.filter(({ finding }) => current.has(finding)).map(({ finding, json }) => [finding, JSON.parse(json) as Member]));
}

function memberRow(alert: string, finding: string, member: Member) {
  return { alert, finding, state: member.finding.state, updated_ms: member.finding.updatedMs, json: JSON.stringify(member) };
}

function rowOf(alert: Alert): Selectable<Tables['alerts']> {
  return {
    id: alert.id,
    rule: alert.rule,
    group_key: alert.group,
    kind: alert.kind,
    state: alert.state,
    severity: alert.severity,
    sentence: alert.sentence,
    environment: alert.environment,
    findings: JSON.stringify([...alert.members.keys()]),
    maintenance: alert.maintenance,
    opened_ms: alert.openedMs,
    updated_ms: alert.updatedMs,
    resolved_ms: alert.resolvedMs,
    tell_at_ms: alert.tellAtMs,
    turn: alert.turn,
    told: alert.told,
    told_ms: alert.toldMs,
    flaps: alert.flaps,
    quiet_ms: alert.quietMs,
  };
}

function alertOf(row: Selectable<Tables['alerts']>, members: ReadonlyMap<string, Member>, nowMs: number): Alert {
  const past = (ms: number | null) => (ms === null ? null : Math.min(ms, nowMs));
  return {
    id: row.id,
    rule: row.rule,
    group: row.group_key,
    environment: row.environment,
    kind: row.kind as FindingKind,
    state: row.state,
    severity: row.severity as Severity,
    sentence: row.sentence,
    maintenance: row.maintenance,
    openedMs: row.opened_ms,
    updatedMs: row.updated_ms,
    resolvedMs: past(row.resolved_ms),
    tellAtMs: row.tell_at_ms === null ? null : Math.min(row.tell_at_ms, nowMs + LONGEST_WAIT_MS),
    turn: row.turn,
    told: row.told,
    toldMs: past(row.told_ms),
    flaps: row.flaps,
    quietMs: past(row.quiet_ms),
    members,
  };
}
