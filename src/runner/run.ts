// One run from start to end: preflight, baseline, timeline, recovery, final map. It writes the journal; it judges nothing.
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pulse } from '../core/control.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { JOURNAL_SCHEMA, type EventOf, type JournalEvent, type Unnumbered } from '../core/journal.ts';
import { FaultDriver, type KeeperLink } from './fault-driver.ts';
import { Fleet } from './fleet.ts';
import { NextHopWatch, SETTLE_MS } from './next-hop-watch.ts';
import { bindFaults, isRole, type RunPlan } from './plan.ts';
import { StopConditions } from './stop-conditions.ts';

/** An event as the runner hands it to the journal: its own ones get their number there. */
export type NewEvent = Unnumbered<JournalEvent> & { seq?: number };

export type RunTools = {
  runId: string;
  t0MonoMs: number;
  /** Run-clock ms now. */
  t(): number;
  wallClockMs: number;
  versions: Record<string, string>;
  write(event: NewEvent): void;
  /** Returns once everything written is on disk. */
  sync(): void;
  startProber(vantage: string): ChildProcess;
  /** Environment key, base64. */
  key: string;
  runTag: string;
  /** Null: no fault is possible. */
  keeper: KeeperLink | null;
  /** Null: nobody observes the control plane. The first snapshot is emitted before it resolves. */
  startObservers: ((emit: (event: NewEvent) => void) => Promise<AsyncDisposable>) | null;
  onPulse(vantage: string, pulse: Pulse): void;
  /** Aborts when a person wants the run to end: faults are reverted first. */
  interrupt: AbortSignal;
};

export type RunEnd =
  | { kind: 'completed' }
  /** Nothing was touched and nothing measured. */
  | { kind: 'refused'; error: unknown }
  | {
      kind: 'aborted' | 'interrupted';
      why: string;
      error: unknown;
      /** Faults whose revert is unverified: told here as well, because a journal on a full disk may not have taken it. */
      unverified: readonly string[];
    };

/** Why a run has to end; `cause` is the error that made it, if one did. */
class RunStop extends Error {
  readonly kind: 'aborted' | 'interrupted';

  constructor(kind: 'aborted' | 'interrupted', why: string, cause?: unknown) {
    super(why, { cause });
    this.kind = kind;
  }

  /** As a person is told of it when the run had not begun. */
  get refusal(): unknown {
    return this.cause ?? new AppError('PEER_GONE', this.message, { remedy: 'nothing was measured: start the run again' });
  }
}

/** Executes `plan`; every event goes to `tools.write`. Whatever happens, faults are reverted and probers ended before it returns. */
export async function executeRun(plan: RunPlan, tools: RunTools): Promise<RunEnd> {
  const run = new Run(plan, tools);
  return await run.execute();
}

class Run {
  readonly #plan: RunPlan;
  readonly #tools: RunTools;
  readonly #stopper = new AbortController();
  readonly #hops = new NextHopWatch();
  readonly #stopConditions = new StopConditions();
  readonly #faults: FaultDriver | null;
  #fleet: Fleet | null = null;
  readonly #unverified = new Set<string>();
  #hasBegun = false;

  constructor(plan: RunPlan, tools: RunTools) {
    this.#plan = plan;
    this.#tools = tools;
    this.#faults =
      plan.scenario.timeline.length > 0 && tools.keeper
        ? new FaultDriver(tools.keeper, {
            t: () => tools.t(),
            onEvent: (event) => {
              this.#takeFaultEvent(event);
            },
            onLost: (why) => {
              this.#stop(new RunStop('aborted', why));
            },
          })
        : null;
  }

  async execute(): Promise<RunEnd> {
    const { interrupt } = this.#tools;
    const interrupted = () => {
      this.#stop(new RunStop('interrupted', 'interrupted by a person'));
    };
    interrupt.addEventListener('abort', interrupted, { once: true });
    const watchdog = setInterval(() => {
      const reason = this.#hasBegun ? this.#stopConditions.reasonAt(this.#tools.t()) : null;
      if (reason !== null) this.#stop(new RunStop('aborted', reason));
    }, 500);
    try {
      interrupt.throwIfAborted();
      await this.#carryOut();
      return { kind: 'completed' };
    } catch (error) {
      return await this.#wrapUp(this.#stopper.signal.aborted ? this.#stopper.signal.reason : error);
    } finally {
      clearInterval(watchdog);
      interrupt.removeEventListener('abort', interrupted);
      await this.#faults?.release();
    }
  }

  async #carryOut(): Promise<void> {
    const tools = this.#tools;
    const { signal } = this.#stopper;
    this.#begin();
    await using opened = new AsyncDisposableStack();
    const observers = await tools.startObservers?.((event) => {
      this.#takeObserved(event);
    });
    if (observers) opened.use(observers);
    const faults = await this.#preflight(signal);
    const fleet = opened.use(await Fleet.start(this.#plan, this.#fleetTools(), signal));
    this.#fleet = fleet;
    await fleet.open(signal);
    this.#hasBegun = true;
    for (const vantage of fleet.vantages) this.#stopConditions.watch(vantage, tools.t());
    this.#startPhase('baseline', tools.t());
    const timelineT = tools.t();
    try {
      if (faults.length === 0) await this.#waitUntil(timelineT + this.#plan.scenario.baseline, signal);
      for (const fault of faults) {
        await this.#waitUntil(timelineT + fault.atMs, signal);
        await this.#faults?.hold(fault, signal);
      }
      if (faults.length > 0) await this.#recover(signal);
      tools.write({ t: tools.t(), from: 'runner', type: 'timeline.ended' });
      tools.sync();
      await fleet.finalMap(signal);
    } catch (error) {
      // Reverted before the probers stop: what they still see of it belongs into the report.
      await this.#faults?.revertAll(messageOf(signal.aborted ? signal.reason : error));
      throw error;
    } finally {
      await fleet.stop();
      this.#fleet = null;
    }
  }

  #begin(): void {
    const plan = this.#plan;
    const tools = this.#tools;
    tools.write({
      t: tools.t(),
      from: 'runner',
      type: 'run.started',
      schema: JOURNAL_SCHEMA,
      runId: tools.runId,
      wallClockMs: tools.wallClockMs,
      scenario: plan.scenario,
      environment: plan.environment,
      probes: plan.probes,
      seed: plan.seed,
      versions: tools.versions,
      planHash: createHash('sha256')
        .update(JSON.stringify([plan.scenario, plan.environment, plan.probes, plan.seed]))
        .digest('hex'),
    });
    tools.sync();
  }

  /** Binds roles to nodes and asks the keeper whether it would do all of it. */
  async #preflight(signal: AbortSignal): Promise<ReturnType<typeof bindFaults>> {
    const { scenario, environment } = this.#plan;
    if (scenario.timeline.length === 0) return [];
    const faultDriver = this.#faults;
    if (!faultDriver) {
      throw new AppError(
        'CAPABILITY_MISSING',
        `the scenario ${scenario.name} injects faults, and the environment ${environment.name} has no keeper`,
        {
          remedy: 'name a keeper in the environment, or run a scenario without a timeline',
        },
      );
    }
    const firstVip = scenario.flows[0]?.vip ?? '';
    if (scenario.timeline.some((entry) => entry.node !== undefined && isRole(entry.node)) && this.#tools.startObservers) {
      await this.#waitFor(() => this.#hops.orderOf(environment, firstVip).length > 0, 5_000, signal);
    }
    const faults = bindFaults(this.#plan, this.#hops.orderOf(environment, firstVip));
    const epoch = await faultDriver.acquire(this.#tools.runId, this.#tools.t0MonoMs, faults);
    for (const { fault, kind, target, forMs, atMs } of faults) {
      this.#tools.write({ t: this.#tools.t(), from: 'runner', type: 'fault.planned', fault, kind, target, epoch, forMs, atMs });
    }
    return faults;
  }

  /** Watches for `recovery` after the last read-back, longer while the next-hop set has not settled. */
  async #recover(signal: AbortSignal): Promise<void> {
    const { scenario, probes } = this.#plan;
    const slowest = Math.max(...Object.values(probes).map((probe) => probe.intervalMs));
    const plannedT = this.#tools.t() + scenario.recovery;
    const afterSettleMs = SETTLE_MS + 2_000 + 3 * slowest;
    await this.#waitUntil(plannedT, signal);
    // A set that never settles must not hold the run for ever.
    const latestT = plannedT + 60_000;
    await this.#waitFor(() => this.#tools.t() >= Math.min(latestT, this.#hops.lastChangeT + afterSettleMs), 60_000, signal);
  }

  async #wrapUp(error: unknown): Promise<RunEnd> {
    const tools = this.#tools;
    if (!this.#hasBegun) {
      await this.#faults?.revertAll('the run was refused');
      return error instanceof RunStop && error.kind === 'interrupted'
        ? { kind: 'interrupted', why: error.message, error, unverified: [...this.#unverified] }
        : { kind: 'refused', error: error instanceof RunStop ? error.refusal : error };
    }
    const kind = error instanceof RunStop ? error.kind : 'aborted';
    const why = messageOf(error);
    const lastWords = (await this.#faults?.lastWords()) ?? [];
    for (const event of lastWords) this.#record(event);
    this.#record({ t: tools.t(), from: 'runner', type: 'run.aborted', why });
    this.#sync();
    return { kind, why, error: error instanceof RunStop ? error.cause : error, unverified: [...this.#unverified] };
  }

  #fleetTools(): Parameters<typeof Fleet.start>[1] {
    const tools = this.#tools;
    return {
      startProber: (vantage) => tools.startProber(vantage),
      key: tools.key,
      runId: tools.runId,
      runTag: tools.runTag,
      t0MonoMs: tools.t0MonoMs,
      // Only who sees routes can tell that a set has settled.
      observed: this.#plan.environment.observers.includes('routes'),
      listener: {
        onEvent: (event) => {
          this.#record(event);
        },
        onPulse: (vantage, pulse) => {
          this.#stopConditions.take(vantage, pulse, this.#tools.t());
          this.#tools.onPulse(vantage, pulse);
        },
        onLost: (_vantage, why) => {
          this.#stop(new RunStop('aborted', why));
        },
      },
    };
  }

  #takeObserved(event: NewEvent): void {
    this.#record(event);
    if (event.type !== 'next-hops') return;
    this.#hops.take(event as EventOf<'next-hops'>);
    if (event.settled) this.#fleet?.tell('settle');
  }

  #takeFaultEvent(event: JournalEvent): void {
    this.#record(event);
    if (event.type === 'fault.intent' || event.type === 'fault.reverting') {
      this.#fleet?.tell('edge');
      this.#startPhase(event.type === 'fault.intent' ? 'fault' : 'recovery', event.t);
    }
    this.#sync();
  }

  #startPhase(phase: 'baseline' | 'fault' | 'recovery', t: number): void {
    this.#record({ t, from: 'runner', type: 'phase.started', phase });
    this.#sync();
  }

  /** Journals what came from outside. A journal that cannot take it ends the run: a fault nobody records must not stay. */
  #record(event: NewEvent): void {
    if (event.type === 'fault.unverified') this.#unverified.add(event.fault);
    if (event.type === 'fault.verified') this.#unverified.delete(event.fault);
    try {
      this.#tools.write(event);
    } catch (error) {
      this.#stop(new RunStop('aborted', messageOf(error), error));
    }
  }

  #sync(): void {
    try {
      this.#tools.sync();
    } catch (error) {
      this.#stop(new RunStop('aborted', messageOf(error), error));
    }
  }

  #stop(why: RunStop): void {
    this.#stopper.abort(why);
  }

  async #waitUntil(t: number, signal: AbortSignal): Promise<void> {
    const ms = t - this.#tools.t();
    if (ms > 0) await sleep(ms, undefined, { signal });
    signal.throwIfAborted();
  }

  async #waitFor(isTrue: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const deadlineT = this.#tools.t() + timeoutMs;
    while (!isTrue() && this.#tools.t() < deadlineT) await sleep(50, undefined, { signal });
  }
}
