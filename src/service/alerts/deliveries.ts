// The outbox's rows: one notification to one destination, from the moment it is decided to its end.
import type { Insertable, Selectable } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { Notification } from '../../core/notification.ts';
import type { Store } from '../store/open-store.ts';
import type { Tables } from '../store/tables.ts';
import type { Entry } from './lanes.ts';

/** Bound by SQLite's number of parameters a statement. */
const ROWS_A_STATEMENT = 400;

type DeliveryRow = Selectable<Tables['deliveries']>;

export function deliveryId(notification: Notification, destination: string): string {
  return `${notification.id}:${destination}`;
}

/** Which of `ids` are there already: a notification is made once. */
export async function knownIds(store: Store, ids: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>();
  for (const some of chunksOf(ids)) {
    for (const { id } of await store.selectFrom('deliveries').select('id').where('id', 'in', some).execute()) known.add(id);
  }
  return known;
}

export async function insertDeliveries(store: Store, rows: readonly Insertable<Tables['deliveries']>[]): Promise<void> {
  for (const some of chunksOf(rows)) await store.insertInto('deliveries').values(some).execute();
}

export async function notificationOf(store: Store, id: string): Promise<Notification> {
  const { body } = await store.selectFrom('deliveries').select('body').where('id', '=', id).executeTakeFirstOrThrow();
  return JSON.parse(body) as Notification;
}

/** @throws AppError UNKNOWN_NAME */
export async function findDelivery(store: Store, id: string): Promise<DeliveryRow> {
  const row = await store.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirst();
  if (row) return row;
  throw new AppError('UNKNOWN_NAME', `there is no delivery ${id}`, { remedy: 'GET /api/v1/deliveries lists them' });
}

/** What is under way, in its order: `held` and `pending` ones. */
export async function unfinished(store: Store): Promise<DeliveryRow[]> {
  return store.selectFrom('deliveries').selectAll().where('state', 'in', ['held', 'pending']).orderBy('seq').execute();
}

/** When notifications were let go to `destination` since `sinceMs`, ascending. */
export async function releasesSince(store: Store, sinceMs: number): Promise<{ destination: string; released_ms: number | null }[]> {
  const query = store.selectFrom('deliveries').select(['destination', 'released_ms']).where('released_ms', '>', sinceMs);
  return query.orderBy('released_ms').execute();
}

export async function lastSeq(store: Store): Promise<number> {
  const row = await store.selectFrom('deliveries').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst();
  return row?.seq ?? 0;
}

/** All alerts that a notification speaks of. */
export function alertsOf({ alert, held }: Notification): string[] {
  return [...new Set([alert, ...held.map((each) => each.alert)])];
}

export function entryOf(row: DeliveryRow, dueMs: number): Entry {
  return {
    id: row.id,
    alerts: alertsOf(JSON.parse(row.body) as Notification),
    dueMs,
    attempts: row.attempts,
    waitedMs: row.waited_ms,
  };
}

function chunksOf<Item>(items: readonly Item[]): Item[][] {
  const chunks: Item[][] = [];
  for (let from = 0; from < items.length; from += ROWS_A_STATEMENT) chunks.push(items.slice(from, from + ROWS_A_STATEMENT));
  return chunks;
}
