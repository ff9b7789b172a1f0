// The paths of one VIP as one vantage uses them with one protocol: who lives where, which path has fallen silent, and whether any answers at all.
//
// Protocols are watched apart: where TCP stalls and UDP does not, what UDP is answered says nothing of TCP.
//
// Time is the vantage's own: the `t` of its newest event. An agent that was cut off tells the same story later, not another one.
import type { EventOf } from '../../core/journal.ts';
import { UNKNOWN } from '../matrix.ts';
import { ACCEPT_MS, STEADY_MS } from './context.ts';
import { type Bin, FreshBins } from './fresh-bins.ts';

/** One flow alone says little of a path: a stall takes three lost exchanges, and with many flows that happens by chance. */
const MIN_SILENCES = 2;
/** With so many flows, one full interval need not pass to see that the others are alive. */
const MANY = { silences: 3, others: 8 } as const;
/** Of a path that is alive, no more than this share may just have fallen silent. */
const ALIVE_SHARE = 0.1;
/** How likely fresh dials may miss a path that answers, before silence is believed. */
const CHANCE_OF_MISTAKE = 1e-6;
/** Dials lost by chance are told from a path's by their number, and by their share: half of what the path would take. */
const MIN_LOST_DIALS = 3;
/** Without any other evidence, no flow lives for so long before a VIP is called down. */
const DOWN_AFTER_MS = 5_000;
const DOWN_LEAST_MS = 1_000;
const DARK_BINS = 3;
/** Breaks that end in nobody being left are one happening when they lie this close. */
const COLLAPSE_MS = 10_000;
/** Before every instant of a session, and a number that JSON knows. */
const NEVER_T = -1e12;

export type SignKind = 'path-dead' | 'vip-down';
/** What a vantage saw begin or end. `subject`: the ingress node, or the VIP. */
export type Sign = {
  vantage: string;
  vip: string;
  protocol: string;
  kind: SignKind;
  subject: string;
  sinceT: number;
  at: 'begin' | 'end';
  t: number;
  why?: 'answers' | 'left' | 'down';
};
/** `backT`: since when it has answered again. */
type Outage = { sinceT: number; backT: number | null };
type Path = {
  living: number;
  /** Flows that fell silent since the path last answered. */
  silences: number;
  silentSinceT: number;
  lastSilenceT: number;
  answeredT: number;
  /** When it last was in the set, or answered. */
  knownT: number;
  dead: Outage | null;
};

export type PathWatchSnapshot = { paths: [string, Path][]; down: Outage | null; breaks: Broke[]; fresh: [number, Bin][]; marks: Marks };
type Broke = { t: number; onsetT: number };
/** `failedDialT`: of the path's doing; `notSentT`: of the prober's own. */
type Marks = { zeroT: number | null; failedDialT: number | null; notSentT?: number };
export type Pace = { intervalMs: number; stallAfterMs: number };

export type Seat = { vantage: string; vip: string; protocol: string };

export class PathWatch {
  readonly seat: Seat;
  readonly #pace: Pace;
  readonly #paths = new Map<string, Path>();
  readonly #fresh = new FreshBins();
  #breaks: Broke[] = [];
  #down: Outage | null = null;
  #marks: Marks = { zeroT: null, failedDialT: null };

  constructor(seat: Seat, pace: Pace) {
    this.seat = seat;
    this.#pace = pace;
  }

  get isDown(): boolean {
    return this.#down !== null;
  }

  isDead(path: string): boolean {
    return this.#paths.get(path)?.dead != null;
  }

  /** Whether what a sign told of goes on here. */
  sees(kind: SignKind, subject: string): boolean {
    return kind === 'vip-down' ? this.isDown : this.isDead(subject);
  }

  get living(): number {
    let sum = 0;
    for (const { living } of this.#paths.values()) sum += living;
    return sum;
  }

  arrived(path: string, t: number): void {
    this.#path(path).living += 1;
    this.#marks.zeroT = null;
    this.answered(path, t);
  }

  /** Closed by us, or gone to another path. */
  left(path: string): void {
    this.#path(path).living -= 1;
  }

  broke(path: string, event: EventOf<'flow.broken'>, isInDoubt: boolean): void {
    const state = this.#path(path);
    state.living -= 1;
    if (isInDoubt) return;
    this.#breaks.push({ t: event.t, onsetT: event.onsetT });
    if (event.breakCause === 'stalled' || event.breakCause === 'unreachable') {
      state.silentSinceT = state.silences === 0 ? event.onsetT : Math.min(state.silentSinceT, event.onsetT);
      state.lastSilenceT = event.t;
      state.silences += 1;
    }
    if (state.dead) state.dead.backT = null;
    if (this.living === 0) this.#marks.zeroT = event.t;
  }

  /** Somebody was answered through the path at `t`. */
  answered(path: string, t: number): void {
    const state = this.#path(path);
    state.knownT = Math.max(state.knownT, t);
    state.answeredT = Math.max(state.answeredT, t);
    if (state.silences > 0 && t > state.lastSilenceT) state.silences = 0;
    if (state.dead && t > state.dead.sinceT && t > state.lastSilenceT) state.dead.backT ??= t;
    if (this.#down && t > this.#down.sinceT) this.#down.backT ??= t;
  }

  dialFailed({ t, isOwn }: Pick<EventOf<'dial.failed'>, 't' | 'isOwn'>): void {
    const mark = isOwn ? 'notSentT' : 'failedDialT';
    this.#marks[mark] = Math.max(this.#marks[mark] ?? t, t);
  }

  tally(tally: EventOf<'tally'>): void {
    if (tally.fresh) this.#fresh.take(tally);
    const fromT = tally.bin * 1_000;
    // Exchanges of a second may have been answered before the silence began in it.
    if (tally.ok === 0 || tally.path === UNKNOWN) return;
    this.#fresh.sawPath(tally.path, tally.bin);
    const state = this.#path(tally.path);
    state.knownT = Math.max(state.knownT, fromT);
    state.answeredT = Math.max(state.answeredT, fromT);
    if (state.silences > 0 && fromT > state.silentSinceT) state.silences = 0;
    if (state.dead && fromT > Math.max(state.dead.sinceT, state.lastSilenceT)) state.dead.backT ??= fromT;
    if (this.#down && fromT > this.#down.sinceT) this.#down.backT ??= fromT;
  }

  /** The prober began a new life: the flows of its old one are gone without a word. */
  forget(): void {
    for (const state of this.#paths.values()) Object.assign(state, { living: 0, silences: 0 });
    this.#marks = { zeroT: null, failedDialT: null };
    this.#breaks = [];
  }

  /** Nothing is heard of the vantage any more: how things are is not known, and will be found anew. Its flows may well live on. */
  giveUp(): void {
    for (const state of this.#paths.values()) Object.assign(state, { silences: 0, dead: null });
    this.#down = null;
    this.#marks = { zeroT: null, failedDialT: null };
    this.#breaks = [];
  }

  /**
   * @param t the vantage's time
   * @param known the next-hop set and since when it has been so, null when it is not known
   * @param isIll the prober was ill just now: nothing new is believed
   * @param twins the same with other protocols: what fell silent with all of them, each has a share in showing
   */
  decide(
    t: number,
    known: { nodes: readonly string[]; sinceT: number } | null,
    { isIll, twins }: { isIll: boolean; twins: readonly PathWatch[] },
  ): Sign[] {
    const set = known?.nodes ?? null;
    const signs: Sign[] = [];
    const say = (kind: SignKind, at: Sign['at'], about: { subject: string; sinceT: number; t: number; why?: Sign['why'] & string }) =>
      signs.push({ ...this.seat, kind, at, ...about });
    if (this.#breaks[0] && this.#breaks[0].t < t - 2 * COLLAPSE_MS) this.#breaks = this.#breaks.filter((each) => each.t >= t - COLLAPSE_MS);
    const { living } = this;
    if (this.#down) {
      const { sinceT, backT } = this.#down;
      const isSteady = backT !== null && t - backT >= STEADY_MS;
      if (isSteady && (living > 0 || this.#fresh.hasAnswerSince(backT))) {
        say('vip-down', 'end', { subject: this.seat.vip, sinceT, t: backT });
        this.#down = null;
      } else if (isSteady && t - backT >= 2 * STEADY_MS) this.#down.backT = null;
    } else if (!isIll) {
      const sinceT = this.#downSince(t, living);
      if (sinceT !== null) {
        this.#down = { sinceT, backT: null };
        say('vip-down', 'begin', { subject: this.seat.vip, sinceT, t });
      }
    }
    for (const hop of set ?? []) this.#path(hop).knownT = t;
    for (const [path, state] of this.#paths) {
      if (state.dead) {
        const { sinceT, backT } = state.dead;
        const hasLeft = set !== null && !set.includes(path);
        const isBack = backT !== null && t - backT >= STEADY_MS;
        if (!hasLeft && !isBack && !this.#down) continue;
        const endT = isBack ? backT : hasLeft ? Math.max(sinceT, known?.sinceT ?? t) : t;
        say('path-dead', 'end', { subject: path, sinceT, t: endT, why: isBack ? 'answers' : hasLeft ? 'left' : 'down' });
        state.dead = null;
        state.silences = 0;
      } else if (!isIll && !this.#down && path !== UNKNOWN && state.living === 0 && (set === null || set.includes(path))) {
        const sinceT =
          this.#deadSince(state, t, sum(twins.map((twin) => twin.#silencesOn(path)))) ?? this.#unreachedSince(path, set, twins);
        if (sinceT === null) continue;
        state.dead = { sinceT, backT: null };
        say('path-dead', 'begin', { subject: path, sinceT, t });
      }
    }
    return signs;
  }

  /** Whether dials are still lost in the share that a silent hop of a set of `size` would take. */
  isLosing(size: number): boolean {
    const { dials, lost } = this.#fresh.lately();
    return lost > 0 && lost >= dials / size / 2;
  }

  /** Paths that were in the set, or answered, in the last day. */
  knownPaths(nowT: number): string[] {
    return [...this.#paths].filter(([, { knownT }]) => knownT >= nowT - ACCEPT_MS).map(([path]) => path);
  }

  /** Forgets paths that nobody uses any more. */
  prune(nowT: number): void {
    for (const [path, state] of this.#paths) {
      if (state.living === 0 && state.dead === null && state.knownT < nowT - ACCEPT_MS) this.#paths.delete(path);
    }
  }

  snapshot(): PathWatchSnapshot {
    const { snapshot: fresh } = this.#fresh;
    return { paths: [...this.#paths], down: this.#down, breaks: this.#breaks, fresh, marks: this.#marks };
  }

  restore({ paths, down, breaks, fresh, marks }: PathWatchSnapshot): void {
    for (const [path, state] of paths) this.#paths.set(path, state);
    this.#fresh.restore(fresh);
    this.#down = down;
    this.#breaks = breaks;
    this.#marks = marks;
  }

  /** All flows of the path fell silent, and those of another path did not: they had the time to. */
  #deadSince(path: Path, t: number, twinSilences: number): number | null {
    const { silentSinceT } = path;
    const silences = path.silences + twinSilences;
    if (path.silences === 0 || silences < MIN_SILENCES) return null;
    const hadTime = t >= silentSinceT + this.#pace.stallAfterMs + this.#pace.intervalMs;
    const all = { living: 0, silences: 0 };
    for (const [other, state] of this.#paths) {
      if (other === UNKNOWN) continue;
      // Where few flows are held, fresh dials that it answered since tell as well.
      if (hadTime && state.answeredT > silentSinceT) return silentSinceT;
      if (state.living === 0) continue;
      all.living += state.living;
      all.silences += state.silences;
      if (isAlive(state) && (hadTime || (silences >= MANY.silences && state.living >= MANY.others))) return silentSinceT;
    }
    // Many paths of a few flows each show the same, taken together.
    return silences >= MANY.silences && all.living >= MANY.others && isAlive(all) ? silentSinceT : null;
  }

  /** Flows that fell silent there, if none lives there. */
  #silencesOn(path: string): number {
    const state = this.#paths.get(path);
    return state?.living === 0 ? state.silences : 0;
  }

  /** No flow is left there to ask: fresh dials are lost in the share that the path would take, and none comes in by it. */
  #unreachedSince(path: string, set: readonly string[] | null, twins: readonly PathWatch[]): number | null {
    if (set === null || set.length < 2) return null;
    const own = this.#fresh.missing(path);
    if (own.lost === 0 || own.lost === own.dials) return null;
    const all = [own, ...twins.map((twin) => twin.#fresh.missing(path)).filter((missing) => missing.lost > 0)];
    const dials = sum(all.map((missing) => missing.dials));
    const lost = sum(all.map((missing) => missing.lost));
    const share = 1 / set.length;
    if (lost < MIN_LOST_DIALS || lost < (dials * share) / 2) return null;
    return (1 - share) ** dials <= CHANCE_OF_MISTAKE ? own.firstLostBin * 1_000 : null;
  }

  #downSince(t: number, living: number): number | null {
    if (living > 0) return null;
    const { zeroT, failedDialT, notSentT = NEVER_T } = this.#marks;
    if (zeroT === null) {
      // Nobody ever was answered since the prober began: dials alone tell.
      const dark = this.#fresh.dark();
      return failedDialT !== null && dark.length >= DARK_BINS ? (dark[0] ?? 0) * 1_000 : null;
    }
    const sinceT = Math.min(...this.#breaks.filter((each) => each.t >= zeroT - COLLAPSE_MS).map((each) => each.onsetT), zeroT);
    if (t < zeroT + DOWN_LEAST_MS || this.#fresh.hasAnswerSince(zeroT)) return null;
    const isToldByDials = (failedDialT !== null && failedDialT >= zeroT) || this.#fresh.isDarkSince(sinceT);
    // Where the prober itself could not dial, that no flow lives tells nothing.
    return isToldByDials || (notSentT < zeroT && t >= zeroT + DOWN_AFTER_MS) ? sinceT : null;
  }

  #path(path: string): Path {
    let state = this.#paths.get(path);
    if (!state)
      this.#paths.set(
        path,
        (state = { living: 0, silences: 0, silentSinceT: 0, lastSilenceT: NEVER_T, answeredT: NEVER_T, knownT: NEVER_T, dead: null }),
      );
    return state;
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function isAlive({ living, silences }: Pick<Path, 'living' | 'silences'>): boolean {
  return living > 0 && silences <= ALIVE_SHARE * (living + silences);
}
