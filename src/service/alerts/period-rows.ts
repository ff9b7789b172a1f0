// Periods in the store: those of the service's file and those that people put by the API.
import { AppError } from '../../core/errors.ts';
import type { PeriodSpec } from '../../core/service-file.ts';
import type { Origin } from '../parts.ts';
import type { Store } from '../store/open-store.ts';

export async function readPeriods(store: Store): Promise<PeriodSpec[]> {
  const rows = await store.selectFrom('periods').select('spec').orderBy('name').execute();
  return rows.map(({ spec }) => JSON.parse(spec) as PeriodSpec);
}

/** @throws AppError CONFLICT when the name is one of the file's and the API asks */
export async function writePeriod(store: Store, spec: PeriodSpec, origin: Origin): Promise<void> {
  if (origin === 'api') await refuseOfFile(store, spec.name);
  const values = { spec: JSON.stringify(spec), origin, from_ms: Date.parse(spec.from), until_ms: Date.parse(spec.until) };
  await store
    .insertInto('periods')
    .values({ name: spec.name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute();
}

/** @throws AppError UNKNOWN_NAME; CONFLICT for one that the file owns */
export async function deletePeriod(store: Store, name: string): Promise<void> {
  await refuseOfFile(store, name);
  const { numDeletedRows } = await store.deleteFrom('periods').where('name', '=', name).executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) throw new AppError('UNKNOWN_NAME', `there is no period ${name}`, { remedy: 'GET /api/v1/periods lists them' });
}

/** The file's periods are those that it has now. */
export async function syncPeriods(store: Store, periods: readonly PeriodSpec[]): Promise<void> {
  await store.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('periods').where('origin', '=', 'file').execute();
    for (const period of periods) await writePeriod(transaction, period, 'file');
  });
}

async function refuseOfFile(store: Store, name: string): Promise<void> {
  const row = await store.selectFrom('periods').select('origin').where('name', '=', name).executeTakeFirst();
  if (row?.origin !== 'file') return;
  throw new AppError('CONFLICT', `the period ${name} is one of the service's file`, {
    remedy: 'change it in the file, or take another name',
  });
}
