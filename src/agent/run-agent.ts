// One agent, start to end: enrols, takes orders, holds what they say, and tells what became of it.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentFile } from '../core/agent-file.ts';
import type { ClockEstimate } from '../core/agent-messages.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { diskError } from '../io/disk-error.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { HeldMonitors } from './held-monitors.ts';
import { OrderDesk } from './order-desk.ts';
import { OrderQueue } from './order-queue.ts';
import { reportState } from './reporter.ts';
import { ServiceClient } from './service-client.ts';
import { ServiceClock } from './service-clock.ts';
import { Spool } from './spool.ts';
import { Uploader } from './uploader.ts';
import { isAborted, pause } from './waiting.ts';

export type AgentOptions = {
  /** With secrets in place of references, and paths as this process sees them. */
  file: AgentFile;
  /** PEM of the authorities that the file names; null where it names none. */
  ca: { service: string | null; redis: string | null };
  /** Environment key, base64. */
  key: string;
  version: string;
  /** Boot id of this machine. */
  machineBoot: string;
  startProber: () => ChildProcess;
  /** Names a life of a prober: letters and digits, never the same twice. */
  newStream: () => string;
  /** Monotonic, ms. */
  now: () => number;
  log: (line: string) => void;
  /** How long jobs may wait untaken before the worker counts as stuck. */
  patienceMs?: number;
};

const ENROL_AGAIN_MS = 2_000;
const DRAIN_MS = 4_000;

/**
 * Works until the signal aborts; then ends its probers in order and sends what it can of the rest, which otherwise waits for the next life.
 * @throws AppError CONFLICT when another agent works on the same folder; FORBIDDEN when the controller is not the pinned one; REDIS when the
 *   worker is stuck; DISK
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { file, log, now } = options;
  await using opened = new AsyncDisposableStack();
  opened.use(lockState(file.state));
  const desk = new OrderDesk(file.agent, file.state, file.controllerKey ?? null);
  const clock = new ServiceClock(options.machineBoot);
  const client = opened.use(new ServiceClient({ service: file.service, token: file.token, ca: options.ca.service }));
  const spool = new Spool({ folder: join(file.state, 'spool'), maxBytes: file.spoolMegabytes << 20, newStream: options.newStream, log });
  const uploader = new Uploader({ spool, client, clock: () => currentEstimate(clock, now()), log });
  const held = new HeldMonitors(file.allow, { startProber: options.startProber, spool, clock, key: options.key, now, log });
  const state = () => ({
    version: options.version,
    machineBoot: options.machineBoot,
    serial: desk.serial,
    holdings: held.reports,
    spoolBytes: spool.bytes,
    droppedEvents: spool.droppedEvents,
  });
  // What is over with one of them is over with all.
  const over = new AbortController();
  const ending = AbortSignal.any([signal, over.signal]);
  const works = [
    reportState({ client, clock, state, now, log }, ending),
    uploader.run(ending),
    enrol(options, { client, desk }, ending),
    takeOrders(options, { desk, held }, ending),
  ];
  if (desk.last) held.follow(desk.last);
  try {
    await Promise.all(works);
  } finally {
    over.abort();
    await Promise.allSettled(works);
    await held[Symbol.asyncDispose]();
    await uploader.drain(AbortSignal.timeout(DRAIN_MS));
  }
}

/** Asks until the service answers. @throws AppError FORBIDDEN when its key is not the one to trust */
async function enrol(
  { file, log }: AgentOptions,
  { client, desk }: { client: ServiceClient; desk: OrderDesk },
  signal: AbortSignal,
): Promise<void> {
  let trouble = '';
  while (!signal.aborted) {
    try {
      const isFirst = desk.pinned === null;
      desk.enrol(await client.enrolment(signal), file.controllerKey ?? null);
      if (isFirst) log(`enrolled as ${file.agent}: orders are taken from the controller that was met now, and from no other`);
      return;
    } catch (error) {
      if (isAborted(signal)) return;
      if (!(error instanceof AppError) || error.code === 'FORBIDDEN' || error.code === 'DISK') throw error;
      if (messageOf(error) !== trouble) log(`not enrolled yet: ${messageOf(error)}`);
      trouble = messageOf(error);
    }
    await pause(ENROL_AGAIN_MS, signal);
  }
}

/** From when the controller is known. @throws AppError REDIS when the worker is stuck */
async function takeOrders(
  options: AgentOptions,
  { desk, held }: { desk: OrderDesk; held: HeldMonitors },
  signal: AbortSignal,
): Promise<void> {
  const { file, ca, now, log, patienceMs } = options;
  while (desk.pinned === null && !signal.aborted) await pause(100, signal);
  if (isAborted(signal)) return;
  await using queue = new OrderQueue({
    agent: file.agent,
    redis: { place: file.redis, ca: ca.redis },
    onOrder: (signed) => {
      const outcome = desk.take(signed);
      if (outcome.kind === 'old') return { serial: outcome.serial, isNew: false };
      log(`order ${String(outcome.order.serial)} is taken`);
      held.follow(outcome.order);
      return { serial: outcome.order.serial, isNew: true };
    },
    now,
    log,
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
  await queue.watch(signal);
}

function lockState(folder: string): Disposable {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw diskError(folder, cause);
  }
  return lockFolder(
    folder,
    'agent',
    (cause) => new AppError('CONFLICT', `another agent works on ${folder}`, { remedy: 'end it first, or give each agent a folder', cause }),
  );
}

function currentEstimate(clock: ServiceClock, nowMs: number): ClockEstimate | null {
  return clock.serviceBoot === null ? null : clock.estimate(clock.serviceBoot, nowMs);
}
