// All monitors of a service: the acts by which the other parts change them, and what goes on while nobody does.
import type { AgentState, Chunk, ChunkAnswer } from '../../core/agent-messages.ts';
import type { MonitorStatus } from '../../core/api.ts';
import { didYouMean } from '../../core/did-you-mean.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { MonitorSpec } from '../../core/service-file.ts';
import type { ObserverEvent } from '../../observers/observer.ts';
import type { Announce, Monitors, Origin } from '../parts.ts';
import type { AgentPlace, Agents } from './agents.ts';
import { ChunkDesk } from './chunk-desk.ts';
import { planMonitor } from './monitor-plan.ts';
import { monitorStatusOf } from './monitor-status.ts';
import { Monitor, type MonitorTools } from './monitor.ts';
import type { ObserverFleet } from './observer-fleet.ts';
import { Silence } from './silence.ts';

export type RoomParts = {
  tools: MonitorTools;
  announce: Announce;
  agents: Agents;
  observers: ObserverFleet;
  controllerKey: string;
};

export class MonitorRoom implements Monitors {
  readonly #parts: RoomParts;
  readonly #monitors: Map<string, Monitor>;
  readonly #desk: ChunkDesk;
  readonly #silence: Silence;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** @param monitors shared with who made it: orders are made from the same ones */
  constructor(parts: RoomParts, monitors: Map<string, Monitor>) {
    this.#parts = parts;
    this.#monitors = monitors;
    this.#desk = new ChunkDesk(parts.tools.log);
    this.#silence = new Silence(parts.agents);
  }

  get controllerKey(): string {
    return this.#parts.controllerKey;
  }

  /** Goes on with what the store knows, as far as the file still has it, and with what the file has anew. */
  async open(ofFile: readonly MonitorSpec[]): Promise<void> {
    await this.#inTurn(async () => {
      const { tools, agents } = this.#parts;
      for (const monitor of await Monitor.stored(tools)) this.#monitors.set(monitor.name, monitor);
      for (const monitor of [...this.#monitors.values()]) {
        if (monitor.origin !== 'file' || ofFile.some(({ name }) => name === monitor.name)) continue;
        await this.#drop(monitor, 'The monitor left the service’s file.');
      }
      for (const spec of ofFile) {
        const monitor = new Monitor(spec, 'file', tools);
        const before = this.#monitors.get(spec.name);
        if (before) monitor.follow(before);
        this.#monitors.set(spec.name, monitor);
      }
      for (const monitor of this.#monitors.values()) {
        if (monitor.isPaused) await monitor.save();
        else await monitor.tryStart([]);
      }
      await this.#observe();
      await agents.orderAll();
    });
  }

  async put(spec: MonitorSpec, origin: Origin): Promise<void> {
    planMonitor(spec, this.#parts.tools.catalogue);
    await this.#inTurn(async () => {
      const before = this.#monitors.get(spec.name);
      if (before && before.origin !== origin) throw ofOther(before);
      if (before && JSON.stringify(before.spec) === JSON.stringify(spec)) return;
      const monitor = new Monitor(spec, origin, this.#parts.tools);
      if (before) {
        await before.end('The monitor was changed: what came of this was not seen.');
        monitor.follow(before);
      }
      this.#monitors.set(spec.name, monitor);
      try {
        if (monitor.isPaused) await monitor.save();
        else await monitor.start(this.#standing(monitor));
      } catch (error) {
        // One that was there waits for another try; a new one was refused, and must not be there after a restart either.
        if (!before) await this.#forget(monitor).catch(() => undefined);
        throw error;
      }
      await this.#changed(monitor, before);
    });
  }

  async remove(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const monitor = this.#named(name);
      if (monitor.origin === 'file') throw ofOther(monitor);
      await this.#drop(monitor, 'The monitor was removed: what came of this was not seen.');
      await this.#changed(monitor);
    });
  }

  async pause(name: string, isPaused: boolean): Promise<void> {
    await this.#inTurn(async () => {
      const monitor = this.#named(name);
      if (monitor.isPaused === isPaused) return;
      if (isPaused) await monitor.end('The monitor was paused: what came of this was not seen.');
      monitor.isPaused = isPaused;
      try {
        if (isPaused) await monitor.save();
        else await monitor.start(this.#standing(monitor));
      } catch (error) {
        monitor.isPaused = !isPaused; // one that could not be paused begins anew at the next try
        throw error;
      }
      await this.#changed(monitor);
    });
  }

  async addAgent(place: AgentPlace): Promise<void> {
    const environment = this.#parts.tools.catalogue.environments.get(place.environment)?.environment;
    if (!environment?.vantages.some(({ name }) => name === place.vantage)) {
      const known = environment?.vantages.map(({ name }) => name) ?? [...this.#parts.tools.catalogue.environments.keys()];
      const what = environment
        ? `the environment ${place.environment} has no vantage ${place.vantage}`
        : `there is no environment ${place.environment}`;
      throw new AppError('UNKNOWN_NAME', what, { remedy: `there are ${known.join(', ')}` });
    }
    await this.#inTurn(() => this.#parts.agents.add(place));
    this.#parts.announce('agent', place.name);
  }

  async removeAgent(name: string): Promise<void> {
    await this.#inTurn(() => this.#parts.agents.remove(name));
    this.#parts.announce('agent', name);
  }

  agentNames(): string[] {
    return this.#parts.agents.names;
  }

  takeChunk(name: string, chunk: Chunk): Promise<ChunkAnswer> {
    return Promise.resolve().then(() => {
      // Nothing is watched any more, and that must not tell an agent to throw away what it has.
      if (this.#isClosed) throw new AppError('STORE', 'the service is ending', { remedy: 'send the chunk again' });
      return this.#desk.take(this.#parts.agents.get(name), chunk, this.#monitors.get(chunk.monitor));
    });
  }

  async takeState(name: string, state: AgentState): Promise<{ serial: number }> {
    const { agents, announce } = this.#parts;
    const before = digest(agents.get(name).state);
    const wasSilent = agents.isSilent(agents.get(name));
    const serial = await agents.takeState(name, state);
    if (wasSilent || before !== digest(state)) announce('agent', name);
    return { serial };
  }

  status(): MonitorStatus[] {
    const { agents } = this.#parts;
    return [...this.#monitors.values()].map((monitor) => monitorStatusOf(monitor, agents));
  }

  problems(): string[] {
    const { agents, observers, tools } = this.#parts;
    const { findings } = tools;
    return [
      ...[...this.#monitors.values()].flatMap(({ problem }) => problem ?? []),
      ...[this.#desk.problem, findings.problem].filter((problem) => problem !== null),
      ...observers.problems,
      ...agents.problems,
    ];
  }

  /** The segments that are being written. */
  get paths(): Set<string> {
    return new Set([...this.#monitors.values()].flatMap(({ live }) => live?.path ?? []));
  }

  /** Once a second: tells the watches who is silent, and lets each judge. */
  judge(): void {
    const { findings, log } = this.#parts.tools;
    for (const monitor of this.#monitors.values()) {
      if (!monitor.live) continue;
      try {
        this.#silence.tell(monitor.live);
        findings.take(monitor.live.advance());
        monitor.problem = null;
      } catch (error) {
        // A mistake in judging one monitor must not blind the others.
        const problem = `the monitor ${monitor.name} cannot be judged: ${messageOf(error)}`;
        if (problem !== monitor.problem) log(problem);
        monitor.problem = problem;
      }
    }
  }

  /** Starts what could not be watched before. */
  async tryAgain(): Promise<void> {
    const waiting = [...this.#monitors.values()].filter(({ live, isPaused }) => live === null && !isPaused);
    if (waiting.length === 0) return;
    await this.#inTurn(async () => {
      for (const monitor of waiting) {
        if (this.#monitors.get(monitor.name) !== monitor || monitor.live !== null || monitor.isPaused) continue;
        if (await monitor.tryStart(this.#standing(monitor))) await this.#changed(monitor);
      }
    });
  }

  /** What an observer told of an environment. @throws AppError DISK */
  takeObserved(environment: string, event: ObserverEvent): void {
    for (const { live } of this.#watchedIn(environment)) live?.takeObserved([event]);
  }

  /** Waits for the acts under way, and lets go of every segment. */
  async close(): Promise<void> {
    await this.#inTurn(() => Promise.resolve());
    this.#isClosed = true;
    for (const monitor of this.#monitors.values()) monitor.letGo();
    await this.#parts.tools.findings.settle();
  }

  /** A monitor that begins later than the observers learns from here how things stand. */
  #standing({ spec }: Monitor): ObserverEvent[] {
    return this.#parts.observers.standing(spec.environment);
  }

  async #drop(monitor: Monitor, why: string): Promise<void> {
    await monitor.end(why);
    await this.#forget(monitor);
  }

  async #forget(monitor: Monitor): Promise<void> {
    this.#monitors.delete(monitor.name);
    await this.#parts.tools.store.deleteFrom('monitors').where('name', '=', monitor.name).execute();
  }

  /** New orders to who holds flows of it, and to who held some before. */
  async #changed(monitor: Monitor, before: Monitor = monitor): Promise<void> {
    await this.#observe();
    for (const environment of new Set([monitor.spec.environment, before.spec.environment])) await this.#parts.agents.orderAll(environment);
    this.#parts.announce('monitor', monitor.name);
  }

  async #observe(): Promise<void> {
    const watched = [...this.#monitors.values()].filter(({ live }) => live !== null);
    await this.#parts.observers.observe(new Set(watched.map(({ spec }) => spec.environment)));
  }

  #watchedIn(environment: string): Monitor[] {
    return [...this.#monitors.values()].filter(({ spec, live }) => live !== null && spec.environment === environment);
  }

  #named(name: string): Monitor {
    const monitor = this.#monitors.get(name);
    if (monitor) return monitor;
    const near = didYouMean(name, [...this.#monitors.keys()]);
    throw new AppError('UNKNOWN_NAME', `there is no monitor ${name}${near === null ? '' : `; did you mean ${near}?`}`);
  }

  /** One act after the other: two changes of a monitor must not meet between the disk and the store. */
  async #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined); // whoever asked is told
    return await turn;
  }
}

function ofOther({ name, origin }: Monitor): AppError {
  return origin === 'file'
    ? new AppError('CONFLICT', `the monitor ${name} stands in the service’s file`, {
        remedy: 'change it there and start the service again',
      })
    : new AppError('CONFLICT', `the monitor ${name} was made through the API`, { remedy: 'remove it there first' });
}

/** What of an agent's state people look at; its figures change every time. */
function digest(state: AgentState | null): string {
  return JSON.stringify([
    state?.serial,
    state?.version,
    state?.holdings.map(({ monitor, state: held, why, isIll }) => [monitor, held, why, isIll]),
  ]);
}
