// The service's side of monitors: opens all of it from the state folder, and keeps it going once a second.
import { join } from 'node:path';
import type { SignedOrder } from '../../core/agent-messages.ts';
import { messageOf } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import type { MonitorSpec, ServiceFile } from '../../core/service-file.ts';
import { machineBootId } from '../../io/clock.ts';
import type { Argv } from '../../io/command.ts';
import type { Announce, Catalogue, Monitors, OnEvents, ServiceClock } from '../parts.ts';
import type { Store } from '../store/open-store.ts';
import { Agents } from './agents.ts';
import { FindingLog } from './finding-log.ts';
import { holdingAt } from './monitor-plan.ts';
import { MonitorRoom } from './monitor-room.ts';
import type { Monitor, MonitorTools } from './monitor.ts';
import { ObserverFleet } from './observer-fleet.ts';
import { openOrderKey } from './order-key.ts';
import { overdue, SegmentFolder } from './segment-folder.ts';

export type MonitorsOptions = {
  store: Store;
  catalogue: Catalogue;
  /** The monitors of the service's file: those of an earlier start that are not among them go. */
  monitors: readonly MonitorSpec[];
  sendOrder: (agent: string, order: SignedOrder) => Promise<void>;
  clock: ServiceClock;
  announce: Announce;
  onFinding: (finding: Finding) => Promise<void>;
  /** Default: nobody. */
  onEvents?: OnEvents;
  /** The command line of this program, without a subcommand. */
  program: Argv;
  /** The service's state folder. */
  folder: string;
  labPrefix: string;
  retention: ServiceFile['retention'];
  log: (line: string) => void;
  /** Default: of this machine. */
  machineBoot?: string;
  /** Default 1 s; null leaves `tick` to the caller. */
  tickEveryMs?: number | null;
};

/** `tick` does what the timer does once a second, and waits until what was found is told. */
export type OpenMonitors = Monitors & AsyncDisposable & { tick(): Promise<void> };

const TRY_AGAIN_EVERY_MS = 5_000;
const SWEEP_EVERY_MS = 600_000;

/** @throws AppError DISK, FILE_UNREADABLE for the key of orders; STORE */
export async function openMonitors(options: MonitorsOptions): Promise<OpenMonitors> {
  const { store, catalogue, clock, announce, onFinding, log } = options;
  await using opened = new AsyncDisposableStack();
  const key = openOrderKey(options.folder);
  const folder = new SegmentFolder(join(options.folder, 'segments'));
  const findings = await FindingLog.open({ store, onFinding, announce, log });
  const tools: MonitorTools = {
    store,
    catalogue,
    clock,
    machineBoot: options.machineBoot ?? machineBootId(),
    folder,
    findings,
    onEvents: options.onEvents ?? (() => undefined),
    log,
  };
  const monitors = new Map<string, Monitor>();
  const agents = await Agents.open({
    store,
    clock,
    key,
    log,
    sendOrder: options.sendOrder,
    holdings: ({ environment, vantage }) =>
      [...monitors.values()].flatMap(({ live, spec }) =>
        live && spec.environment === environment ? (holdingAt(live.plan, live.session, vantage) ?? []) : [],
      ),
  });
  const observers = new ObserverFleet({
    catalogue,
    program: options.program,
    labPrefix: options.labPrefix,
    monoMs: () => clock.monoMs(),
    take: (environment, event) => {
      room.takeObserved(environment, event);
    },
    log,
  });
  const room = new MonitorRoom({ tools, agents, observers, announce, controllerKey: key.publicPem }, monitors);
  opened.defer(() => room.close());
  opened.use(observers);
  await room.open(options.monitors);

  const sweep = async () => {
    const { segments: keptMs, maxBytes, history } = options.retention;
    const { aged, crowded } = overdue(folder.all(), { nowMs: clock.nowMs(), keptMs, maxBytes }, room.paths);
    if (crowded.length > 0)
      log(`segments are larger than maxBytes allows: the oldest ${String(crowded.length)} are removed before their time`);
    folder.remove([...aged, ...crowded]);
    await findings.forget(clock.nowMs() - history);
  };
  const isDue = due(() => clock.monoMs());
  const step = async () => {
    room.judge();
    // Not waited for: alerts that hang must not stop the judging.
    void findings.settle();
    if (isDue('try again', TRY_AGAIN_EVERY_MS)) await room.tryAgain();
    if (isDue('sweep', SWEEP_EVERY_MS)) await sweep();
  };
  const tick = async () => {
    await step();
    await findings.settle();
  };
  if (options.tickEveryMs !== null) opened.use(keepTicking(step, options.tickEveryMs ?? 1_000, log));
  const closing = opened.move();
  return Object.assign(room, { tick, [Symbol.asyncDispose]: () => closing.disposeAsync() });
}

/** Whether something is due that is done at most every so often; the first time at once. */
function due(nowMs: () => number): (what: string, everyMs: number) => boolean {
  const lastMs = new Map<string, number>();
  return (what, everyMs) => {
    if (nowMs() - (lastMs.get(what) ?? -Infinity) < everyMs) return false;
    lastMs.set(what, nowMs());
    return true;
  };
}

/** Calls `tick` again and again, never twice at once; disposing waits for the one under way. */
function keepTicking(tick: () => Promise<void>, everyMs: number, log: (line: string) => void): AsyncDisposable {
  let ticking: Promise<void> | null = null;
  const timer = setInterval(() => {
    ticking ??= tick()
      .catch((error: unknown) => {
        log(`monitors: ${messageOf(error)}`);
      })
      .finally(() => {
        ticking = null;
      });
  }, everyMs);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await ticking;
    },
  };
}
