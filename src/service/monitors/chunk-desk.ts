// Where agents hand in what their probers measured: who may say what, and what is done with it.
import type { Chunk, ChunkAnswer } from '../../core/agent-messages.ts';
import { AppError } from '../../core/errors.ts';
import { acceptEvents, refusal } from './accept-chunk.ts';
import type { Agent } from './agents.ts';
import { vantagesOf } from './monitor-plan.ts';
import type { Monitor } from './monitor.ts';

export class ChunkDesk {
  readonly #log: (line: string) => void;
  #problem: string | null = null;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Why the last chunk was not taken, if the disk did not take it. */
  get problem(): string | null {
    return this.#problem;
  }

  /**
   * Takes a chunk of `agent` for the monitor that it names; undefined when there is no such monitor.
   * When it returns, the events that it acknowledges are on the disk.
   * @throws AppError FORBIDDEN, BAD_INPUT, DISK
   */
  take(agent: Agent, chunk: Chunk, monitor: Monitor | undefined): ChunkAnswer {
    const { name, environment, vantage } = agent;
    const live = monitor?.live;
    if (monitor && (monitor.spec.environment !== environment || (live && !vantagesOf(live.plan).includes(vantage)))) {
      throw new AppError('FORBIDDEN', `the agent ${name} at ${vantage} of ${environment} holds nothing of the monitor ${chunk.monitor}`);
    }
    if (live?.session.id !== chunk.session) return { nextSeq: chunk.firstSeq + chunk.events.length, isObsolete: true };
    const events = acceptEvents(chunk, { plan: live.plan, vantage, nowT: live.nowT() });
    const owner = `prober:${vantage}`;
    const { stream, firstSeq } = chunk;
    // What was taken before is counted already; what comes too early is not taken.
    const news = events.slice(Math.max(0, live.nextSeq(owner, stream) - firstSeq));
    const complaint = monitor?.bounds?.complaint(vantage, news, live.watch.flowsAt(vantage)) ?? null;
    if (complaint !== null) throw refusal(chunk, complaint);
    try {
      const nextSeq = live.takeEvents(events, { owner, stream, firstSeq });
      this.#problem = null;
      return { nextSeq, isObsolete: false };
    } catch (error) {
      if (error instanceof AppError && error.code === 'DISK') this.#sayDisk(error.message);
      throw error;
    }
  }

  #sayDisk(message: string): void {
    const problem = `measurements are not taken, agents keep them: ${message}`;
    if (this.#problem === null) this.#log(problem);
    this.#problem = problem;
  }
}
