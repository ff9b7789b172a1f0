// The watch: a monitor's journal events in, findings and status out. Pure: batches, `nowT` and a snapshot are all that it goes by.
//
//   events -> flow register -> paths, sources, bursts --+
//         \-> slices of each VIP -> sets -> windows ----+-> drafts -> findings whose telling changed
//          |      \-> what the cluster intends, and has -+
//          \-> sessions, agents ------------------------+
//
// What a vantage saw is decided on its own time, the `t` of its newest event: an agent that was cut off tells the same story later.
// Only the closing of windows looks at `nowT`, so that a vantage which lags holds up nothing for longer than LAGGING_MS.
import { compareEvents, type EventOf, type JournalEvent, vantageOf } from '../../core/journal.ts';
import { hostPrefix } from '../../core/addresses.ts';
import type { Finding } from '../../core/finding.ts';
import { type ClusterEvent, isClusterEvent } from '../cluster/happenings.ts';
import { AgentWatch } from './agent-watch.ts';
import { type FlowEvent, isFlowEvent, LAGGING_MS, MAX_LATENESS_MS, paceOf, type SetEvent, type WatchContext } from './context.ts';
import { FindingBook } from './finding-book.ts';
import { FlowRegister, type FlowStep } from './flow-register.ts';
import { Patience } from './patience.ts';
import { PathWatch, type Seat } from './path-watch.ts';
import { endBursts, findBurst, giveUp, onAgent, onLook, onSession, onSign, onSource, relatedTo } from './happenings.ts';
import { SecondsBook } from './seconds-book.ts';
import { SessionWatch } from './session-watch.ts';
import { SourceWatch } from './source-watch.ts';
import { type DataTimes, VipWatch } from './vip-watch.ts';
import { statusOf, type WatchStatus } from './watch-status.ts';
import { restoreParts, seatKey, type WatchParts, type WatchSnapshot, WATCH_SNAPSHOT_SCHEMA } from './watch-snapshot.ts';

export type { WatchSnapshot };

const PRUNE_EVERY_MS = 5_000;

export class Watch {
  readonly #context: WatchContext;
  readonly #parts: WatchParts;
  readonly #vipOfPrefix: ReadonlyMap<string, VipWatch>;
  readonly #justHeard = new Set<string>();
  readonly #intervals = new Map<string, number>();
  #prunedT = -Infinity;
  #judgedT: number | null = null;

  constructor(context: WatchContext) {
    this.#context = context;
    const book = new FindingBook(context);
    // What becomes of VIPs that hold no flow of this monitor is another's to tell.
    const held = context.environment.vips.filter(({ name }) => context.flows.some((group) => group.vip === name));
    const vips = new Map(held.map((vip) => [vip.name, new VipWatch(vip, context, book)]));
    this.#vipOfPrefix = new Map([...vips.values()].map((vip) => [hostPrefix(vip.slice.vip.address), vip]));
    this.#parts = {
      book,
      vips,
      register: new FlowRegister(),
      usedBy: new Map(),
      paths: new Map(),
      sources: new SourceWatch(context.environment),
      sessions: new SessionWatch(),
      agents: new AgentWatch(),
      seconds: new SecondsBook(),
      ready: new Map(),
      illnesses: [],
      dataT: new Map(),
      heardT: new Map(),
      patience: new Patience(),
      late: { events: 0 },
    };
  }

  /**
   * Goes on where a watch of the same context stood when it made the snapshot; events since then are to be taken again, none before.
   * A snapshot of another session, or of another version of Holdfast, is passed over.
   */
  static restore(context: WatchContext, snapshot: WatchSnapshot): Watch {
    const watch = new Watch(context);
    if (snapshot.schema !== WATCH_SNAPSHOT_SCHEMA || snapshot.session !== context.session) return watch;
    watch.#judgedT = snapshot.judgedT;
    restoreParts(watch.#parts, snapshot, (seat) => watch.#path(seat));
    return watch;
  }

  /** `nowT` of the last `advance`; null before the first. */
  get judgedT(): number | null {
    return this.#judgedT;
  }

  /** The service was away since it judged last: whoever was waited for then is waited for as long as if it had not been. */
  resumed(nowT: number): void {
    if (this.#judgedT !== null) this.#parts.patience.resumed(this.#judgedT, nowT);
  }

  /** Takes events, roughly in order of time: a vantage's own in theirs, several vantages' up to minutes apart. Unknown VIPs and flows are passed over. */
  take(events: readonly JournalEvent[]): void {
    for (const event of events.toSorted(compareEvents)) this.#take(event);
  }

  /** What the service knows of a vantage's agent (`VantageStatus`), `t`: since when. Only silence is a finding: of all else its events tell. */
  takeVantage({ vantage, state, t }: { vantage: string; state: string; why: string | null; t: number }): void {
    const { book } = this.#parts;
    const open = book.open('agent-silent', null, vantage);
    if (state === 'silent')
      book.begin({ vip: null, subject: vantage, sinceT: open?.openedT ?? t, vantage, story: { kind: 'agent-silent' } });
    else if (open) book.endFor(open, vantage, Math.max(t, open.openedT));
  }

  /**
   * Every finding whose telling changed since the last call. Cheap when nothing happens: to be called after each `take`, and once a second.
   * @param nowT the session's clock; never less than before
   */
  advance(nowT: number): Finding[] {
    const { book, vips, sessions, sources, agents, illnesses } = this.#parts;
    this.#judgedT = nowT;
    for (const news of sessions.advance(nowT)) onSession(this.#parts, news);
    for (const news of sources.advance(nowT)) onSource(this.#parts, news);
    for (const [vantage, t] of this.#parts.dataT) for (const news of agents.advance(vantage, t)) onAgent(this.#parts, news);
    for (const vantage of this.#justHeard) {
      this.#parts.heardT.set(vantage, nowT);
      for (const news of sources.heardAgain(vantage, this.#parts.dataT.get(vantage) ?? nowT)) onSource(this.#parts, news);
    }
    this.#justHeard.clear();
    const times = this.#times(nowT);
    giveUp(this.#parts, times.patientT);
    const shared = { ready: [...this.#parts.ready.values()], illnesses };
    for (const vip of vips.values()) {
      vip.readInferred((vantage, hop) => this.#isPostponed(vantage, vip, hop));
      findBurst(this.#parts, vip, times.t);
      vip.judge(shared, times);
      vip.follow(nowT);
      for (const look of vip.looks(shared, sessions, times)) onLook(this.#parts, look);
    }
    endBursts(this.#parts, nowT);
    const findings = book.takeChanged(nowT, (draft) => relatedTo(this.#parts, draft));
    if (nowT >= this.#prunedT + PRUNE_EVERY_MS) this.#prune(times);
    return findings;
  }

  status(nowT: number): WatchStatus {
    return statusOf(this.#context, this.#parts, nowT);
  }

  /** Plain data, fit for JSON. */
  snapshot(): WatchSnapshot {
    const { book, vips, register, paths, sources, sessions, agents, seconds, ready, illnesses, dataT, heardT, patience, late } =
      this.#parts;
    const snapshot: WatchSnapshot = {
      schema: WATCH_SNAPSHOT_SCHEMA,
      session: this.#context.session,
      book: book.snapshot(),
      vips: [...vips.values()].map((vip) => vip.snapshot()),
      register: register.snapshot(),
      paths: [...paths.values()].flat().map((path) => ({ ...path.seat, ...path.snapshot() })),
      sources: sources.snapshot(),
      sessions: sessions.snapshot(),
      agents: agents.snapshot(),
      seconds: seconds.snapshot(),
      ready: [...ready.values()],
      illnesses,
      dataT: [...dataT],
      heardT: [...heardT],
      away: patience.snapshot(),
      judgedT: this.#judgedT,
      lateEvents: late.events,
    };
    // A copy: the watch goes on changing what it holds.
    return structuredClone(snapshot);
  }

  /** Flows of a vantage that it holds: open, or broken and not yet replaced. */
  flowsAt(vantage: string): number {
    let count = 0;
    for (const flow of this.#parts.register.values()) if (flow.vantage === vantage) count += 1;
    return count;
  }

  /** Things held in memory, for the test that they do not grow. */
  get size(): number {
    const { book, vips, register, usedBy, seconds, illnesses } = this.#parts;
    let size = book.size + register.size + usedBy.size + seconds.size + illnesses.length;
    for (const vip of vips.values()) size += vip.slice.size + vip.bursts.size + vip.intent.size;
    return size;
  }

  #take(event: JournalEvent): void {
    const vantage = vantageOf(event);
    if (vantage !== null) {
      this.#parts.dataT.set(vantage, Math.max(this.#parts.dataT.get(vantage) ?? -Infinity, event.t));
      this.#justHeard.add(vantage);
    }
    if (isFlowEvent(event)) this.#takeFlow(event);
    else if (event.type === 'tally') this.#takeTally(event);
    else if (event.type === 'next-hops' || event.type === 'observer.blind') this.#takeSet(event);
    else if (isClusterEvent(event)) this.#takeCluster(event);
    else if (event.type === 'cluster.metallb-status') this.#parts.vips.get(event.vip)?.slice.takeStatus(event);
    else if (event.type === 'bgp-session') for (const news of this.#parts.sessions.take(event)) onSession(this.#parts, news);
    else if (event.type === 'prober.ill') {
      this.#parts.illnesses.push(event);
      for (const news of this.#parts.agents.take(event)) onAgent(this.#parts, news);
    } else if (event.type === 'vantage.ready') this.#parts.ready.set(event.vantage, event);
    else if (event.type === 'dial.failed' && vantage !== null && this.#parts.vips.has(event.vip)) {
      const { vip, protocol } = event;
      this.#path({ vantage, vip, protocol }).dialFailed(event);
      this.#decide({ vantage, vip }, event.t);
    }
  }

  #takeFlow(event: FlowEvent): void {
    const { vips, usedBy, register, sources, seconds, agents, late } = this.#parts;
    if (event.type === 'flow.opened') {
      const vip = vips.get(event.vip);
      if (!vip) return;
      usedBy.set(event.flow, { vip: event.vip, protocol: event.protocol });
      const { gone, endedT } = register.newLife(event);
      if (endedT !== null) {
        // It lives no more; a break of it that is told yet counts in its time, and for nothing that is so now.
        if (!vip.slice.take(event)) late.events += 1;
        vip.slice.take(closing(event, event.flow, Math.max(event.t, endedT)));
        return;
      }
      this.#endOldLife(event, gone);
    }
    const used = usedBy.get(event.flow);
    const vip = vips.get(used?.vip ?? '');
    if (!used || !vip) return;
    if (!vip.slice.take(event)) late.events += 1;
    const step = register.take(event);
    if (!step) return;
    const seat = { vantage: vantageOf(event) ?? event.from, ...used };
    const path = this.#path(seat);
    if (step.kind === 'broke') {
      const isInDoubt = agents.wasIll(seat.vantage, step.event.onsetT, event.t);
      if (!isInDoubt) vip.bursts.take({ t: event.t, onsetT: step.event.onsetT, vantage: seat.vantage });
      seconds.broke(seat.vip, step.event.onsetT);
      path.broke(step.flow.path, step.event, isInDoubt);
    } else follow(path, step, event.t);
    for (const news of sources.take(step, event.t)) onSource(this.#parts, news);
    this.#decide(seat, event.t);
  }

  /** A prober that begins anew closes nothing of its life before: its flows ended with it, and broke nobody's path. */
  #endOldLife(event: EventOf<'flow.opened'>, gone: readonly string[]): void {
    const { register, sources, paths, usedBy, vips } = this.#parts;
    if (gone.length === 0) return;
    for (const flow of gone) {
      const closed = closing(event, flow);
      vips.get(usedBy.get(flow)?.vip ?? '')?.slice.take(closed);
      const step = register.take(closed);
      if (step) sources.take(step, event.t);
    }
    for (const path of [...paths.values()].flat()) if (path.seat.vantage === vantageOf(event)) path.forget();
  }

  #takeTally(tally: EventOf<'tally'>): void {
    const vip = this.#parts.vips.get(tally.vip);
    if (!vip) return;
    this.#parts.seconds.take(tally, this.#intervalOf(tally));
    vip.intent.take(tally);
    if (!vip.isObserved) {
      vip.tallies += 1;
      if (!vip.slice.take(tally)) this.#parts.late.events += 1;
    }
    this.#path(tally).tally(tally);
    this.#decide(tally, tally.t);
  }

  #takeSet(event: SetEvent): void {
    for (const vip of this.#vipsOf(event)) {
      vip.slice.takeSet(event);
      vip.readObserved();
    }
  }

  /** What is of no VIP alone concerns each of them. */
  #takeCluster(event: ClusterEvent): void {
    for (const [name, vip] of this.#parts.vips) if (!('vip' in event) || event.vip === name) vip.slice.takeCluster(event);
  }

  #vipsOf(event: SetEvent): VipWatch[] {
    if (event.type === 'observer.blind') return [...this.#parts.vips.values()].filter((vip) => vip.slice.isToldBy(event));
    const vip = this.#vipOfPrefix.get(event.prefix);
    return vip ? [vip] : [];
  }

  /** The time of a vantage goes on for all its protocols at once. */
  #decide(seat: Pick<Seat, 'vantage' | 'vip'>, t: number): void {
    const { vips, paths, agents } = this.#parts;
    const vip = vips.get(seat.vip);
    if (!vip) return;
    const isIll = agents.isDoubtful(seat.vantage, t);
    const all = paths.get(seatKey(seat)) ?? [];
    for (const path of all) {
      const twins = all.filter((each) => each !== path);
      for (const sign of path.decide(t, vip.setAt(seat.vantage, t), { isIll, twins })) onSign(this.#parts, sign, vip);
    }
  }

  /** A silent hop is not answered either: while its share of dials is lost, it has not left the set. */
  #isPostponed(vantage: string, vip: VipWatch, hop: string): boolean {
    const size = vip.sets.current.nodes?.length ?? 2;
    const paths = this.#parts.paths.get(seatKey({ vantage, vip: vip.slice.vip.name })) ?? [];
    return paths.some((path) => path.isDead(hop) && path.isLosing(size));
  }

  #times(nowT: number): DataTimes {
    const patientT = this.#parts.patience.at(nowT);
    const all = [...this.#parts.dataT.values()];
    const current = all.filter((t) => t >= nowT - LAGGING_MS);
    const awaited = all.filter((t) => t >= patientT - MAX_LATENESS_MS);
    return { nowT, patientT, t: Math.min(nowT, ...current), finalT: Math.min(nowT, ...awaited), of: this.#parts.dataT };
  }

  #prune(times: DataTimes): void {
    const { vips, usedBy, seconds, illnesses } = this.#parts;
    this.#prunedT = times.nowT;
    let oldestT = Infinity;
    for (const vip of vips.values()) {
      for (const flow of vip.prune(times)) usedBy.delete(flow);
      oldestT = Math.min(oldestT, vip.slice.horizonT);
    }
    this.#parts.illnesses = illnesses.filter((ill) => ill.untilT >= oldestT);
    seconds.prune(times.nowT);
    for (const path of [...this.#parts.paths.values()].flat()) path.prune(times.nowT);
  }

  #intervalOf({ vip, protocol }: EventOf<'tally'>): number {
    const key = `${vip} ${protocol}`;
    let intervalMs = this.#intervals.get(key);
    if (intervalMs !== undefined) return intervalMs;
    const { flows, probes } = this.#context;
    const group = flows.find((each) => each.vip === vip && probes[each.probe]?.protocol === protocol);
    ({ intervalMs } = paceOf(this.#context, group?.probe ?? ''));
    this.#intervals.set(key, intervalMs);
    return intervalMs;
  }

  #path({ vantage, vip, protocol }: Seat): PathWatch {
    const { paths } = this.#parts;
    const key = seatKey({ vantage, vip });
    const all = paths.get(key) ?? [];
    let path = all.find(({ seat }) => seat.protocol === protocol);
    if (path) return path;
    const { flows, probes } = this.#context;
    const groups = flows.filter((group) => group.vip === vip && probes[group.probe]?.protocol === protocol);
    const paces = (groups.length > 0 ? groups : [{ probe: '' }]).map((group) => paceOf(this.#context, group.probe));
    path = new PathWatch(
      { vantage, vip, protocol },
      {
        intervalMs: Math.max(...paces.map((pace) => pace.intervalMs)),
        stallAfterMs: Math.max(...paces.map((pace) => pace.stallAfterMs)),
      },
    );
    paths.set(key, [...all, path]);
    return path;
  }
}

/** As its prober would have told it. */
function closing({ t, from, seq }: EventOf<'flow.opened'>, flow: string, atT = t): EventOf<'flow.closed'> {
  return { t: atT, from, seq, type: 'flow.closed', flow };
}

function follow(path: PathWatch, step: Exclude<FlowStep, { kind: 'broke' }>, t: number): void {
  switch (step.kind) {
    case 'arrived':
    case 'recovered':
      path.arrived(step.flow.path, t);
      break;
    case 'moved':
      path.left(step.from.path);
      path.arrived(step.flow.path, t);
      break;
    case 'left':
      path.left(step.flow.path);
      break;
    case 'mapped':
      path.answered(step.path, t);
      break;
  }
}
