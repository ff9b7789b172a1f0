// All probers of a run: one a vantage, started together, told the same things, ended together.
import { type Assignment, CONTROL_SCHEMA } from '../core/control.ts';
import { AppError } from '../core/errors.ts';
import { machineBootId } from '../io/clock.ts';
import type { ChildProcess } from 'node:child_process';
import { activeVantages, populationsOf, type RunPlan } from './plan.ts';
import { ProberLink, type ProberListener } from './prober-link.ts';

export type FleetTools = {
  startProber(vantage: string): ChildProcess;
  /** Environment key, base64. */
  key: string;
  runId: string;
  runTag: string;
  t0MonoMs: number;
  /** Whether next-hop changes are observed, so that `settle` will come. */
  observed: boolean;
  listener: ProberListener;
};

const OPEN_TIMEOUT_MS = 60_000;
const FINAL_MAP_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

export class Fleet implements AsyncDisposable {
  readonly #links: ProberLink[];

  private constructor(links: ProberLink[]) {
    this.#links = links;
  }

  /** Starts a prober at every vantage that holds flows and gives each its work. Ends all of them if one refuses. */
  static async start(plan: RunPlan, tools: FleetTools, signal: AbortSignal): Promise<Fleet> {
    const links = activeVantages(plan).map((vantage) => new ProberLink(vantage, tools.startProber(vantage), tools.listener));
    const fleet = new Fleet(links);
    try {
      await Promise.all(
        links.map((link) => link.assign(({ machineBoot }) => assignmentFor(plan, { vantage: link.vantage, machineBoot, tools }), signal)),
      );
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  get vantages(): string[] {
    return this.#links.map((link) => link.vantage);
  }

  /** Opens all flows. @throws AppError PREFLIGHT when a vantage could not open a single one */
  async open(signal: AbortSignal): Promise<void> {
    const ready = this.#links.map((link) => link.ready(OPEN_TIMEOUT_MS, signal));
    this.tell('start');
    for (const event of await Promise.all(ready)) {
      if (event.opened > 0) continue;
      throw new AppError('PREFLIGHT', `no flow could be opened from ${event.vantage}: ${String(event.failed)} dials failed`, {
        remedy:
          'check that a responder with the same key listens behind the VIP, and that the vantage has its source address and a route to the VIP',
      });
    }
  }

  tell(type: 'start' | 'edge' | 'settle'): void {
    for (const link of this.#links) link.send({ type });
  }

  /** Re-dials every survivor once. */
  async finalMap(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#links.map((link) => link.finish('final-map', FINAL_MAP_TIMEOUT_MS, signal)));
  }

  /** Closes all flows; a prober that cannot any more is passed over: what it told is in the journal. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#links.map((link) => link.finish('stop', STOP_TIMEOUT_MS, new AbortController().signal)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function assignmentFor(plan: RunPlan, about: { vantage: string; machineBoot: string; tools: FleetTools }): Assignment {
  const { vantage, machineBoot, tools } = about;
  if (machineBoot !== machineBootId()) {
    // Another machine has another monotonic clock: without a measured offset every time it told would be a guess.
    throw new AppError('PREFLIGHT', `the prober at ${vantage} runs on another machine, whose clock this run cannot compare with its own`);
  }
  return {
    type: 'assign',
    schema: CONTROL_SCHEMA,
    runId: tools.runId,
    vantage,
    t0MonoMs: tools.t0MonoMs,
    clockErrMs: 0,
    sourceAddresses: plan.environment.vantages.find((candidate) => candidate.name === vantage)?.addresses ?? [],
    key: tools.key,
    runTag: tools.runTag,
    nodes: plan.environment.nodes.map(({ name, addresses, podCidrs }) => ({ name, addresses, podCidrs })),
    populations: populationsOf(plan, vantage),
    observed: tools.observed,
  };
}
