// Which ticks of a schedule are due: pure, from its spec, how far it was dealt with, and the time. Whatever the clock does, a tick is named
// by its instant alone, so that no step, repetition or second path makes two runs of one.
import { Cron } from 'croner';
import { AppError, messageOf } from '../../core/errors.ts';
import type { ScheduleSpec } from '../../core/service-file.ts';
import type { TickRhythm } from '../queue/tick-triggers.ts';

/** A tick that starts this much late is not started any more. */
export const LATE_MS = 60_000;
/** Of many ticks that were slept through, the newest are recorded one by one. */
const RECORDED = 20;

export type Tick = {
  /** Unix ms; names the tick. */
  atMs: number;
  /** With its jitter. */
  startMs: number;
};

export type DueTicks = {
  start: Tick[];
  /** Slept through; the first says whether there were earlier ones that are not recorded. */
  skip: { tick: Tick; hasEarlier: boolean }[];
  /** To be kept: ticks up to here are dealt with. */
  handledUntilMs: number;
};

/** Ticks after `handledUntilMs` whose start has come by `nowMs`. A paused schedule has none, and passes them by. */
export function dueTicks(spec: ScheduleSpec, handledUntilMs: number, nowMs: number): DueTicks {
  // A clock that went back: its coming ticks come again; those that have a run already are known by their ids.
  if (spec.paused || nowMs <= handledUntilMs) return { start: [], skip: [], handledUntilMs: nowMs };
  const rhythm = rhythmOf(spec);
  // Whatever ticked before this is late even with the longest jitter: it need not be looked at one by one.
  const nearMs = Math.max(handledUntilMs, nowMs - LATE_MS - spec.jitter);
  const due: DueTicks = { start: [], skip: [], handledUntilMs: nowMs };
  const slept = lastTicks(rhythm, { fromMs: handledUntilMs, untilMs: nearMs }, RECORDED + 1);
  const hasEarlier = slept.length > RECORDED;
  for (const [index, atMs] of slept.slice(-RECORDED).entries()) {
    due.skip.push({ tick: { atMs, startMs: atMs + jitterMs(spec, atMs) }, hasEarlier: hasEarlier && index === 0 });
  }
  for (const atMs of ticksBetween(rhythm, nearMs, nowMs)) {
    const tick = { atMs, startMs: atMs + jitterMs(spec, atMs) };
    if (tick.startMs > nowMs) due.handledUntilMs = Math.min(due.handledUntilMs, atMs - 1);
    else if (nowMs - tick.startMs < LATE_MS) due.start.push(tick);
    else due.skip.push({ tick, hasEarlier: false });
  }
  return due;
}

/** Start of the first tick after `nowMs`; null when paused or never. */
export function nextStartMs(spec: ScheduleSpec, nowMs: number): number | null {
  if (spec.paused) return null;
  const rhythm = rhythmOf(spec);
  let first: number | null = null;
  // A tick that has come may wait for its jitter still, and one to come may have less of it than the one before.
  for (let atMs = nextTick(rhythm, nowMs - spec.jitter - 1); atMs !== null && atMs < (first ?? Infinity); atMs = nextTick(rhythm, atMs)) {
    const startMs = atMs + jitterMs(spec, atMs);
    if (startMs > nowMs) first = Math.min(first ?? Infinity, startMs);
  }
  return first;
}

/** Deterministic for a tick: both paths to its run, and every restart, make the same. Letters, digits, `-`, `.`. */
export function tickRunId(schedule: string, atMs: number): string {
  const iso = new Date(atMs).toISOString().replaceAll(/[-:]/g, '');
  return `${schedule}-${iso.replace('.000Z', 'Z')}`;
}

/** What decides the choices that a run of this tick leaves open; spread over all of 32 bits. */
export function tickSeed(runId: string): number {
  return hash32(runId);
}

export function rhythmOf(spec: ScheduleSpec): TickRhythm {
  return spec.cron === undefined ? { everyMs: spec.every ?? Infinity } : { cron: spec.cron, timeZone: spec.timeZone };
}

/** @throws AppError BAD_INPUT for a cron or a time zone that is none */
export function checkRhythm(spec: ScheduleSpec): void {
  if (spec.cron === undefined) return;
  const { cron, timeZone } = spec;
  const fields = cron.trim().split(/\s+/).length;
  const bad = (why: string, cause?: unknown) =>
    new AppError('BAD_INPUT', `schedule ${spec.name}: ${why}`, {
      remedy:
        'cron has five fields (minute hour day month weekday), or six with seconds first; timeZone is an IANA name such as Europe/Berlin',
      cause,
    });
  if (fields !== 5 && fields !== 6) throw bad(`expected a cron of five or six fields, found "${cron}"`);
  try {
    cronOf(cron, timeZone).nextRun();
  } catch (cause) {
    throw bad(messageOf(cause), cause);
  }
}

/** Later than the tick by this; uniform up to the schedule's jitter and fixed by the tick. */
function jitterMs(spec: ScheduleSpec, atMs: number): number {
  return spec.jitter === 0 ? 0 : Math.floor((hash32(`${spec.name} ${String(atMs)}`) / 2 ** 32) * (spec.jitter + 1));
}

function nextTick(rhythm: TickRhythm, afterMs: number): number | null {
  if ('everyMs' in rhythm) return Number.isFinite(rhythm.everyMs) ? (Math.floor(afterMs / rhythm.everyMs) + 1) * rhythm.everyMs : null;
  return cronOf(rhythm.cron, rhythm.timeZone).nextRun(new Date(afterMs))?.getTime() ?? null;
}

/** Ticks in (fromMs, untilMs], in order. */
function* ticksBetween(rhythm: TickRhythm, fromMs: number, untilMs: number): Generator<number> {
  for (let atMs = nextTick(rhythm, fromMs); atMs !== null && atMs <= untilMs; atMs = nextTick(rhythm, atMs)) yield atMs;
}

/** At most `limit` of the last ticks in (fromMs, untilMs], in order. */
function lastTicks(rhythm: TickRhythm, { fromMs, untilMs }: { fromMs: number; untilMs: number }, limit: number): number[] {
  if (untilMs <= fromMs) return [];
  if ('everyMs' in rhythm) {
    const last = Math.floor(untilMs / rhythm.everyMs);
    const newest = Array.from({ length: limit }, (_, back) => (last - back) * rhythm.everyMs);
    return newest.filter((atMs) => atMs > fromMs).reverse();
  }
  const cron = cronOf(rhythm.cron, rhythm.timeZone);
  const newest: number[] = [];
  // No field of cron is finer than a second: counted back from the second after, the end is inclusive.
  let before = new Date(Math.floor(untilMs / 1_000) * 1_000 + 1_000);
  while (newest.length < limit) {
    const [date] = cron.previousRuns(1, before);
    if (!date || date.getTime() <= fromMs) break;
    if (date.getTime() <= untilMs) newest.unshift(date.getTime());
    before = date;
  }
  return newest;
}

function cronOf(cron: string, timeZone: string): Cron {
  return new Cron(cron.trim(), { timezone: timeZone, paused: true });
}

/** FNV-1a with a final mix (MurmurHash3's): short texts that differ in one digit land far apart. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
