// The store's schema from its first version on. A migration that was released is never edited: the next one is added.
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** In order of their names. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first': { up: first },
  '0002-keepers': { up: keepers },
};

// Kysely hands a migration a database of unknown tables: it must not depend on what the tables look like today.
async function keepers({ schema }: Kysely<unknown>): Promise<void> {
  await schema.alterTable('tokens').addColumn('keeper', 'text').execute();
}

async function first(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('agent', 'text')
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('last_used_ms', 'bigint')
    .addColumn('revoked_ms', 'bigint')
    .execute();
  await schema
    .createTable('browser_sessions')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('token_id', 'text', (column) => column.notNull())
    .addColumn('csrf', 'text', (column) => column.notNull())
    .addColumn('expires_ms', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('monitors')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('spec', 'text', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('paused', 'integer', (column) => column.notNull())
    .addColumn('session', 'text', (column) => column.notNull())
    .addColumn('t0_mono_ms', 'double precision', (column) => column.notNull())
    .addColumn('t0_wall_ms', 'double precision', (column) => column.notNull())
    .addColumn('machine_boot', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('agents')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('vantage', 'text', (column) => column.notNull())
    .addColumn('serial', 'integer', (column) => column.notNull())
    .addColumn('last_seen_ms', 'bigint')
    .addColumn('state', 'text')
    .execute();
  await schema
    .createTable('findings')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('monitor', 'text', (column) => column.notNull())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('opened_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .addColumn('told_ms', 'bigint')
    .addColumn('json', 'text', (column) => column.notNull())
    .execute();
  await schema.createIndex('findings_by_opening').on('findings').columns(['opened_ms', 'id']).execute();
  await schema.createIndex('findings_by_state').on('findings').columns(['state', 'monitor']).execute();
  await schema
    .createTable('schedules')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('spec', 'text', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('last_tick_ms', 'bigint')
    .addColumn('handled_until_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('periods')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('spec', 'text', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('from_ms', 'bigint', (column) => column.notNull())
    .addColumn('until_ms', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('runs')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('scenario', 'text', (column) => column.notNull())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('seed', 'bigint', (column) => column.notNull())
    .addColumn('trigger', 'text', (column) => column.notNull())
    .addColumn('overlap', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('due_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('started_ms', 'bigint')
    .addColumn('ended_ms', 'bigint')
    .addColumn('verdict', 'text')
    .addColumn('summary', 'text')
    .addColumn('folder', 'text')
    .addColumn('runner_pid', 'integer')
    .addColumn('runner_start_ticks', 'text')
    .addColumn('cancel_requested', 'integer', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('figures', 'text')
    .addColumn('comparison', 'text')
    .addColumn('is_told', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('annotations', 'text', (column) => column.notNull())
    .execute();
  await schema.createIndex('runs_by_due').on('runs').columns(['due_ms', 'id']).execute();
  await schema.createIndex('runs_by_state').on('runs').columns(['state', 'environment']).execute();
  await schema
    .createTable('hook_calls')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('hook', 'text', (column) => column.notNull())
    .addColumn('received_ms', 'bigint', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('why', 'text', (column) => column.notNull())
    .addColumn('run_id', 'text')
    .execute();
  await schema
    .createTable('alerts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('rule', 'text', (column) => column.notNull())
    .addColumn('group_key', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('severity', 'text', (column) => column.notNull())
    .addColumn('sentence', 'text', (column) => column.notNull())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('findings', 'text', (column) => column.notNull())
    .addColumn('maintenance', 'text')
    .addColumn('opened_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .addColumn('resolved_ms', 'bigint')
    .addColumn('tell_at_ms', 'bigint')
    .addColumn('turn', 'integer', (column) => column.notNull())
    .addColumn('told', 'text', (column) => column.notNull())
    .addColumn('told_ms', 'bigint')
    .addColumn('flaps', 'integer', (column) => column.notNull())
    .addColumn('quiet_ms', 'bigint')
    .execute();
  await schema
    .createTable('alert_findings')
    .addColumn('alert', 'text', (column) => column.notNull())
    .addColumn('finding', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .addColumn('json', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('alert_findings_pk', ['alert', 'finding'])
    .execute();
  await schema.createIndex('alert_findings_by_finding').on('alert_findings').columns(['finding']).execute();
  await schema.createIndex('alerts_by_state').on('alerts').columns(['state', 'rule', 'group_key']).execute();
  await schema
    .createTable('deliveries')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('notification_id', 'text', (column) => column.notNull())
    .addColumn('alert', 'text', (column) => column.notNull())
    .addColumn('destination', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('waited_ms', 'bigint', (column) => column.notNull())
    .addColumn('next_attempt_ms', 'bigint', (column) => column.notNull())
    .addColumn('last_error', 'text')
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('released_ms', 'bigint')
    .addColumn('delivered_ms', 'bigint')
    .addColumn('folded_into', 'text')
    .execute();
  await schema.createIndex('deliveries_due').on('deliveries').columns(['state', 'next_attempt_ms']).execute();
  await schema.createIndex('deliveries_by_seq').on('deliveries').columns(['seq']).execute();
  await schema
    .createTable('events')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('topic', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .execute();
}
