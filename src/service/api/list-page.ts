// Lists that come newest first, a page at a time: where one page ended is the cursor of the next.
import { z } from 'zod';
import { AppError } from '../../core/errors.ts';

export const listQuery = z.object({
  cursor: z.string().max(600).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** The last of a page: its instant and, for those of the same instant, its id. */
export type Place = { ms: number; id: string };

/** @throws AppError BAD_INPUT for what no page gave */
export function placeOf(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  const [ms, id] = Buffer.from(cursor, 'base64url').toString().split(/ (.*)/s);
  if (!/^\d{1,15}(\.\d+)?$/.test(ms ?? '') || id === undefined) {
    throw new AppError('BAD_INPUT', 'the cursor is none that a list gave', { remedy: 'leave it out to begin at the newest' });
  }
  return { ms: Number(ms), id };
}

/** One page of rows that were read with one more than `limit`. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  { limit, place, item }: { limit: number; place: (row: Row) => Place; item: (row: Row) => Item },
): { items: Item[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const isMore = rows.length > limit && last !== undefined;
  return { items: shown.map(item), next: isMore ? cursorOf(place(last)) : null };
}

/** A list that is short enough to come whole; it has the form of the others. */
export function wholeList<Item>(items: Item[]): { items: Item[]; next: null } {
  return { items, next: null };
}

function cursorOf({ ms, id }: Place): string {
  return Buffer.from(`${String(ms)} ${id}`).toString('base64url');
}
