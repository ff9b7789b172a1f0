// One VIP of a monitor: the windows that its next-hop set, its paths and its breaks open, and what becomes of them.
import type { Vip } from '../../core/environment.ts';
import type { EventOf } from '../../core/journal.ts';
import { inferredSets } from '../inferred-sets.ts';
import { NextHopHistory } from '../next-hop-history.ts';
import { observedSets } from '../observed-sets.ts';
import { isSameSet, SETTLE_MS } from '../set-history.ts';
import { lateAfterMs } from '../windows.ts';
import { BurstWatch, type SeenBreak } from './burst-watch.ts';
import {
  ACCEPT_MS,
  BLIND_QUIET_MS,
  LAGGING_MS,
  MAX_LATENESS_MS,
  MAX_WINDOW_MS,
  MONITOR_CHANCE_OF_MISTAKE,
  QUIET_MS,
  type WatchContext,
} from './context.ts';
import type { Draft } from './draft.ts';
import type { FindingBook } from './finding-book.ts';
import { IntentWatch, type IntentWatchSnapshot, type Look } from './intent-watch.ts';
import type { SessionWatch } from './session-watch.ts';
import { SetWatch, type SetWatchSnapshot, type SourcedChange } from './set-watch.ts';
import { type Shared, type SliceSnapshot, VipSlice } from './vip-slice.ts';
import { judge, type Judging, type WatchWindow } from './watch-window.ts';

/** What must be there before a window's opening: heartbeats, and tallies that show the set it found. */
const BEFORE_MS = 15_000;
/** Judging looks at every flow: the more there are, the rarer. */
const JUDGE_EVERY_MS = 1_000;
const JUDGE_MS_PER_FLOW = 0.25;

export type VipWatchSnapshot = {
  slice: SliceSnapshot;
  sets: SetWatchSnapshot;
  bursts: SeenBreak[];
  intent: IntentWatchSnapshot;
  edgeT: number;
  changeKey: string | null;
};
/** How far the vantages have told: `t` of those that are waited for, `finalT` of all that may still tell, `of` each. `patientT`: by which they are late. */
export type DataTimes = { nowT: number; patientT: number; t: number; finalT: number; of: ReadonlyMap<string, number> };

export class VipWatch {
  readonly slice: VipSlice;
  readonly sets: SetWatch;
  readonly bursts = new BurstWatch();
  readonly intent = new IntentWatch();
  readonly #context: WatchContext;
  readonly #book: FindingBook;
  /** Where the newest window of a change begins to matter for the one after it. */
  #edgeT = 0;
  /** The newest window of a change, while it can still grow. */
  #changeKey: string | null = null;
  #inferredVersion = -1;
  /** Counts the tallies that may show a set. */
  tallies = 0;

  constructor(vip: Vip, context: WatchContext, book: FindingBook) {
    this.slice = new VipSlice(vip);
    this.sets = new SetWatch(vip.name);
    this.#context = context;
    this.#book = book;
  }

  get isObserved(): boolean {
    return this.sets.isObserved;
  }

  get #vip(): string {
    return this.slice.vip.name;
  }

  /**
   * The set as flows from `vantage` have it, known to be so since before `t`; null when it is not. What flows show, they show with
   * hindsight: it holds from now on.
   */
  setAt(vantage: string, t: number): { nodes: readonly string[]; sinceT: number } | null {
    const own = this.sets.of(vantage);
    const { nodes, sinceT } = own ? { nodes: own.nodes, sinceT: own.t } : this.sets.current;
    if (nodes === null || sinceT === null || sinceT > t) return null;
    return { nodes, sinceT: this.isObserved ? sinceT : t };
  }

  /** Reads the observers' sets; to be called after each of their events. */
  readObserved(): void {
    const observed = observedSets(this.slice.sets, [this.slice.vip]);
    for (const change of this.sets.readObserved(observed)) this.#changed(change);
  }

  /** Reads the sets that flows show, where nobody observes the router. */
  readInferred(isPostponed: (vantage: string, hop: string) => boolean): void {
    if (this.isObserved || this.#inferredVersion === this.tallies) return;
    this.#inferredVersion = this.tallies;
    const evidence = this.slice.evidence(this.sets.flowsSinceT);
    const inferred = inferredSets(evidence, MONITOR_CHANCE_OF_MISTAKE, (vantage) => this.sets.priorOf(vantage));
    for (const change of this.sets.readInferred(inferred, isPostponed)) this.#changed(change);
  }

  /** A window for a happening that is no change of the set; none when its events are folded already. */
  open(draft: Draft, title: string): void {
    // Who sees it later may have seen it begin earlier.
    const own = this.#book.window(draft.id);
    if (own && !own.isFinal && draft.openedT >= this.slice.horizonT) own.fromT = Math.min(own.fromT, draft.openedT);
    if (draft.windows.length > 0 || draft.openedT < this.slice.horizonT + BEFORE_MS / 2) return;
    this.#book.addWindow(
      draft,
      newWindow({ key: draft.id, vip: this.#vip, title, fromT: draft.openedT, floorT: Math.min(this.#edgeT, draft.openedT) }),
    );
  }

  /** Whether a window of this VIP holds the break; one that came too late to be judged needs no explanation. */
  isExplained({ onsetT }: SeenBreak): boolean {
    if (onsetT < this.slice.horizonT) return true;
    return this.#windows().some((window) => onsetT >= window.fromT && onsetT < (window.untilT ?? Infinity));
  }

  /** Judges the windows that are due; closes those that are quiet. */
  judge(shared: Shared, times: DataTimes): void {
    const { nowT } = times;
    const due = this.#windows().filter((window) => !window.isFinal && (this.#isDue(window, times) || this.#canEnd(window, times)));
    if (due.length === 0) return;
    const facts = this.slice.facts(this.#context, shared);
    const judging: Judging = {
      facts,
      nextHops: new NextHopHistory(facts, MONITOR_CHANCE_OF_MISTAKE),
      quietMs: this.isObserved ? QUIET_MS : BLIND_QUIET_MS,
      nowT,
      dataT: times.t,
      toldT: (vantage) => times.of.get(vantage) ?? -Infinity,
    };
    for (const window of due) this.#judgeOne(window, judging);
    for (const window of due.reverse()) {
      window.isFinal = this.#canEnd(window, times);
      // Kept beyond the finding, which may be over and gone: no later change opens before it.
      if (window.isFinal && window.changes.length > 0) this.#edgeT = Math.max(this.#edgeT, window.untilT ?? 0);
    }
  }

  /** Follows what became of the changes: hops that came back, sets that stay as they are. */
  follow(nowT: number): void {
    for (const draft of this.#drafts()) {
      const { story } = draft;
      if (story.kind !== 'next-hops-changed') continue;
      const { views, settleMs } = this.#viewsOf(story.sources);
      const [view] = views;
      const away = story.left.filter((node) => views.some(({ nodes }) => !nodes.includes(node)));
      const sinceT = Math.max(...views.map(({ t }) => t));
      if (view) story.now = view.nodes.filter((node) => !away.includes(node));
      const [first] = draft.windows;
      const opened = first && this.#book.window(first.key);
      if (opened) draft.openedT = opened.fromT;
      if (view && away.length === 0) story.backT ??= sinceT;
      else if (away.length > 0) story.backT = null;
      if (view && nowT >= sinceT + settleMs && away.length === 0) draft.resolvedT = Math.max(draft.openedT, story.backT ?? story.changeT);
      else if (nowT >= story.changeT + ACCEPT_MS) {
        story.isAccepted = true;
        draft.resolvedT = nowT;
      }
    }
  }

  /** What the cluster intends and what the wire has, at the instants that are due. */
  looks(shared: Shared, sessions: SessionWatch, { t }: DataTimes): Look[] {
    return this.intent.advance(this.#vip, t, () =>
      this.slice.hasIntent ? { ...this.slice.facts(this.#context, shared), sessions: sessions.standing() } : null,
    );
  }

  /** Folds what nothing will ask for again. @returns flows of which nothing is known any more */
  prune({ patientT, finalT }: DataTimes): string[] {
    const lateMs = lateAfterMs({ environment: this.#context.environment });
    const needed = this.#windows()
      .filter((window) => !window.isFinal)
      .map((window) => Math.min(window.fromT, (window.changes[0]?.t ?? window.fromT) - lateMs));
    const wanted = Math.min(finalT - lateMs, ...needed) - BEFORE_MS;
    return this.slice.prune(Math.max(wanted, patientT - MAX_LATENESS_MS - MAX_WINDOW_MS - lateMs));
  }

  snapshot(): VipWatchSnapshot {
    return {
      slice: this.slice.snapshot(),
      sets: this.sets.snapshot(),
      bursts: this.bursts.snapshot(),
      intent: this.intent.snapshot(),
      edgeT: this.#edgeT,
      changeKey: this.#changeKey,
    };
  }

  /** @returns the opening of every flow that it knows */
  restore({ slice, sets, bursts, intent, edgeT, changeKey }: VipWatchSnapshot): EventOf<'flow.opened'>[] {
    this.sets.restore(sets);
    this.bursts.restore(bursts);
    this.intent.restore(intent);
    this.#edgeT = edgeT;
    this.#changeKey = changeKey;
    return this.slice.restore(slice);
  }

  /** The sets that say what became of a change: the one that all agree on, else of those who told it; two routers may well differ. */
  #viewsOf(sources: readonly string[]): { views: { nodes: readonly string[]; t: number }[]; settleMs: number } {
    const { nodes, sinceT } = this.sets.current;
    if (nodes !== null && sinceT !== null) return { views: [{ nodes, t: sinceT }], settleMs: SETTLE_MS };
    // Others may only be late to tell the same.
    return { views: sources.flatMap((source) => this.sets.of(source) ?? []), settleMs: LAGGING_MS };
  }

  #changed(change: SourcedChange): void {
    const { t, before, after } = change;
    const plain = { t, before: [...before], after: [...after], vip: this.#vip };
    const current = this.#changeKey === null ? undefined : this.#book.window(this.#changeKey);
    const last = current?.changes.at(-1);
    // Several routers, or vantages, tell one change one after the other; and a set in motion is one happening.
    if (current && last && !current.isFinal && (t <= current.lastT + SETTLE_MS || isSameSet(last.after, after))) {
      current.changes.push(plain);
      current.lastT = Math.max(current.lastT, t);
      current.untilT = null;
      this.#attach(current, change);
      return;
    }
    const isOver = current?.untilT != null && current.untilT <= t;
    const floorT = isOver ? (current.untilT ?? 0) : (current?.lastT ?? 0);
    this.#edgeT = Math.max(this.#edgeT, floorT);
    const key = `${this.#vip} ${String(Math.round(t))}`;
    const window = newWindow({ key, vip: this.#vip, title: null, fromT: t, floorT: this.#edgeT });
    window.changes.push(plain);
    if (current && !isOver) {
      current.cutT = t;
      current.nextKey = key;
    }
    this.#changeKey = key;
    this.#attach(window, change);
  }

  /** Puts a change into the findings that it belongs to: that of the hops that left, those that its hops come back to. */
  #attach(window: WatchWindow, { t, before, after, source, from }: SourcedChange): void {
    const left = before.filter((node) => !after.includes(node));
    const joined = after.filter((node) => !before.includes(node));
    const open = [...this.#drafts()].flatMap((draft) => (draft.story.kind === 'next-hops-changed' ? [{ draft, story: draft.story }] : []));
    const back = new Set<string>();
    for (const { draft, story } of open) {
      // Where routers differ, what joins the set of one has not come back to that of the other.
      const isTeller = story.sources.includes(source) || !story.sources.some((each) => this.sets.of(each));
      const returning = isTeller ? joined.filter((node) => story.left.includes(node)) : [];
      const isLeft = left.some((node) => story.left.includes(node));
      if (isLeft && !story.sources.includes(source)) story.sources.push(source);
      for (const node of returning) back.add(node);
      const isOwn = draft.windows.some(({ key }) => key === window.key);
      if (isOwn && returning.length > 0) story.joined.push(...returning.filter((node) => !story.joined.includes(node)));
      if (!isOwn && (returning.length > 0 || isLeft)) {
        this.#book.addWindow(draft, window, returning.length > 0);
      }
    }
    const newlyLeft = left.filter((node) => !open.some(({ story }) => story.left.includes(node)));
    const newlyJoined = joined.filter(
      (node) =>
        !back.has(node) &&
        !open.some(({ draft, story }) => draft.windows.some(({ key }) => key === window.key) && story.joined.includes(node)),
    );
    if (newlyLeft.length + newlyJoined.length === 0) return;
    const own = open.find(({ draft }) => draft.windows.some(({ key, isReturn }) => key === window.key && !isReturn));
    if (own) {
      own.story.left.push(...newlyLeft);
      own.story.joined.push(...newlyJoined);
      if (!own.story.sources.includes(source)) own.story.sources.push(source);
      return;
    }
    const draft = this.#book.begin({
      vip: this.#vip,
      subject: (newlyLeft.length > 0 ? newlyLeft : newlyJoined).join(', '),
      sinceT: t,
      story: {
        kind: 'next-hops-changed',
        left: newlyLeft,
        joined: newlyJoined,
        before: [...before],
        now: [...after],
        changeT: t,
        backT: null,
        isAccepted: false,
        from,
        sources: [source],
      },
    });
    this.#book.addWindow(draft, window);
  }

  /** Whether another judgement could come to anything new, and it is time for it. */
  #isDue(window: WatchWindow, { nowT, t }: DataTimes): boolean {
    const { result, judged, untilT, quietT, cutT, lastT } = window;
    if (result === null) return true;
    if (nowT < judged.nowT + Math.max(JUDGE_EVERY_MS, this.slice.flows * JUDGE_MS_PER_FLOW)) return false;
    if (judged.version !== this.slice.version) return true;
    const settlesT = lastT + SETTLE_MS;
    return untilT === null && (t >= Math.min(quietT, cutT ?? Infinity) || (judged.nowT < settlesT && nowT >= settlesT));
  }

  /** Where a window opens depends on how the one before it closed, and may cut that one short. */
  #judgeOne(window: WatchWindow, judging: Judging): void {
    judge(window, judging);
    window.judged = { version: this.slice.version, nowT: judging.nowT };
    const next = window.nextKey === null ? undefined : this.#book.window(window.nextKey);
    const [change] = next?.changes ?? [];
    if (!next || !change || next.isFinal) return;
    next.floorT = window.quietT <= change.t ? window.quietT : window.lastT;
    judge(next, judging);
    if (next.fromT === window.cutT) return;
    window.cutT = next.fromT;
    judge(window, judging);
  }

  /** One that was cut short waits for the one that cut it, whose opening may still move. */
  #canEnd({ untilT, isFinal, nextKey }: WatchWindow, { patientT, finalT }: DataTimes): boolean {
    if (isFinal || untilT === null) return false;
    const next = nextKey === null ? undefined : this.#book.window(nextKey);
    return (next?.isFinal ?? true) && (finalT >= untilT || patientT >= untilT + MAX_LATENESS_MS);
  }

  #windows(): WatchWindow[] {
    return [...this.#book.windows].filter((window) => window.vip === this.#vip);
  }

  *#drafts(): Generator<Draft> {
    for (const draft of this.#book.drafts) if (draft.vip === this.#vip && draft.resolvedT === null) yield draft;
  }
}

function newWindow(about: Pick<WatchWindow, 'key' | 'vip' | 'title' | 'fromT' | 'floorT'>): WatchWindow {
  return {
    ...about,
    changes: [],
    lastT: about.fromT,
    cutT: null,
    quietT: about.fromT,
    nextKey: null,
    untilT: null,
    isFinal: false,
    result: null,
    judged: { version: -1, nowT: -1e12 },
  };
}
