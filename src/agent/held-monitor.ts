// One monitor as this vantage holds it: a prober for as long as the order stands, another one when it dies.
//
//   starting --- all flows tried ---> holding --- the prober died ---> restarting --- after a wait ---> starting …
import type { ChildProcess } from 'node:child_process';
import type { AgentState, ClockEstimate, HoldingOrder } from '../core/agent-messages.ts';
import { type Assignment, CONTROL_SCHEMA } from '../core/control.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { JournalEvent } from '../core/journal.ts';
import { ProberLink } from '../runner/prober-link.ts';
import { carriedEvent } from './carried-event.ts';
import type { ServiceClock } from './service-clock.ts';
import type { Spool } from './spool.ts';
import type { SpoolStream } from './spool-stream.ts';
import { isAborted, pause } from './waiting.ts';

export type HoldingTools = {
  startProber: () => ChildProcess;
  spool: Spool;
  clock: ServiceClock;
  /** Environment key, base64. */
  key: string;
  /** Monotonic, ms. */
  now: () => number;
  log: (line: string) => void;
};
export type HoldingReport = AgentState['holdings'][number];

const LOOK_MS = 250;
const STOP_MS = 8_000;
const BACK_OFF_MS = { first: 1_000, most: 30_000 };
/** A prober that lived this long was well: the next one need not wait. */
const STEADY_MS = 60_000;

/** How the session's clock is reached from here: of which boot of the service's machine it is, and what was true when the prober began. */
type Carrier = { serviceBoot: string; begun: ClockEstimate };

export class HeldMonitor implements AsyncDisposable {
  readonly holding: HoldingOrder;
  readonly #tools: HoldingTools;
  readonly #ending = new AbortController();
  readonly #living: Promise<void>;
  #report: HoldingReport;

  /** @param after what must end first: the prober of the same monitor as it was before */
  constructor(holding: HoldingOrder, tools: HoldingTools, after: Promise<void>) {
    this.holding = holding;
    this.#tools = tools;
    const { monitor, session } = holding;
    this.#report = { monitor, session, state: 'starting', open: 0, broken: 0, isIll: false };
    this.#living = after.then(() => this.#live());
  }

  get report(): HoldingReport {
    return this.#report;
  }

  /** Ends the prober in order: its last events are in the spool then. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#living;
  }

  async #live(): Promise<void> {
    const { signal } = this.#ending;
    const { log, now } = this.#tools;
    let waitMs = BACK_OFF_MS.first;
    while (!signal.aborted) {
      const startedMs = now();
      const end = await this.#oneLife();
      if (isAborted(signal)) return;
      if (now() - startedMs > STEADY_MS) waitMs = BACK_OFF_MS.first;
      log(`${this.holding.monitor}: ${end.why}`);
      this.#report = { ...this.#report, ...end, open: 0, broken: 0 };
      await pause(waitMs, signal);
      waitMs = Math.min(BACK_OFF_MS.most, 2 * waitMs);
    }
  }

  /** From a prober's start to its end, in order or not. @returns why there must be another */
  async #oneLife(): Promise<{ state: 'restarting' | 'refused'; why: string }> {
    const { monitor, session } = this.holding;
    try {
      const carrier = await this.#carrier();
      const stream = this.#tools.spool.begin({ monitor, session });
      try {
        return { state: 'restarting', why: await this.#hold(stream, carrier) };
      } finally {
        stream.end();
      }
    } catch (error) {
      const isRefusal = error instanceof AppError && error.code === 'PREFLIGHT';
      const remedy = error instanceof AppError && error.remedy !== undefined ? `; ${error.remedy}` : '';
      return { state: isRefusal ? 'refused' : 'restarting', why: messageOf(error) + remedy };
    }
  }

  /** @returns why the prober is over; all that it told is in the stream then */
  async #hold(stream: SpoolStream, carrier: Carrier): Promise<string> {
    const { signal } = this.#ending;
    const lost = Promise.withResolvers<string>();
    const isLost = new AbortController();
    const link = new ProberLink(this.holding.vantage, this.#tools.startProber(), {
      onEvent: (event) => {
        this.#take(event, stream, carrier);
      },
      onPulse: (_, { open, broken, ill }) => {
        this.#report = { ...this.#report, open, broken, isIll: ill };
      },
      onLost: (_, why) => {
        lost.resolve(why);
        isLost.abort();
      },
    });
    try {
      await link.assign(() => this.#assignment(stream, carrier), signal);
      link.send({ type: 'start' });
      const why = await Promise.race([lost.promise, this.#over(stream, AbortSignal.any([signal, isLost.signal]))]);
      // A prober that died meanwhile has told all it could.
      if (signal.aborted || stream.state === 'cut') await link.finish('stop', STOP_MS, AbortSignal.timeout(STOP_MS)).catch(() => undefined);
      return why;
    } finally {
      await link.close();
    }
  }

  /** Waits until the session's clock can be read. @throws the signal's reason */
  async #carrier(): Promise<Carrier> {
    const { signal } = this.#ending;
    const { clock, now } = this.#tools;
    for (;;) {
      signal.throwIfAborted();
      const serviceBoot = this.holding.serviceBoot ?? clock.serviceBoot;
      const begun = serviceBoot === null ? null : clock.estimate(serviceBoot, now());
      if (serviceBoot !== null && begun !== null) return { serviceBoot, begun };
      const isAnotherBoot = serviceBoot !== null && clock.serviceBoot !== null;
      const why = isAnotherBoot ? 'the service’s machine was booted anew: a new order is awaited' : 'the service’s clock is not known yet';
      this.#report = { ...this.#report, state: 'starting', why };
      await pause(LOOK_MS, signal);
    }
  }

  #assignment({ about }: SpoolStream, { begun }: Carrier): Assignment {
    const { session, vantage, t0ServiceMonoMs, sourceAddresses, runTag, nodes, populations } = this.holding;
    this.#report = { ...withoutWhy(this.#report), state: 'starting' };
    return {
      type: 'assign',
      schema: CONTROL_SCHEMA,
      runId: session,
      vantage,
      life: about.stream,
      t0MonoMs: t0ServiceMonoMs - begun.offsetMs,
      clockErrMs: begun.errMs,
      sourceAddresses,
      key: this.#tools.key,
      runTag,
      nodes,
      populations,
      observed: false,
      keepsDialling: true,
    };
  }

  #take(event: JournalEvent, stream: SpoolStream, { serviceBoot, begun }: Carrier): void {
    const { clock, now } = this.#tools;
    // The prober goes by what was known at its start; meanwhile the two clocks drifted, and more is known.
    const current = clock.estimate(serviceBoot, now()) ?? begun;
    stream.append(carriedEvent(event, current.offsetMs - begun.offsetMs, current.errMs));
    if (event.type === 'vantage.ready') this.#report = { ...withoutWhy(this.#report), state: 'holding' };
  }

  /** Waits until the signal aborts, or a stream that was cut may begin anew. @returns why */
  async #over(stream: SpoolStream, signal: AbortSignal): Promise<string> {
    while (!signal.aborted && !(stream.state === 'cut' && this.#tools.spool.hasRoom)) {
      if (stream.state === 'cut') this.#report = { ...this.#report, why: 'events are lost: the spool is full, or cannot be written' };
      await pause(LOOK_MS, signal);
    }
    return 'events were lost, and what comes must begin anew';
  }
}

function withoutWhy({ monitor, session, state, open, broken, isIll }: HoldingReport): HoldingReport {
  return { monitor, session, state, open, broken, isIll };
}
