// All monitors of a service: the acts by which the other parts change them, and what goes on while nobody does.
import type { AgentState, Chunk, ChunkAnswer } from '../../core/agent-messages.ts';
import type { MonitorStatus } from '../../core/api.ts';
import { didYouMean } from '../../core/did-you-mean.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { MonitorSpec } from '../../core/service-file.ts';
import type { ObserverEvent } from '../../observers/observer.ts';
import type { Announce, Monitors, Origin } from '../parts.ts';
import { acceptEvents } from './accept-chunk.ts';
import type { AgentPlace, Agents } from './agents.ts';
import { planMonitor, vantagesOf } from './monitor-plan.ts';
import { monitorStatusOf } from './monitor-status.ts';
import { Monitor, type MonitorTools } from './monitor.ts';
import type { ObserverFleet } from './observer-fleet.ts';
import type { WatchedSession } from './watched-session.ts';

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
  /** What each watch was told last of each vantage. */
  readonly #told = new WeakMap<WatchedSession, Map<string, 'heard' | 'silent'>>();
  #turn: Promise<unknown> = Promise.resolve();
  #diskProblem: string | null = null;

  /** @param monitors shared with who made it: orders are made from the same ones */
  constructor(parts: RoomParts, monitors: Map<string, Monitor>) {
    this.#parts = parts;
    this.#monitors = monitors;
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
        else await monitor.tryStart();
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
      if (monitor.isPaused) await monitor.save();
      else await this.#start(monitor);
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
      else await this.#start(monitor);
      monitor.isPaused = isPaused;
      await monitor.save();
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

  takeChunk(name: string, chunk: Chunk): Promise<ChunkAnswer> {
    return Promise.resolve().then(() => this.#takeChunk(name, chunk));
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
      ...(this.#diskProblem === null ? [] : [this.#diskProblem]),
      ...(findings.problem === null ? [] : [findings.problem]),
      ...observers.problems,
      ...agents.problems,
    ];
  }

  /** The segments that are being written. */
  get paths(): Set<string> {
    return new Set([...this.#monitors.values()].flatMap(({ live }) => live?.path ?? []));
  }

  /** Once a second: tells the watches who is silent, lets each judge, and passes on what they found. */
  async judge(): Promise<void> {
    const { findings, log } = this.#parts.tools;
    for (const monitor of this.#monitors.values()) {
      if (!monitor.live) continue;
      try {
        this.#tellVantages(monitor);
        findings.take(monitor.live.advance());
      } catch (error) {
        // A mistake in judging one monitor must not blind the others.
        const problem = `the monitor ${monitor.name} cannot be judged: ${messageOf(error)}`;
        if (problem !== monitor.problem) log(problem);
        monitor.problem = problem;
      }
    }
    await findings.settle();
  }

  /** Starts what could not be watched before. */
  async tryAgain(): Promise<void> {
    const waiting = [...this.#monitors.values()].filter(({ live, isPaused }) => live === null && !isPaused);
    if (waiting.length === 0) return;
    await this.#inTurn(async () => {
      for (const monitor of waiting) {
        if (this.#monitors.get(monitor.name) !== monitor || monitor.live !== null || monitor.isPaused) continue;
        if (!(await monitor.tryStart())) continue;
        this.#tellStanding(monitor);
        await this.#changed(monitor);
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
    for (const monitor of this.#monitors.values()) {
      monitor.live?.[Symbol.dispose]();
      monitor.live = null;
    }
    await this.#parts.tools.findings.settle();
  }

  #takeChunk(name: string, chunk: Chunk): ChunkAnswer {
    const { environment, vantage } = this.#parts.agents.get(name);
    const monitor = this.#monitors.get(chunk.monitor);
    const live = monitor?.live;
    if (monitor && (monitor.spec.environment !== environment || (live && !vantagesOf(live.plan).includes(vantage)))) {
      throw new AppError('FORBIDDEN', `the agent ${name} at ${vantage} of ${environment} holds nothing of the monitor ${chunk.monitor}`);
    }
    if (live?.session.id !== chunk.session) return { nextSeq: chunk.firstSeq + chunk.events.length, isObsolete: true };
    const events = acceptEvents(chunk, { plan: live.plan, vantage, nowT: live.nowT() });
    try {
      const nextSeq = live.takeEvents(events, { owner: `prober:${vantage}`, stream: chunk.stream, firstSeq: chunk.firstSeq });
      this.#diskProblem = null;
      return { nextSeq, isObsolete: false };
    } catch (error) {
      if (error instanceof AppError && error.code === 'DISK') this.#sayDisk(error.message);
      throw error;
    }
  }

  #sayDisk(message: string): void {
    if (this.#diskProblem === null) this.#parts.tools.log(`measurements are not taken, agents keep them: ${message}`);
    this.#diskProblem = `measurements are not taken, agents keep them: ${message}`;
  }

  /** Tells the watch whose agent is silent; of one that this service has not heard yet it knows nothing new. */
  #tellVantages({ live }: Monitor): void {
    if (!live) return;
    const { agents } = this.#parts;
    const told = this.#told.get(live) ?? new Map<string, 'heard' | 'silent'>();
    this.#told.set(live, told);
    for (const vantage of vantagesOf(live.plan)) {
      const agent = agents.at(live.plan.environment.name, vantage);
      const state = agent !== null && agents.isSilent(agent) ? 'silent' : 'heard';
      if (told.get(vantage) === state || (state === 'heard' && agent?.hasSpoken === false)) continue;
      told.set(vantage, state);
      live.takeVantage({ vantage, state, sinceT: agent === null ? live.nowT() : agent.heardMonoMs - live.session.t0MonoMs });
    }
  }

  async #start(monitor: Monitor): Promise<void> {
    await monitor.start();
    this.#tellStanding(monitor);
  }

  /** A monitor that begins later than the observers learns from here how things stand. */
  #tellStanding({ live, spec }: Monitor): void {
    live?.takeObserved(this.#parts.observers.standing(spec.environment));
  }

  async #drop(monitor: Monitor, why: string): Promise<void> {
    await monitor.end(why);
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
