// What becomes of a hook's accepted call: a run starts, the running ones are annotated, or nothing, and why; each call once.
import { createHash } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { HookSpec } from '../../core/service-file.ts';
import type { ApiParts } from '../api/api-parts.ts';
import { type AlertmanagerPayload, alertKey, alertText, isOwnAlert } from './alertmanager-payload.ts';

export type Outcome = { outcome: 'started' | 'annotated' | 'cooling' | 'refused' | 'ignored'; why: string; runId: string | null };
export type AlertOutcome = Omit<Outcome, 'outcome'> & { fingerprint: string; outcome: Outcome['outcome'] | 'duplicate' };
type Wish = { scenario?: string | undefined; seed?: number | undefined };

const DAY_MS = 24 * 3_600_000;
const ALERTS_IN_A_NOTE = 10;

export class HookDesk {
  readonly #api: Pick<ApiParts, 'store' | 'file' | 'catalogue' | 'parts' | 'clock'>;
  /** The end of the newest call of each hook: two at once would both find that nothing had been started. */
  readonly #ends = new Map<string, Promise<unknown>>();

  constructor(api: Pick<ApiParts, 'store' | 'file' | 'catalogue' | 'parts' | 'clock'>) {
    this.#api = api;
  }

  /** @throws AppError CONFLICT for a call that was taken before */
  async takeCall(hook: HookSpec, id: string, wish: Wish): Promise<Outcome> {
    return await this.#oneAtATime(hook.name, async () => {
      const key = createHash('sha256')
        .update(JSON.stringify([hook.name, id]))
        .digest('hex');
      const before = (await this.#known([key])).get(key);
      if (before !== undefined) throw new AppError('CONFLICT', `this call was taken already: ${before}`);
      const outcome = await this.#start(hook, wish, key);
      await this.#record(hook, [{ key, ...outcome }]);
      return outcome;
    });
  }

  /** One run at most for all alerts of a call. */
  async takeAlerts(hook: HookSpec, { groupKey, alerts }: AlertmanagerPayload): Promise<AlertOutcome[]> {
    return await this.#oneAtATime(hook.name, async () => {
      const keyed = alerts.map((alert) => ({ alert, key: alertKey(`${hook.name} ${groupKey}`, alert) }));
      const known = await this.#known(keyed.map(({ key }) => key));
      const fresh = new Map(keyed.flatMap((each) => (known.has(each.key) ? [] : [[each.key, each.alert] as const])));
      const foreign = [...fresh].filter(([, alert]) => !isOwnAlert(alert));
      const shared = await this.#onAlerts(hook, foreign);
      const outcomeOf = (key: string): Outcome =>
        foreign.some(([each]) => each === key) && shared !== null
          ? shared
          : { outcome: 'ignored', why: 'Holdfast sent this alert itself', runId: null };
      await this.#record(
        hook,
        [...fresh.keys()].map((key) => ({ key, ...outcomeOf(key) })),
      );
      return keyed.map(({ key, alert: { fingerprint } }) =>
        fresh.has(key)
          ? { fingerprint, ...outcomeOf(key) }
          : { fingerprint, outcome: 'duplicate', why: `taken before: ${known.get(key) ?? ''}`, runId: null },
      );
    });
  }

  async #onAlerts(
    hook: HookSpec,
    alerts: (readonly [key: string, alert: AlertmanagerPayload['alerts'][number]])[],
  ): Promise<Outcome | null> {
    const [first] = alerts;
    if (!first) return null;
    const told = alerts.slice(0, ALERTS_IN_A_NOTE).map(([, alert]) => alertText(alert));
    const more = alerts.length - told.length;
    const text = `${told.join('; ')}${more > 0 ? `; and ${String(more)} more` : ''}`;
    const [annotated, ...others] = await this.#api.parts.runs.annotate(hook.environment, text);
    if (annotated !== undefined) {
      return { outcome: 'annotated', why: `noted on ${String(others.length + 1)} running in ${hook.environment}`, runId: annotated };
    }
    const firing = alerts.find(([, { status }]) => status === 'firing');
    if (!firing) return { outcome: 'ignored', why: 'resolved, and nothing is running', runId: null };
    if (hook.scenarios.length === 0) return { outcome: 'ignored', why: 'nothing is running, and this hook starts nothing', runId: null };
    return await this.#start(hook, {}, firing[0]);
  }

  /** Starts what the hook allows. The run's id follows from the call, so a crash between start and record starts nothing twice. */
  async #start(hook: HookSpec, { scenario: wished, seed }: Wish, key: string): Promise<Outcome> {
    const { catalogue, parts, clock } = this.#api;
    const name = wished ?? hook.scenarios[0] ?? '';
    const refused = (why: string): Outcome => ({ outcome: 'refused', why, runId: null });
    if (!hook.scenarios.includes(name)) return refused(`the hook ${hook.name} may not start the scenario ${JSON.stringify(name)}`);
    const scenario = catalogue.scenarios.get(name)?.scenario;
    if (!scenario) return refused(`there is no scenario ${name}`);
    if (scenario.timeline.length > 0 && !hook.allowFaults) {
      return refused(`the scenario ${name} injects faults, which the hook ${hook.name} may not: allowFaults in serve.yaml says so`);
    }
    const coolsForMs = await this.#coolsForMs(hook);
    if (coolsForMs > 0) {
      return {
        outcome: 'cooling',
        why: `the last start was too recent; the next one is possible in ${(coolsForMs / 1_000).toFixed(0)} s`,
        runId: null,
      };
    }
    const id = `hook-${hook.name}-${key.slice(0, 24)}`;
    const { state } = await parts.runs.request({
      ...{ id, scenario: name, environment: hook.environment, trigger: `hook ${hook.name}`, overlap: 'wait', dueMs: clock.nowMs() },
      seed: seed ?? Number.parseInt(key.slice(0, 8), 16),
    });
    return state === 'refused'
      ? { ...refused(`the run ${id} was refused; it says why`), runId: id }
      : { outcome: 'started', why: `started ${name}`, runId: id };
  }

  async #coolsForMs({ name, coolDown }: HookSpec): Promise<number> {
    const last = await this.#api.store
      .selectFrom('hook_calls')
      .select(({ fn }) => fn.max('received_ms').as('at'))
      .where('hook', '=', name)
      .where('outcome', '=', 'started')
      .executeTakeFirst();
    return last?.at == null ? 0 : last.at + coolDown - this.#api.clock.nowMs();
  }

  /** What became of the calls with these keys, where they came before. */
  async #known(keys: readonly string[]): Promise<Map<string, string>> {
    if (keys.length === 0) return new Map();
    const rows = await this.#api.store.selectFrom('hook_calls').select(['key', 'outcome', 'why']).where('key', 'in', keys).execute();
    return new Map(rows.map(({ key, outcome, why }) => [key, `${outcome} (${why})`]));
  }

  async #record(hook: HookSpec, calls: readonly (Outcome & { key: string })[]): Promise<void> {
    if (calls.length === 0) return;
    const { store, clock, file } = this.#api;
    const nowMs = clock.nowMs();
    await store
      .insertInto('hook_calls')
      .values(calls.map(({ key, outcome, why, runId }) => ({ key, hook: hook.name, received_ms: nowMs, outcome, why, run_id: runId })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    // A signed call is good for minutes, an alert repeats itself for as long as it fires.
    await store
      .deleteFrom('hook_calls')
      .where('received_ms', '<', nowMs - Math.max(DAY_MS, file.retention.history))
      .execute();
  }

  async #oneAtATime<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    const before = this.#ends.get(name) ?? Promise.resolve();
    const mine = before.then(act, act);
    this.#ends.set(
      name,
      mine.catch(() => undefined),
    ); // told to its own caller
    return await mine;
  }
}
