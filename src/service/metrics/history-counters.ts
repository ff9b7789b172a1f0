// Counts what the store tells: runs by verdict, findings by kind, and their windows, each once since this process began.
//
// Nobody calls this room when a run ends: it reads what is new at each scrape. So nothing is missed, whoever made the run, and nothing is
// counted twice. The store's own totals would not do: retention lets them fall, which a counter must not.
import { type Finding, finding as findingSchema } from '../../core/finding.ts';
import type { Store } from '../store/open-store.ts';
import type { MetricSet } from './metric-set.ts';

/** Rows may be written well after the instant that they tell: an agent that was cut off uploads what its flows saw meanwhile. */
const OVERLAP_MS = 3_600_000;
/** Well below the bound on a query's parameters. */
const ROWS_A_QUERY = 500;

export class HistoryCounters {
  readonly #metrics: MetricSet;
  readonly #store: Store;
  #sinceMs: number;
  /** Runs counted, and when they ended; findings counted, up to which of their states and windows. */
  readonly #runs = new Map<string, number>();
  readonly #findings = new Map<string, { updatedMs: number; isOpen: boolean; windows: number }>();

  private constructor(metrics: MetricSet, store: Store, nowMs: number) {
    this.#metrics = metrics;
    this.#store = store;
    this.#sinceMs = nowMs - OVERLAP_MS;
  }

  /** What the store holds already was counted by the process before. */
  static async open(parts: { metrics: MetricSet; store: Store; nowMs: number }): Promise<HistoryCounters> {
    const counters = new HistoryCounters(parts.metrics, parts.store, parts.nowMs);
    for (const { id, atMs } of await counters.#endedRuns()) counters.#runs.set(id, atMs);
    for (const finding of await counters.#newStates({ orOpen: true })) counters.#remember(finding);
    return counters;
  }

  async collect(nowMs: number): Promise<void> {
    const [runs, findings] = await Promise.all([this.#endedRuns(), this.#newStates()]);
    for (const { id, environment, scenario, verdict, atMs } of runs) {
      if (!this.#runs.has(id)) this.#metrics.holdfast_runs_total.inc({ environment, scenario, verdict });
      this.#runs.set(id, atMs);
    }
    for (const finding of findings) {
      const { id, environment, monitor, kind } = finding;
      const counted = this.#findings.get(id);
      if (!counted) this.#metrics.holdfast_findings_total.inc({ environment, monitor, kind });
      for (const { eventCause } of closedWindows(finding).slice(counted?.windows ?? 0)) {
        this.#metrics.holdfast_windows_total.inc({ environment, monitor, cause: eventCause });
      }
      this.#remember(finding);
    }
    this.#goOn(nowMs);
  }

  #remember(finding: Finding): void {
    const { id, updatedMs, state } = finding;
    this.#findings.set(id, { updatedMs, isOpen: state === 'open', windows: closedWindows(finding).length });
  }

  /** Forgets what is not read again; an open finding may change after any time. */
  #goOn(nowMs: number): void {
    this.#sinceMs = Math.max(this.#sinceMs, nowMs - OVERLAP_MS);
    for (const [id, atMs] of this.#runs) if (atMs < this.#sinceMs) this.#runs.delete(id);
    for (const [id, { updatedMs, isOpen }] of this.#findings) if (!isOpen && updatedMs < this.#sinceMs) this.#findings.delete(id);
  }

  async #endedRuns() {
    const rows = await this.#store
      .selectFrom('runs')
      .select(['id', 'environment', 'scenario', 'state', 'verdict', 'ended_ms', 'created_ms'])
      .where('state', 'not in', ['queued', 'running'])
      .where((row) => row.or([row('ended_ms', '>=', this.#sinceMs), row('created_ms', '>=', this.#sinceMs)]))
      .execute();
    return rows.map(({ state, verdict, ended_ms, created_ms, ...row }) => {
      return { ...row, verdict: verdict ?? state, atMs: Math.max(ended_ms ?? 0, created_ms) };
    });
  }

  /** Findings with a state that was not counted. Only theirs are read whole: one may hold the ledgers of many windows. */
  async #newStates({ orOpen = false } = {}): Promise<Finding[]> {
    const rows = await this.#store
      .selectFrom('findings')
      .select(['id', 'updated_ms'])
      .where((row) => row.or([row('updated_ms', '>=', this.#sinceMs), ...(orOpen ? [row('state', '=', 'open')] : [])]))
      .execute();
    const changed = rows.filter(({ id, updated_ms }) => this.#findings.get(id)?.updatedMs !== updated_ms).map(({ id }) => id);
    const findings: Finding[] = [];
    while (changed.length > 0) {
      const some = changed.splice(0, ROWS_A_QUERY);
      const whole = await this.#store.selectFrom('findings').select('json').where('id', 'in', some).execute();
      findings.push(...whole.flatMap(({ json }) => findingSchema.safeParse(JSON.parse(json)).data ?? []));
    }
    return findings;
  }
}

/** The last window of a provisional finding is still open. */
function closedWindows<Window>({ isProvisional, windows }: { isProvisional: boolean; windows: readonly Window[] }): readonly Window[] {
  return isProvisional ? windows.slice(0, -1) : windows;
}
