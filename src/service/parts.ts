// The parts of a service as they see each other. Reading is done with queries on the store; these are the acts.
import type { AgentState, Chunk, ChunkAnswer } from '../core/agent-messages.ts';
import type { MonitorStatus } from '../core/api.ts';
import type { Environment } from '../core/environment.ts';
import type { Finding } from '../core/finding.ts';
import type { JournalEvent } from '../core/journal.ts';
import type { RunEnded } from '../core/notification.ts';
import type { Probe } from '../core/probe-file.ts';
import type { Scenario } from '../core/scenario-file.ts';
import type { MonitorSpec, PeriodSpec, ScheduleSpec } from '../core/service-file.ts';
import type { RunState } from './store/tables.ts';

/** Time as the service reads it; tests step it by hand. */
export type ServiceClock = {
  /** Unix ms. May step; durations must not be taken from it. */
  nowMs(): number;
  /** Monotonic, ms: the machine's CLOCK_MONOTONIC. */
  monoMs(): number;
};

export type Origin = 'file' | 'api';

/** What the service knows from its files, read once at the start. */
export type Catalogue = {
  /** `joinedKeeper`: name of the keeper that joins from another machine; runners are then told where its socket is. */
  environments: ReadonlyMap<string, { environment: Environment; file: string; joinedKeeper?: string }>;
  /** `sha256`: hex, of the file's bytes when it was read. */
  scenarios: ReadonlyMap<string, { scenario: Scenario & { name: string }; file: string; sha256: string }>;
  probes: ReadonlyMap<string, { probe: Probe; file: string }>;
};

/** Tells listeners (the page) that something changed. Topics: `finding`, `run`, `agent`, `alert`, `delivery`, `monitor`, `schedule`, `period`. */
export type Announce = (topic: string, subject: string) => void;

export type RunWish = {
  /** Deterministic: the same wish made twice is one run. Letters, digits, `-`, `.`. */
  id: string;
  scenario: string;
  environment: string;
  seed: number;
  trigger: string;
  overlap: 'wait' | 'refuse';
  dueMs: number;
};

export type Runs = {
  /** Makes the run, once, and lets it start as soon as its environment is free. @throws AppError UNKNOWN_NAME */
  request(wish: RunWish): Promise<{ id: string; isNew: boolean; state: RunState }>;
  /** Reverts, then reports; a queued one is only taken back. @throws AppError UNKNOWN_NAME, CONFLICT when it has ended */
  cancel(id: string, by: string): Promise<void>;
  /** What a run would do, as `holdfast run --dry-run` prints it. @throws AppError what its preflight says */
  plan(scenario: string, environment: string, seed: number): Promise<string>;
  /** Writes a note to every running run of the environment. @returns their ids */
  annotate(environment: string, text: string): Promise<string[]>;
  /**
   * From now on no run starts in this life: what is queued, or asked for later, waits for the next one unless it is cancelled. Resolves once
   * no start is under way any more.
   */
  stopStarting(): Promise<void>;
};

export type Schedules = {
  /** @throws AppError UNKNOWN_NAME; BAD_INPUT for a cron or time zone that is none; CONFLICT for an API's change of one that a file owns */
  put(spec: ScheduleSpec, origin: Origin): Promise<void>;
  /** Those of the file, all of them: one that the file no longer names is removed. */
  putFile(specs: readonly ScheduleSpec[]): Promise<void>;
  /** @throws AppError UNKNOWN_NAME; CONFLICT for one that a file owns */
  remove(name: string): Promise<void>;
  /** Unix ms of the next tick; null when paused or never. */
  nextTickMs(spec: ScheduleSpec): number | null;
};

export type Monitors = {
  /** @throws AppError UNKNOWN_NAME for an environment, VIP, vantage or probe that is not there; CONFLICT for a name of the other origin */
  put(spec: MonitorSpec, origin: Origin): Promise<void>;
  /** @throws AppError UNKNOWN_NAME; CONFLICT for one that a file owns */
  remove(name: string): Promise<void>;
  pause(name: string, isPaused: boolean): Promise<void>;
  /** Makes an agent known, or moves it. @throws AppError UNKNOWN_NAME; CONFLICT when the vantage has another agent */
  addAgent(agent: { name: string; environment: string; vantage: string }): Promise<void>;
  removeAgent(name: string): Promise<void>;
  /** Of the agents as they are now, in no order. */
  agentNames(): string[];
  /** PEM (SPKI) of the Ed25519 key that signs orders: what agents pin. */
  controllerKey: string;
  /** @throws AppError FORBIDDEN for what this agent may not say, BAD_INPUT for events that no prober says, DISK when it must be sent again */
  takeChunk(agent: string, chunk: Chunk): Promise<ChunkAnswer>;
  takeState(agent: string, state: AgentState): Promise<{ serial: number }>;
  /** As things are now. */
  status(): MonitorStatus[];
  /** What ails the monitoring itself (a full disk, a dead observer), a sentence each; empty in health. */
  problems(): string[];
};

export type Alerts = {
  /** Called for every new state of a finding, in order. Idempotent by id and `updatedMs`. */
  onFinding(finding: Finding): Promise<void>;
  /** Called once a run (or more: idempotent by run id). */
  onRunEnded(run: RunEnded): Promise<void>;
  /** Sends a sample. @returns the delivery's id; @throws AppError UNKNOWN_NAME */
  test(destination: string): Promise<string>;
  /** Tries a dead or delivered one again at once. @throws AppError UNKNOWN_NAME */
  resend(deliveryId: string): Promise<void>;
  putPeriod(spec: PeriodSpec, origin: Origin): Promise<void>;
  removePeriod(name: string): Promise<void>;
};

/** Health of the queues; ages in ms, null before the first canary came back. */
export type QueueHealth = {
  canaryAges(): { queue: string; ageMs: number | null }[];
  depths(): Promise<{ queue: string; waiting: number; delayed: number; failed: number }[]>;
  isRedisUp(): boolean;
};

/**
 * Told of a monitor's events once each, after they are accepted and on disk, in the order of their stream (metrics count them).
 * `isReplay`: read back from the segments after a restart, to know the flows that live; nothing of them is counted again.
 */
export type OnEvents = (
  of: { monitor: string; environment: string; session: string },
  events: readonly JournalEvent[],
  isReplay: boolean,
) => void;
