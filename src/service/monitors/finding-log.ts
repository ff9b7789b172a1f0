// Findings on their way from the watch to the store and on to the alerts: each state saved first, then told, in order, at least once.
//
//   watch --take--> unsaved --store--> untold --onFinding--> told_ms in the store
//
// A state that the store has already (the watch reads its segment again after a restart) is neither saved nor told a second time.
import { messageOf } from '../../core/errors.ts';
import { finding, type Finding } from '../../core/finding.ts';
import type { Announce } from '../parts.ts';
import type { Store } from '../store/open-store.ts';

export type FindingLogTools = {
  store: Store;
  onFinding: (finding: Finding) => Promise<void>;
  announce: Announce;
  log: (line: string) => void;
};

export class FindingLog {
  readonly #tools: FindingLogTools;
  readonly #unsaved: Finding[] = [];
  readonly #untold: Finding[] = [];
  #settling: Promise<void> | null = null;
  #problem: string | null = null;

  private constructor(tools: FindingLogTools) {
    this.#tools = tools;
  }

  /** What was saved and not told before a crash is told first. */
  static async open(tools: FindingLogTools): Promise<FindingLog> {
    const log = new FindingLog(tools);
    const rows = await tools.store
      .selectFrom('findings')
      .select('json')
      .where((row) => row.or([row('told_ms', 'is', null), row('told_ms', '<', row.ref('updated_ms'))]))
      .orderBy('updated_ms')
      .execute();
    log.#untold.push(...rows.map(({ json }) => read(json)));
    return log;
  }

  /** Why findings are neither saved nor told now; null in health. */
  get problem(): string | null {
    return this.#problem;
  }

  take(findings: readonly Finding[]): void {
    this.#unsaved.push(...findings);
  }

  /** Saves and tells what has not been yet; what fails waits for the next call. Never rejects. */
  async settle(): Promise<void> {
    do {
      this.#settling ??= this.#work().finally(() => {
        this.#settling = null;
      });
      await this.#settling;
      // What was taken while others were being told is not saved by the work that it met.
    } while (this.#problem === null && this.#unsaved.length + this.#untold.length > 0);
  }

  /** Resolves every open finding of a monitor that is no longer watched. @param why one sentence */
  async close(monitor: string, why: string, nowMs: number): Promise<void> {
    await this.settle();
    // With the alerts away some may still wait to be saved: they are newer than what the store says.
    const waiting = this.#unsaved.filter((each) => each.monitor === monitor);
    const rows = await this.#tools.store
      .selectFrom('findings')
      .select('json')
      .where('monitor', '=', monitor)
      .where('state', '=', 'open')
      .orderBy('opened_ms')
      .execute();
    const newest = new Map([...rows.map(({ json }) => read(json)), ...waiting].map((each) => [each.id, each]));
    const open = [...newest.values()].filter(({ state }) => state === 'open');
    this.take(
      open.map((each) => ({
        ...each,
        state: 'resolved' as const,
        isProvisional: false,
        details: [...each.details, why],
        updatedMs: Math.max(nowMs, each.updatedMs + 1),
        resolvedMs: nowMs,
      })),
    );
    await this.settle();
  }

  /** Forgets findings that were resolved and have not changed since `beforeMs`. */
  async forget(beforeMs: number): Promise<void> {
    await this.#tools.store.deleteFrom('findings').where('state', '=', 'resolved').where('updated_ms', '<', beforeMs).execute();
  }

  async #work(): Promise<void> {
    try {
      for (let next = this.#unsaved[0]; next; next = this.#unsaved[0]) {
        if (await this.#save(next)) this.#untold.push(next);
        this.#unsaved.shift();
      }
      for (let next = this.#untold[0]; next; next = this.#untold[0]) {
        await this.#tools.onFinding(next);
        const { id, updatedMs } = next;
        await this.#tools.store.updateTable('findings').set({ told_ms: updatedMs }).where('id', '=', id).execute();
        this.#untold.shift();
      }
      this.#problem = null;
    } catch (error) {
      if (this.#problem === null) this.#tools.log(`findings wait: ${messageOf(error)}`);
      this.#problem = `findings cannot be saved or told: ${messageOf(error)}`;
    }
  }

  /** @returns whether it was news */
  async #save(next: Finding): Promise<boolean> {
    const { store, announce } = this.#tools;
    const { id, monitor, environment, kind, state, openedMs, updatedMs } = next;
    const row = { state, updated_ms: updatedMs, json: JSON.stringify(next) };
    const saved = await store
      .insertInto('findings')
      .values({ id, monitor, environment, kind, opened_ms: openedMs, told_ms: null, ...row })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row).where('findings.updated_ms', '<', updatedMs))
      .executeTakeFirst();
    if (saved.numInsertedOrUpdatedRows !== 1n) return false;
    announce('finding', id);
    return true;
  }
}

function read(json: string): Finding {
  return finding.parse(JSON.parse(json));
}
