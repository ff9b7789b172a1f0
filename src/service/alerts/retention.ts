// History of alerts has an end: what is over for longer than the retention is taken out of the store.
import type { Store } from '../store/open-store.ts';

/** Removes alerts and deliveries that ended before `beforeMs`. What is open, or still on its way, stays. */
export async function forgetOld(store: Store, beforeMs: number): Promise<void> {
  await store.transaction().execute(async (transaction) => {
    const old = transaction.selectFrom('alerts').select('id').where('state', '=', 'resolved').where('resolved_ms', '<', beforeMs);
    await transaction.deleteFrom('alert_findings').where('alert', 'in', old).execute();
    await transaction.deleteFrom('alerts').where('state', '=', 'resolved').where('resolved_ms', '<', beforeMs).execute();
    await transaction
      .deleteFrom('deliveries')
      .where('state', 'in', ['delivered', 'dead', 'folded'])
      .where('created_ms', '<', beforeMs)
      .execute();
  });
}
