// All happenings that a watch has not yet told to the end; makes findings of those whose telling changed.
import type { Finding, FindingKind, Severity } from '../../core/finding.ts';
import { protocolsOf, type WatchContext } from './context.ts';
import { type Draft, findingId, type Story } from './draft.ts';
import { flowsText, listText } from '../wording.ts';
import { type Related, sentenceOf } from './sentences.ts';
import { brokenIn, type WatchWindow, type WindowResult } from './watch-window.ts';

export type About = { vip: string | null; subject: string; sinceT: number; vantage?: string; story: Story };

export class FindingBook {
  readonly #context: WatchContext;
  readonly #drafts = new Map<string, Draft>();
  readonly #windows = new Map<string, WatchWindow>();

  constructor(context: WatchContext) {
    this.#context = context;
  }

  get drafts(): Iterable<Draft> {
    return this.#drafts.values();
  }

  get windows(): Iterable<WatchWindow> {
    return this.#windows.values();
  }

  /** Drafts and windows in memory. */
  get size(): number {
    return this.#drafts.size + this.#windows.size;
  }

  get openCount(): number {
    let count = 0;
    for (const draft of this.#drafts.values()) if (draft.resolvedT === null) count += 1;
    return count;
  }

  /** The unresolved one of a kind and subject. */
  open(kind: FindingKind, vip: string | null, subject: string): Draft | undefined {
    for (const draft of this.#drafts.values()) {
      if (draft.resolvedT === null && draft.story.kind === kind && draft.vip === vip && draft.subject === subject) return draft;
    }
    return undefined;
  }

  /** Begins a happening, or adds a vantage to one that is open. `edgeT`: what its id is made of, where that is not `sinceT`. */
  begin({ vip, subject, sinceT, vantage, story }: About, edgeT = sinceT): Draft {
    let draft = this.open(story.kind, vip, subject);
    if (!draft) {
      const id = findingId(this.#context, { kind: story.kind, vip, subject, edgeT });
      draft = { id, vip, subject, openedT: sinceT, resolvedT: null, seenBy: [], windows: [], story, told: null };
      this.#drafts.set(id, draft);
    }
    draft.openedT = Math.min(draft.openedT, sinceT);
    if (vantage === undefined) return draft;
    const seen = draft.seenBy.find((each) => each.vantage === vantage);
    if (seen) seen.untilT = null;
    else draft.seenBy = [...draft.seenBy, { vantage, untilT: null }].sort((a, b) => (a.vantage < b.vantage ? -1 : 1));
    return draft;
  }

  /** It is over for a vantage; resolved once it is for all that saw it. */
  endFor(draft: Draft, vantage: string, t: number): void {
    const seen = draft.seenBy.find((each) => each.vantage === vantage);
    if (seen) seen.untilT ??= t;
    if (draft.seenBy.every((each) => each.untilT !== null)) {
      draft.resolvedT ??= Math.max(draft.openedT, t, ...draft.seenBy.map((each) => each.untilT ?? t));
    }
  }

  window(key: string): WatchWindow | undefined {
    return this.#windows.get(key);
  }

  addWindow(draft: Draft, window: WatchWindow, isReturn = false): void {
    this.#windows.set(window.key, window);
    if (!draft.windows.some(({ key }) => key === window.key)) draft.windows.push({ key: window.key, isReturn });
  }

  /** Findings whose telling changed since the last call, in the order in which they began; those told to the end are let go. */
  takeChanged(nowT: number, relatedTo: (draft: Draft) => Related): Finding[] {
    const changed: Finding[] = [];
    for (const draft of this.#drafts.values()) {
      const finding = this.#findingOf(draft, relatedTo(draft), nowT);
      const { updatedMs: _, windows, ...rest } = finding;
      // While a window is open its end moves with every second: only that its sets became known is news.
      const sets = windows.map(
        ({ nextHops }) => draft.story.kind === 'next-hops-changed' && nextHops.every((set) => set.unknown === undefined),
      );
      const told = JSON.stringify([rest, sets]);
      if (told !== draft.told) changed.push(finding);
      draft.told = told;
      if (draft.resolvedT !== null && !finding.isProvisional) this.#drafts.delete(draft.id);
    }
    const needed = new Set([...this.#drafts.values()].flatMap((draft) => draft.windows.map(({ key }) => key)));
    for (const key of this.#windows.keys()) if (!needed.has(key)) this.#windows.delete(key);
    return changed.sort((a, b) => a.openedMs - b.openedMs || (a.id < b.id ? -1 : 1));
  }

  snapshot(): { drafts: Draft[]; windows: WatchWindow[] } {
    return { drafts: [...this.#drafts.values()], windows: [...this.#windows.values()] };
  }

  restore({ drafts, windows }: { drafts: readonly Draft[]; windows: readonly WatchWindow[] }): void {
    for (const draft of drafts) this.#drafts.set(draft.id, draft);
    for (const window of windows) this.#windows.set(window.key, window);
  }

  #findingOf(draft: Draft, related: Related, nowT: number): Finding {
    const { monitor, environment, t0WallMs } = this.#context;
    const ms = (t: number) => Math.round(t0WallMs + t);
    const windows = draft.windows.flatMap(({ key, isReturn }) => {
      const window = this.#windows.get(key);
      return window ? [{ window, isReturn }] : [];
    });
    const resultsOf = (wanted: boolean) =>
      windows.flatMap(({ window, isReturn }) => (isReturn === wanted && window.result ? [window.result] : []));
    const results = { change: resultsOf(false), back: resultsOf(true) };
    const all = [...results.change, ...results.back];
    const brokenByCause: Record<string, number> = {};
    for (const { cause, flows } of all.flatMap((result) => result.causes)) brokenByCause[cause] = (brokenByCause[cause] ?? 0) + flows;
    const vantages = draft.seenBy.length > 0 ? draft.seenBy.map(({ vantage }) => vantage) : all.flatMap((result) => result.vantages);
    const broken = all.reduce((sum, result) => sum + brokenIn(result) - result.inDoubt, 0);
    return {
      id: draft.id,
      monitor,
      environment: environment.name,
      vip: draft.vip,
      kind: draft.story.kind,
      subject: draft.subject,
      state: draft.resolvedT === null ? 'open' : 'resolved',
      isProvisional: windows.some(({ window }) => !window.isFinal),
      severity: severityOf(draft.story, broken),
      sentence: sentenceOf({ draft, results, related, held: protocolsOf(this.#context, draft.vip) }),
      details: detailsOf(draft.story, related, all),
      vantages: [...new Set(vantages)].sort(),
      brokenByCause,
      openedMs: ms(draft.openedT),
      updatedMs: ms(nowT),
      resolvedMs: draft.resolvedT === null ? null : ms(draft.resolvedT),
      windows: windows.flatMap(({ window }) => (window.result ? [window.result.report] : [])),
    };
  }
}

/**
 * A page is what users feel: flows broke, or a path or VIP does not answer. A set that shrank and hurt nobody is a warning, one that
 * only grew is for information. What a prober did to itself never pages.
 */
function severityOf(story: Story, broken: number): Severity {
  switch (story.kind) {
    case 'vip-down':
    case 'path-dead':
      return 'page';
    case 'next-hops-changed':
      if (broken > 0) return 'page';
      return story.left.length > 0 ? 'warn' : 'info';
    case 'break-burst':
    case 'source-ip-lost':
    case 'path-not-as-intended':
    case 'bgp-session-down':
    case 'agent-ill':
    case 'agent-silent':
      return 'warn';
  }
}

function detailsOf(story: Story, { sessions, vips }: Related, results: readonly WindowResult[]): string[] {
  const details = sessions.map(
    ({ node, reason }) =>
      `The BGP session of ${node} went down at that time${reason === '' ? '' : `: ${reason}`}. It has a finding of its own.`,
  );
  if (vips.length > 0) details.push(`With it the node left the next-hop set of ${listText(vips)}.`);
  if (story.kind === 'next-hops-changed' && story.from === 'flows') {
    details.push('Nobody observed the router: the change is inferred from who answered fresh dials and where flows moved.');
  }
  if (story.kind === 'path-not-as-intended') details.push(...story.told.flatMap(({ what, look }) => [what, `Look at ${look}.`]));
  const untold = [...new Set(results.flatMap((result) => result.untold))];
  if (untold.length > 0) details.push(`Not counted: the flows of ${listText(untold)}, from where nothing has come in since.`);
  const inDoubt = results.reduce((sum, result) => sum + result.inDoubt, 0);
  if (inDoubt > 0) details.push(`Of the broken flows ${String(inDoubt)} may not have broken: their prober was ill at the time.`);
  const silent = results.reduce((sum, result) => sum + result.silentInDoubt, 0);
  if (silent > 0) details.push(`Not counted as broken, and perhaps so: ${flowsText(silent)} that fell silent while their prober was ill.`);
  const unborn = results.flatMap((result) => result.report.ledgers).reduce((sum, ledger) => sum + ledger.openedAndBroken, 0);
  if (unborn > 0) details.push(`${String(unborn)} more were opened meanwhile and broke again.`);
  return details;
}
