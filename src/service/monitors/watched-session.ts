// One session of a monitor while it lasts: its segments on disk, how far each stream was taken, and the watch that reads along.
//
//   chunk ----+                  +--> segment, fsynced: only then is it acknowledged
//   observer -+--> numbered -----+
//   vantage --+                  +--> watch --advance, once a second--> findings
//
// The segment holds everything that the watch was given, in that order, and when it judged: read again after a crash it comes to the
// same findings, with the same ids.
import { type WatchSnapshot, WATCH_SNAPSHOT_SCHEMA } from '../../analysis/monitor/watch-snapshot.ts';
import { Watch } from '../../analysis/monitor/watch.ts';
import { AppError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import { type JournalEvent, vantageOf } from '../../core/journal.ts';
import type { ObserverEvent } from '../../observers/observer.ts';
import type { ServiceClock } from '../parts.ts';
import { knownFlows } from './known-flows.ts';
import type { MonitorPlan, Session } from './monitor-plan.ts';
import { replaySegment, type SegmentHead, type SegmentLine, SegmentWriter, type VantageTold } from './segment-file.ts';
import { hourOf, nextAfter, type SegmentFolder, type SegmentPlace } from './segment-folder.ts';
import { StreamPositions } from './stream-positions.ts';

const OBSERVER = 'observer';
/** More than an hour, which ends a segment first unless the wall clock was in the future once: then no later hour comes. */
const SEGMENT_MS = 75 * 60_000;
/** Read again at a restart, and gone from the disk only as a whole. */
const SEGMENT_BYTES = 64 << 20;

export type SessionOptions = {
  plan: MonitorPlan;
  session: Session;
  folder: SegmentFolder;
  clock: ServiceClock;
  /** Told of all that the watch takes. */
  onEvents: (events: readonly JournalEvent[], isReplay: boolean) => void;
};

export class WatchedSession implements Disposable {
  readonly plan: MonitorPlan;
  readonly session: Session;
  readonly watch: Watch;
  readonly #folder: SegmentFolder;
  readonly #clock: ServiceClock;
  readonly #positions: StreamPositions;
  readonly #onEvents: SessionOptions['onEvents'];
  #writer: SegmentWriter;
  #hour: string;
  /** Since when it is written, monotonic, and how large it was then. */
  #since: { monoMs: number; bytes: number };

  private constructor(options: SessionOptions, held: { watch: Watch; positions: StreamPositions; writer: SegmentWriter; hour: string }) {
    this.plan = options.plan;
    this.session = options.session;
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#onEvents = options.onEvents;
    this.watch = held.watch;
    this.#positions = held.positions;
    this.#writer = held.writer;
    this.#hour = held.hour;
    this.#since = this.#now();
  }

  /** Begins a session with its first segment. @throws AppError DISK */
  static begin(options: SessionOptions): WatchedSession {
    const { plan, session, folder, clock } = options;
    const hour = hourOf(clock.nowMs());
    const head = { session, plan, positions: [], watch: null };
    const writer = SegmentWriter.create(folder.pathFor(plan.spec.name, session.id, hour), head);
    return new WatchedSession(options, { watch: watchOf(plan, session, null), positions: new StreamPositions(), writer, hour });
  }

  /**
   * Goes on with a session from its newest segment.
   * @param head of that segment
   * @returns also what the watch finds on the way (mostly what was told before)
   * @throws AppError FILE_UNREADABLE, PROTOCOL when the segment is damaged or of another version
   */
  static async resume(
    options: SessionOptions,
    place: SegmentPlace,
    head: SegmentHead,
  ): Promise<{ resumed: WatchedSession; findings: Finding[] }> {
    const snapshot = head.watch as WatchSnapshot | null;
    const watch = watchOf(options.plan, options.session, snapshot);
    if (snapshot !== null) options.onEvents(knownFlows(snapshot), true);
    const positions = new StreamPositions(head.positions);
    const findings: Finding[] = [];
    const length = await replaySegment(place.path, (line) => {
      if (line.type === 'watch.advanced') findings.push(...watch.advance(line.t));
      else if (line.type === 'watch.resumed') watch.resumed(line.t);
      else if (line.type === 'vantage.told') tellVantage(watch, line);
      else {
        const { stream, ...event } = line;
        positions.advance(ownerOf(event), stream, event.seq + 1);
        watch.take([event]);
        options.onEvents([event], true);
      }
    });
    const writer = SegmentWriter.reopen(place.path, length);
    return { resumed: new WatchedSession(options, { watch, positions, writer, hour: place.hour }), findings };
  }

  /** The segment that is being written. */
  get path(): string {
    return this.#writer.path;
  }

  nowT(): number {
    return this.#clock.monoMs() - this.session.t0MonoMs;
  }

  /** The seq that is expected next in a stream. */
  nextSeq(owner: string, stream: string): number {
    return this.#positions.nextSeq(owner, stream);
  }

  /**
   * Takes what is new of a numbered batch; when it returns, that is on the disk.
   * @param at `firstSeq` numbers the first event
   * @returns the seq that is expected next: below `firstSeq` when something before it is missing, and nothing was taken
   * @throws AppError DISK; nothing was taken
   */
  takeEvents(events: readonly JournalEvent[], at: { owner: string; stream: string; firstSeq: number }): number {
    const { owner, stream, firstSeq } = at;
    const nextSeq = this.#positions.nextSeq(owner, stream);
    if (firstSeq > nextSeq) return nextSeq;
    const news = events.slice(nextSeq - firstSeq);
    if (news.length === 0) return nextSeq;
    this.#append(
      news.map((event) => ({ ...event, stream })),
      { sync: true },
    );
    this.#positions.advance(owner, stream, nextSeq + news.length, this.#clock.monoMs());
    // One by one, as a replay gives them: how they were cut into chunks must make no difference.
    for (const event of news) this.watch.take([event]);
    this.#onEvents(news, false);
    return nextSeq + news.length;
  }

  /** Takes what an observer told on the machine's clock. @throws AppError DISK */
  takeObserved(events: readonly ObserverEvent[]): void {
    const firstSeq = this.#positions.nextSeq(OBSERVER, OBSERVER);
    const carried = events.map((event, index): JournalEvent => {
      // What stood before the session began stands at its beginning.
      const t = Math.max(0, round(event.t - this.session.t0MonoMs));
      return Object.assign({ t, from: event.from, seq: firstSeq + index }, event, { t, seq: firstSeq + index });
    });
    this.takeEvents(carried, { owner: OBSERVER, stream: OBSERVER, firstSeq });
  }

  /** Takes what became known of a vantage. A full disk forgets it, as the next word of the agent replaces it anyway. */
  takeVantage(told: Omit<VantageTold, 'type' | 't'>): void {
    const line = { type: 'vantage.told', t: round(this.nowT()), ...told } as const;
    this.#note(line);
    tellVantage(this.watch, line);
  }

  /**
   * The service was away since the watch judged last: nobody could deliver meanwhile.
   * @returns since when, 0 for a watch that never judged
   */
  tellAbsence(): number {
    const sinceT = this.watch.judgedT ?? 0;
    const t = round(this.nowT());
    this.#note({ type: 'watch.resumed', t });
    this.watch.resumed(t);
    return sinceT;
  }

  /** Judges up to now. */
  advance(): Finding[] {
    const t = round(this.nowT());
    this.#note({ type: 'watch.advanced', t });
    return this.watch.advance(t);
  }

  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }

  /** What a full disk does not take is missing from a later replay, and harms nobody now. */
  #note(line: SegmentLine): void {
    try {
      this.#append([line]);
    } catch {
      // Said by the chunk that the disk does not take either.
    }
  }

  #append(lines: readonly SegmentLine[], options: { sync?: boolean } = {}): void {
    const hour = hourOf(this.#clock.nowMs());
    // Never back to an older one, whatever the wall clock does: the newest name is the one that is read after a restart.
    if (hour > this.#hour) this.#rotate(hour);
    else if (this.#isFull()) this.#rotate(nextAfter(this.#hour));
    this.#writer.append(lines, options);
  }

  #isFull(): boolean {
    const now = this.#now();
    return now.monoMs - this.#since.monoMs >= SEGMENT_MS || now.bytes - this.#since.bytes >= SEGMENT_BYTES;
  }

  #now(): { monoMs: number; bytes: number } {
    return { monoMs: this.#clock.monoMs(), bytes: this.#writer.bytes };
  }

  #rotate(hour: string): void {
    const { plan, session } = this;
    const head = { session, plan, positions: this.#positions.all(), watch: this.watch.snapshot() };
    const writer = SegmentWriter.create(this.#folder.pathFor(plan.spec.name, session.id, hour), head);
    this.#writer[Symbol.dispose]();
    this.#writer = writer;
    this.#hour = hour;
    this.#since = this.#now();
  }
}

function watchOf(plan: MonitorPlan, session: Session, snapshot: WatchSnapshot | null): Watch {
  const { spec, environment, probes } = plan;
  const context = { monitor: spec.name, session: session.id, t0WallMs: session.t0WallMs, environment, probes, flows: spec.flows };
  if (snapshot === null) return new Watch(context);
  if (snapshot.schema === WATCH_SNAPSHOT_SCHEMA) return Watch.restore(context, snapshot);
  throw new AppError('PROTOCOL', `its watch is of version ${String(snapshot.schema)}, this is ${String(WATCH_SNAPSHOT_SCHEMA)}`);
}

function tellVantage(watch: Watch, { vantage, state, sinceT }: VantageTold): void {
  watch.takeVantage({ vantage, state: state === 'heard' ? 'holding' : state, why: null, t: sinceT });
}

function ownerOf(event: Pick<JournalEvent, 'from'>): string {
  return vantageOf(event) === null ? OBSERVER : event.from;
}

/** Microseconds suffice, and keep the segments readable. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
