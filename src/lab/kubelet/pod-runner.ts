// One pod's life on its node: network, process, probes, restarts, the end; told as a status whenever that changes.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import { isAlive } from '../../io/process-identity.ts';
import type { KnownPod } from './duties.ts';
import { commandOf, type PodCommand } from './pod-command.ts';
import { makePodNetwork, removePodNetwork } from './pod-network.ts';
import { nextSlot, podPlace } from './pod-place.ts';
import { adoptProcess, endLeftovers, type Exit, type PodProcess, processesOfPod, signalProcess, startProcess } from './pod-process.ts';
import { type PodRecord, removePodRecord, writePodRecord } from './pod-records.ts';
import { type ContainerState, podStatus, type PodStatus, type Termination } from './pod-status.ts';
import type { PodPlan } from './pod.ts';
import { askProbe, commandSucceeds } from './probing.ts';
import { afterAnswer, readinessAtStart } from './readiness.ts';
import { afterExit } from './restarts.ts';

/** What all pods of a node share. */
export type PodHost = {
  prefix: string;
  node: { name: string; addresses: readonly string[]; podCidrs: readonly string[] };
  recordsFolder: string;
  logFolder: string;
  /** Variables that every process gets, such as PATH. */
  machine: Readonly<Record<string, string>>;
  /** Slots in use, and the one given last. */
  slots: { taken: Set<number>; last: number };
  log: (line: string) => void;
};

const NETWORK_AGAIN_MS = 1_000;
/** What is left for SIGTERM when preStop has used up the grace (kubelet: minimumGracePeriodInSeconds). */
const LEAST_GRACE_MS = 2_000;

export class PodRunner {
  readonly plan: PodPlan;
  /** Resolves when no process of the pod lives and none will. */
  readonly over: Promise<void>;
  readonly #host: PodHost;
  readonly #onStatus: (status: PodStatus) => void;
  readonly #record: Omit<PodRecord, 'schema'>;
  readonly #ending = new AbortController();
  #state: KnownPod['state'] = 'running';
  #container: ContainerState = { kind: 'creating' };
  #process: PodProcess | null = null;
  #status: PodStatus | null = null;
  #deadlineMs = Infinity;
  #graceSeconds: number | null = null;
  #killTimer: NodeJS.Timeout | null = null;
  #crashes = 0;
  #clearing: Promise<void> | null = null;

  /**
   * Begins to run `plan`, or goes on with what `predecessor` says of it.
   * @param onStatus told each new status; not before this constructor has returned
   */
  constructor(plan: PodPlan, host: PodHost, options: { predecessor: PodRecord | null; onStatus: (status: PodStatus) => void }) {
    this.plan = plan;
    this.#host = host;
    this.#onStatus = options.onStatus;
    const { uid, namespace, name } = plan;
    this.#record = options.predecessor ?? {
      ...{ uid, namespace, name },
      ...{ place: null, process: null, startTime: timeNow(), startedAt: null, restarts: 0, lastTermination: null, isReady: false },
    };
    if (this.#record.place !== null) host.slots.taken.add(this.#record.place.slot);
    this.over = Promise.resolve()
      .then(() => this.#live())
      .then(
        () => this.#finish(null),
        (error: unknown) => this.#finish(error),
      );
  }

  get known(): KnownPod {
    return { uid: this.plan.uid, state: this.#state, graceSeconds: this.#graceSeconds, isReady: this.#record.isReady };
  }

  /** The status told last; null before the first. */
  get status(): PodStatus | null {
    return this.#status;
  }

  /** Ends the pod within `graceSeconds` from now, or sooner if it was told to before. */
  end(graceSeconds: number): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, performance.now() + graceSeconds * 1_000);
    this.#graceSeconds = Math.min(this.#graceSeconds ?? Infinity, graceSeconds);
    if (this.#state === 'over') return;
    this.#armKill();
    if (this.#state === 'ending') return;
    this.#state = 'ending';
    this.#say(`is ended, within ${String(graceSeconds)} s`);
    this.#ending.abort();
    void this.#askToEnd();
  }

  /** Takes the pod's namespace and record away, once it is over. What cannot be taken away now, the next kubelet takes. */
  async clear(): Promise<void> {
    this.#clearing ??= this.over.then(async () => {
      try {
        const { place } = this.#record;
        if (place !== null) {
          await removePodNetwork(place);
          this.#host.slots.taken.delete(place.slot);
        }
        removePodRecord(this.#host.recordsFolder, this.plan.uid);
      } catch (error) {
        this.#say(`leaves something behind: ${messageOf(error)}`);
      }
    });
    await this.#clearing;
  }

  async #live(): Promise<void> {
    let process = this.#livingProcess();
    if (process === null) {
      this.#record.isReady = false;
      const { startedAt } = this.#record;
      // It ended while no kubelet looked.
      if (startedAt !== null && !(await this.#goesOnAfter({ code: null }))) return;
      this.#tell();
      await this.#settle();
    }
    // From the look at `#ending` to the start nothing may be awaited: `end` must find either no process or this one.
    while (process !== null || !this.#ending.signal.aborted) {
      process ??= this.#launch();
      this.#process = process;
      // Only an adopted one: `end` came before it was known, and found nobody to ask.
      if (this.#ending.signal.aborted) void this.#askToEnd();
      const exit = await this.#attend(process);
      this.#process = process = null;
      if (!(await this.#goesOnAfter(exit))) return;
    }
  }

  /** What follows the end of a process: whether another is to be started, once its delay has passed. */
  async #goesOnAfter(exit: Exit): Promise<boolean> {
    const ranMs = this.#noteEnd(exit);
    // A container takes all of its processes with it.
    await endLeftovers(this.plan.uid);
    if (this.#ending.signal.aborted) return false;
    const next = afterExit(this.plan.restartPolicy, { code: exit.code, ranMs }, this.#crashes);
    if (next.kind === 'over') return false;
    this.#crashes = next.crashes;
    this.#container = { kind: 'waiting', delayMs: next.delayMs };
    this.#tell();
    await sleep(next.delayMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    return true;
  }

  /** The last word on the pod. */
  async #finish(error: unknown): Promise<void> {
    if (error !== null) {
      this.#say(`is given up: ${messageOf(error)}`);
      await endLeftovers(this.plan.uid);
    }
    if (this.#killTimer) clearTimeout(this.#killTimer);
    this.#state = 'over';
    this.#record.isReady = false;
    const unseen = { code: null, startedAt: this.#record.startTime, finishedAt: timeNow() };
    this.#container = { kind: 'ended', how: this.#record.lastTermination ?? unseen };
    this.#tell();
  }

  /**
   * The process that a predecessor left; it may have died before it could write down which one it was. Only then it is searched for:
   * where one is recorded, another that leads a session is a probe's command.
   */
  #livingProcess(): PodProcess | null {
    const identity = this.#record.process ?? processesOfPod(this.plan.uid).find(({ isLeader }) => isLeader);
    if (identity === undefined || !isAlive(identity)) return null;
    this.#say(`goes on as process ${String(identity.pid)}`);
    const { pid, startTicks } = identity;
    return adoptProcess({ pid, startTicks });
  }

  /** Gives the pod a network of its own, however often that takes. */
  async #settle(): Promise<void> {
    if (this.plan.isHostNetwork) return;
    const { prefix, node, slots } = this.#host;
    while (!this.#ending.signal.aborted) {
      try {
        const slot = this.#record.place?.slot ?? nextSlot(slots.last, slots.taken);
        if (slot === null) throw new Error('no address is free on this node');
        slots.taken.add(slot);
        slots.last = slot;
        this.#record.place = podPlace({ prefix }, node, slot);
        this.#write();
        await makePodNetwork(prefix, this.#record.place, this.#ending.signal);
        return;
      } catch (error) {
        if (isAborted(this.#ending.signal)) return;
        this.#say(`has no network yet: ${messageOf(error)}`);
        await sleep(NETWORK_AGAIN_MS, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      }
    }
  }

  #launch(): PodProcess {
    mkdirSync(this.#host.logFolder, { recursive: true, mode: 0o700 });
    if (this.#record.startedAt !== null) this.#record.restarts += 1;
    this.#record.startedAt = timeNow();
    this.#record.process = null;
    this.#write();
    const process = startProcess(this.#command(), {
      netns: this.#netns,
      cwd: existsSync(this.plan.container.workingDir) ? this.plan.container.workingDir : '/',
      logPath: join(this.#host.logFolder, `${this.plan.namespace}_${this.plan.name}.log`),
    });
    this.#record.process = process.identity;
    this.#write();
    this.#say(`started as process ${String(process.identity?.pid ?? 'unknown')}`);
    return process;
  }

  /** While the process lives: running, probed. */
  async #attend(process: PodProcess): Promise<Exit> {
    this.#container = { kind: 'running', startedAt: this.#record.startedAt ?? timeNow() };
    const gone = new AbortController();
    const probing = this.#keepProbing(gone.signal);
    const exit = await process.ended;
    gone.abort();
    await probing;
    return exit;
  }

  /** Goes on while the pod is ending: what still answers keeps its place behind a Service, and its node's route. */
  async #keepProbing(signal: AbortSignal): Promise<void> {
    const { readiness: probe } = this.plan.container;
    let readiness = readinessAtStart(probe);
    // An adopted process was what it was: a kubelet's return is no reason to take it out.
    if (probe !== null) readiness = { ...readiness, isReady: this.#record.isReady };
    this.#setReady(readiness.isReady);
    if (probe === null) return;
    const pause = async (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
    await pause(probe.initialDelaySeconds * 1_000);
    while (!signal.aborted) {
      const askedMs = performance.now();
      const answer = await askProbe(probe, this.#probed(), signal);
      if (isAborted(signal)) return;
      readiness = afterAnswer(readiness, answer, probe);
      if (readiness.isReady !== this.#record.isReady) this.#setReady(readiness.isReady);
      await pause(Math.max(0, askedMs + probe.periodSeconds * 1_000 - performance.now()));
    }
  }

  async #askToEnd(): Promise<void> {
    const { preStop } = this.plan.container;
    const target = this.#process;
    if (target === null) return;
    if (preStop !== null) {
      const leftMs = Math.ceil(Math.max(0, this.#deadlineMs - performance.now()));
      const signal = AbortSignal.any([AbortSignal.timeout(leftMs), signalOf(target.ended)]);
      if (preStop.kind === 'exec') await commandSucceeds(preStop.command, this.#probed(), signal);
      else await sleep(preStop.seconds * 1_000, undefined, { signal }).catch(() => undefined);
      this.#deadlineMs = Math.max(this.#deadlineMs, performance.now() + LEAST_GRACE_MS);
      this.#armKill();
    }
    signalProcess(target, 'SIGTERM');
  }

  #armKill(): void {
    if (this.#killTimer) clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(
      () => {
        if (this.#process) signalProcess(this.#process, 'SIGKILL');
      },
      Math.max(0, this.#deadlineMs - performance.now()),
    );
  }

  /** @returns how long it ran, in ms */
  #noteEnd({ code }: Exit): number {
    const how: Termination = { code, startedAt: this.#record.startedAt ?? timeNow(), finishedAt: timeNow() };
    this.#record.lastTermination = how;
    this.#record.process = null;
    this.#record.isReady = false;
    this.#write();
    this.#say(`ended with ${String(code ?? 'an unknown code')}`);
    return Date.parse(how.finishedAt) - Date.parse(how.startedAt);
  }

  #setReady(isReady: boolean): void {
    this.#record.isReady = isReady;
    this.#write();
    this.#tell();
  }

  #tell(): void {
    const { startTime, lastTermination, restarts, isReady } = this.#record;
    const facts = { startTime, lastTermination, restarts, isReady, container: this.#container, plan: this.plan };
    const status = podStatus({ ...facts, ...this.#addresses() }, this.#status, timeNow());
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#onStatus(status);
  }

  #addresses(): { podIps: readonly string[]; hostIps: readonly string[] } {
    const hostIps = this.#host.node.addresses;
    return { hostIps, podIps: this.plan.isHostNetwork ? hostIps : (this.#record.place?.addresses ?? []) };
  }

  #command(): PodCommand {
    return commandOf(this.plan, this.#addresses(), this.#host.machine);
  }

  #probed(): { netns: string | null; address: string; env: Readonly<Record<string, string>> } {
    return { netns: this.#netns, address: this.#addresses().podIps[0] ?? '', env: this.#command().env };
  }

  get #netns(): string | null {
    return this.#record.place?.netns ?? null;
  }

  #write(): void {
    writePodRecord(this.#host.recordsFolder, this.#record);
  }

  #say(what: string): void {
    this.#host.log(`${this.plan.namespace}/${this.plan.name} ${what}`);
  }
}

/** RFC 3339 in whole seconds, as metav1.Time is. */
function timeNow(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

function signalOf(happened: Promise<unknown>): AbortSignal {
  const controller = new AbortController();
  void happened.then(() => {
    controller.abort();
  });
  return controller.signal;
}

/** Asked anew: the compiler believes that it knows. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
