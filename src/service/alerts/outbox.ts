// The outbox: notifications written down with the decision that made them, let go under storm control, delivered at least once.
//
//   put (in the decision's transaction) -> held --fold--> pending -> delivered | dead
//                                      \--------------> pending -/
import { AppError } from '../../core/errors.ts';
import type { Notification } from '../../core/notification.ts';
import type { DestinationSpec } from '../../core/service-file.ts';
import type { Store } from '../store/open-store.ts';
import {
  alertsOf,
  deliveryId,
  entryOf,
  findDelivery,
  insertDeliveries,
  knownIds,
  lastSeq,
  notificationOf,
  releasesSince,
  unfinished,
} from './deliveries.ts';
import { Dispatcher, type DispatcherTools } from './dispatcher.ts';
import type { Destination } from '../notifiers/notifier.ts';
import { fold, lastMinute, mayFold, mayGo } from './storm-control.ts';

/** What a storm brings within this goes into its first summary, instead of waiting a minute for the second. */
const GATHER_MS = 3_000;
/** Of an attempt that was planned by another life of the service, whose clock may have been another. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

export type Wish = {
  notification: Notification;
  destination: string;
  /** Samples and what people send again: not counted, not held. */
  isUrgent?: boolean;
};

type Room = {
  perMinute: number;
  dispatcher: Dispatcher;
  releases: number[];
  held: { id: string; sinceMs: number }[];
};

export class Outbox {
  readonly #store: Store;
  readonly #tools: DispatcherTools;
  readonly #rooms: ReadonlyMap<string, Room>;
  #seq: number;

  private constructor(tools: DispatcherTools, rooms: ReadonlyMap<string, Room>, seq: number) {
    this.#store = tools.store;
    this.#tools = tools;
    this.#rooms = rooms;
    this.#seq = seq;
  }

  /** Finds what an earlier life of the service left. What is for a destination that is gone is dead, and says so. */
  static async open(destinations: readonly { spec: DestinationSpec; destination: Destination }[], tools: DispatcherTools): Promise<Outbox> {
    const rooms = new Map<string, Room>();
    for (const { spec, destination } of destinations) {
      const dispatcher = new Dispatcher(spec.name, destination, tools);
      rooms.set(spec.name, { perMinute: spec.perMinute, dispatcher, releases: [], held: [] });
    }
    const outbox = new Outbox(tools, rooms, await lastSeq(tools.store));
    await outbox.#load();
    return outbox;
  }

  /**
   * Writes notifications down; one that is there already is left as it is. To be called in a transaction.
   * @returns what is to be done once that is committed
   */
  async put(transaction: Store, wishes: readonly Wish[]): Promise<() => void> {
    const known = await knownIds(
      transaction,
      wishes.map(({ notification, destination }) => deliveryId(notification, destination)),
    );
    const nowMs = this.#tools.steadyMs();
    const loads = new Map([...this.#rooms].map(([name, room]) => [name, { releases: [...room.releases], held: room.held.length }]));
    const rows = wishes.flatMap((wish, index) => {
      const load = loads.get(wish.destination);
      const room = this.#rooms.get(wish.destination);
      const id = deliveryId(wish.notification, wish.destination);
      if (!load || !room || known.has(id)) return [];
      known.add(id);
      const isUrgent = wish.isUrgent === true;
      const isHeld = !isUrgent && !mayGo(load.releases, load.held, { perMinute: room.perMinute, nowMs });
      if (isHeld) load.held += 1;
      else if (!isUrgent) load.releases.push(nowMs);
      return [{ wish, room, isHeld, isUrgent, id, seq: this.#seq + index + 1 }];
    });
    await insertDeliveries(
      transaction,
      rows.map(({ wish, isHeld, isUrgent, id, seq }) => ({
        ...{ id, seq, notification_id: wish.notification.id, alert: wish.notification.alert, destination: wish.destination },
        ...{ body: JSON.stringify(wish.notification), state: isHeld ? ('held' as const) : ('pending' as const) },
        ...{
          attempts: 0,
          waited_ms: 0,
          next_attempt_ms: nowMs,
          last_error: null,
          created_ms: nowMs,
          delivered_ms: null,
          folded_into: null,
        },
        released_ms: isHeld || isUrgent ? null : nowMs,
      })),
    );
    return () => {
      this.#seq += wishes.length;
      for (const { wish, room, isHeld, isUrgent, id } of rows) {
        if (isHeld) room.held.push({ id, sinceMs: nowMs });
        else room.dispatcher.lanes.add({ id, alerts: alertsOf(wish.notification), dueMs: nowMs, attempts: 0, waitedMs: 0 });
        if (!isHeld && !isUrgent) room.releases = [...lastMinute(room.releases, nowMs), nowMs];
        this.#tools.announce('delivery', id);
      }
    };
  }

  /** Folds what was held long enough and may go, and starts every attempt that is due. */
  async step(): Promise<void> {
    for (const room of this.#rooms.values()) {
      if (this.#isFoldDue(room)) await this.#fold(room);
      room.dispatcher.pump();
    }
  }

  /** @throws AppError UNKNOWN_NAME, CONFLICT for one that was folded or is held */
  async resend(id: string): Promise<void> {
    const row = await findDelivery(this.#store, id);
    const room = this.#rooms.get(row.destination);
    if (!room) throw new AppError('CONFLICT', `the destination ${row.destination} is no longer in the service's file`);
    if (row.state === 'held' || row.state === 'folded') {
      throw new AppError('CONFLICT', `${id} goes out inside another notification`, { remedy: 'send that one again' });
    }
    const nowMs = this.#tools.steadyMs();
    const { lanes } = room.dispatcher;
    // One that is still on its way has its place already.
    if (lanes.get(id)) lanes.hasten(id, nowMs);
    else {
      const change = { state: 'pending' as const, attempts: 0, waited_ms: 0, next_attempt_ms: nowMs };
      await this.#store.updateTable('deliveries').set(change).where('id', '=', id).execute();
      if (!lanes.get(id)) lanes.add({ ...entryOf(row, nowMs), attempts: 0, waitedMs: 0 });
    }
    this.#tools.announce('delivery', id);
    room.dispatcher.pump();
  }

  /** Waits for the attempts under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#rooms.values()].map(({ dispatcher }) => dispatcher.close()));
  }

  #isFoldDue({ held, releases, perMinute }: Room): boolean {
    const nowMs = this.#tools.steadyMs();
    return held[0] !== undefined && nowMs - held[0].sinceMs >= GATHER_MS && mayFold(releases, { perMinute, nowMs });
  }

  async #fold(room: Room): Promise<void> {
    const ids = room.held.map(({ id }) => id);
    const notifications: Notification[] = [];
    for (const id of ids) notifications.push(await notificationOf(this.#store, id));
    const [first, ...others] = notifications;
    if (!first) return;
    const { summary } = fold([first, ...others]);
    const lead = ids[notifications.findIndex(({ id }) => id === summary.id)] ?? '';
    const nowMs = this.#tools.steadyMs();
    await this.#store.transaction().execute(async (transaction) => {
      const update = transaction.updateTable('deliveries');
      for (const id of ids) {
        if (id !== lead) await update.set({ state: 'folded', folded_into: lead }).where('id', '=', id).execute();
      }
      const change = { state: 'pending' as const, body: JSON.stringify(summary), next_attempt_ms: nowMs, released_ms: nowMs };
      await update.set(change).where('id', '=', lead).execute();
    });
    room.held = room.held.slice(ids.length);
    room.releases = [...lastMinute(room.releases, nowMs), nowMs];
    // All that was folded keeps its order, also what the summary had no room to name.
    const alerts = [...new Set(notifications.map(({ alert }) => alert))];
    room.dispatcher.lanes.add({ id: lead, alerts, dueMs: nowMs, attempts: 0, waitedMs: 0 });
    for (const id of ids) this.#tools.announce('delivery', id);
  }

  async #load(): Promise<void> {
    const nowMs = this.#tools.steadyMs();
    for (const row of await unfinished(this.#store)) {
      const room = this.#rooms.get(row.destination);
      if (!room) await this.#bury(row.id, row.destination);
      else if (row.state === 'held') room.held.push({ id: row.id, sinceMs: Math.min(row.created_ms, nowMs) });
      else room.dispatcher.lanes.add(entryOf(row, Math.min(row.next_attempt_ms, nowMs + LONGEST_WAIT_MS)));
    }
    for (const { destination, released_ms: atMs } of await releasesSince(this.#store, nowMs - 60_000)) {
      if (atMs !== null) this.#rooms.get(destination)?.releases.push(Math.min(atMs, nowMs));
    }
  }

  async #bury(id: string, destination: string): Promise<void> {
    const change = { state: 'dead' as const, last_error: `the destination ${destination} is no longer in the service's file` };
    await this.#store.updateTable('deliveries').set(change).where('id', '=', id).execute();
  }
}
