// What the parts of a watch saw, turned into happenings: each news begins one, adds to it, or ends it.
import type { AgentNews } from './agent-watch.ts';
import { differences } from '../intent-wire-words.ts';
import type { PathFinding } from '../path-verdicts.ts';
import type { SeenBreak } from './burst-watch.ts';
import { MAX_LATENESS_MS } from './context.ts';
import type { Draft, Shown, Story } from './draft.ts';
import type { FindingBook } from './finding-book.ts';
import { endOf, type Look, openedPerLook } from './intent-watch.ts';
import type { Sign } from './path-watch.ts';
import { type Related, signerOf } from './sentences.ts';
import type { SessionNews } from './session-watch.ts';
import type { SourceNews } from './source-watch.ts';
import type { VipWatch } from './vip-watch.ts';
import { seatKey, type WatchParts } from './watch-snapshot.ts';

/** A set and the session that carries it change within this long. */
const TOGETHER_MS = 5_000;

type Contradiction = Extract<Story, { kind: 'path-not-as-intended' }>;

export function onSign({ book, paths }: WatchParts, sign: Sign, vip: VipWatch): void {
  if (sign.at === 'begin') {
    const story = { kind: sign.kind, end: null, protocols: [] };
    const draft = book.begin({ vip: sign.vip, subject: sign.subject, sinceT: sign.sinceT, vantage: sign.vantage, story });
    if (draft.story.kind === 'path-dead' || draft.story.kind === 'vip-down') {
      draft.story.protocols = [...new Set([...draft.story.protocols, sign.protocol])].sort();
    }
    vip.open(draft, sign.kind === 'vip-down' ? `no path of ${sign.vip} answers` : `the path of ${sign.vip} by ${sign.subject} is dead`);
    return;
  }
  const draft = book.open(sign.kind, sign.vip, sign.subject);
  // A vantage sees it for as long as it does with any protocol.
  const goesOn = paths.get(seatKey(sign))?.some((path) => path.sees(sign.kind, sign.subject));
  if (!draft || goesOn) return;
  if (draft.story.kind === 'path-dead' || draft.story.kind === 'vip-down') draft.story.end = sign.why ?? 'answers';
  book.endFor(draft, sign.vantage, sign.t);
}

export function onSource({ book }: WatchParts, { vip, path, vantage, at, t, lost, rewrittenBy }: SourceNews): void {
  if (at !== 'end') {
    const draft = book.begin({
      vip,
      subject: path,
      sinceT: t,
      vantage,
      story: { kind: 'source-ip-lost', flows: 0, rewrittenBy: [], isUnseen: false },
    });
    const { story } = draft;
    if (story.kind !== 'source-ip-lost') return;
    draft.openedT = at === 'begin' ? draft.openedT : Math.min(draft.openedT, t);
    story.flows = Math.max(story.flows, lost);
    story.rewrittenBy = [...new Set([...story.rewrittenBy, ...rewrittenBy])].sort();
    return;
  }
  const draft = book.open('source-ip-lost', vip, path);
  if (!draft) return;
  if (draft.story.kind === 'source-ip-lost') draft.story.isUnseen = false;
  book.endFor(draft, vantage, t);
}

export function onSession({ book }: WatchParts, { at, subject, t, session }: SessionNews): void {
  const draft = book.open('bgp-session-down', null, subject);
  if (at === 'end') {
    if (draft) draft.resolvedT = Math.max(t, draft.openedT);
    return;
  }
  const { router, state, reason } = session;
  if (!draft) book.begin({ vip: null, subject, sinceT: t, story: { kind: 'bgp-session-down', router, state, reason } });
}

export function onAgent({ book }: WatchParts, { at, vantage, t, why }: AgentNews): void {
  if (at === 'begin') book.begin({ vip: null, subject: vantage, sinceT: t, vantage, story: { kind: 'agent-ill', why, isUnseen: false } });
  const draft = book.open('agent-ill', null, vantage);
  if (at === 'end' && draft) book.endFor(draft, vantage, t);
}

/** Begins what the layers contradict each other in, and ends what they agree on again: each sign for itself, the finding with the last. */
export function onLook({ book, dataT }: WatchParts, look: Look): void {
  const { t, sinceT, rows, findings } = look;
  const isIntended = (node: string) => rows.find((row) => row.node === node)?.intended?.advertises === true;
  for (const { draft, story } of contradictions(book, look)) {
    const isTurned = isIntended(draft.subject) !== story.isIntended && findings.some(({ node }) => node === draft.subject);
    if (isTurned) endSigns(draft, story, () => ({ t: sinceT, isSeen: true }));
  }
  for (const [subject, found] of Map.groupBy(findings, ({ node }) => node)) show(book, look, subject, found, isIntended(subject));
  for (const { draft, story } of contradictions(book, look)) {
    for (const shown of story.signs) if (shown.lastT !== t) shown.missed += openedPerLook(shown.sign, look);
    endSigns(draft, story, (shown) => {
      const endT = shown.lastT === t ? null : endOf(shown, draft.subject, look, (vantage) => dataT.get(vantage) ?? -Infinity);
      return endT === null ? null : { t: endT, isSeen: true };
    });
  }
}

/** Adds what a look found of one node to its finding. */
function show(book: FindingBook, look: Look, subject: string, found: readonly PathFinding[], isIntended: boolean): void {
  const about = { vip: look.vip, subject, sinceT: look.sinceT };
  const { story } = book.begin({ ...about, story: { kind: 'path-not-as-intended', isIntended, signs: [], told: [] } });
  if (story.kind !== 'path-not-as-intended') return;
  // That it was intended once is forgotten while a zombie lives on.
  const isZombie = story.signs.some(({ sign }) => sign.by === 'flows' && sign.kind === 'zombie');
  const signs = found.map((sign) =>
    isZombie && sign.by === 'flows' && sign.kind === 'phantom' ? { ...sign, kind: 'zombie' as const } : sign,
  );
  let isNews = false;
  for (const sign of signs) {
    if (sign.by === 'flows') book.begin({ ...about, vantage: sign.vantage, story });
    const shown = story.signs.find((one) => isSameSign(one.sign, sign));
    if (shown) Object.assign(shown, { lastT: look.t, missed: 0, end: null });
    else story.signs.push({ sign, lastT: look.t, missed: 0, end: null });
    isNews ||= !shown;
  }
  if (isNews) story.told = differences(look.rows, signs, look.context);
}

/** The open ones that a look tells of. */
function contradictions(book: FindingBook, look: Look): { draft: Draft; story: Contradiction }[] {
  return [...book.drafts].flatMap((draft) =>
    draft.story.kind === 'path-not-as-intended' && draft.vip === look.vip && draft.resolvedT === null && look.tells(draft.subject)
      ? [{ draft, story: draft.story }]
      : [],
  );
}

/** @param endOf of a sign that stands: its end, or null while it goes on standing */
function endSigns(draft: Draft, { signs }: Contradiction, endOf: (shown: Shown) => Shown['end']): void {
  for (const shown of signs) shown.end ??= endOf(shown);
  const ends = signs.flatMap(({ end }) => end ?? []);
  if (ends.length === signs.length) draft.resolvedT = Math.max(draft.openedT, ...ends.map(({ t }) => t));
}

function isSameSign(one: PathFinding, other: PathFinding): boolean {
  return one.kind === other.kind && signerOf(one) === signerOf(other);
}

/** @param dataT how far the vantages that are waited for have told */
export function findBurst({ book, agents }: WatchParts, vip: VipWatch, dataT: number): void {
  if (vip.bursts.size === 0) return;
  // Asked again: what a prober reads once a second of its own health it tells after the breaks of that second.
  const isInDoubt = ({ vantage, onsetT, t }: SeenBreak) => agents.wasIll(vantage, onsetT, t);
  const burst = vip.bursts.decide(dataT, vip.slice.flows, (seen) => vip.isExplained(seen) || isInDoubt(seen));
  if (!burst) return;
  const name = vip.slice.vip.name;
  const draft = book.begin({ vip: name, subject: name, sinceT: burst.sinceT, story: { kind: 'break-burst', explainedBy: null } });
  for (const vantage of burst.vantages) book.begin({ vip: name, subject: name, sinceT: burst.sinceT, vantage, story: draft.story });
  vip.open(draft, `flows of ${name} broke while its next-hop set stayed`);
}

/** A burst is over once its window has closed, or once something that explains it is known. */
export function endBursts({ book }: WatchParts, nowT: number): void {
  for (const draft of book.drafts) {
    const { story, resolvedT } = draft;
    if (story.kind !== 'break-burst' || resolvedT !== null) continue;
    const own = book.window(draft.id);
    for (const window of book.windows) {
      const isOther = window.vip === draft.vip && window.key !== draft.id && window.fromT <= draft.openedT;
      if (!isOther || (window.untilT !== null && window.untilT <= draft.openedT)) continue;
      story.explainedBy = window.title ?? 'the change of the set that followed';
      // Not when it came to be known: that depends on how events were delivered.
      draft.resolvedT = Math.max(draft.openedT, window.changes[0]?.t ?? window.fromT);
    }
    if (own?.untilT !== null) draft.resolvedT ??= own?.untilT ?? nowT;
  }
}

/** What happened along with it. */
export function relatedTo({ sessions, book }: WatchParts, { story, subject, openedT }: Draft): Related {
  if (story.kind === 'next-hops-changed') return { sessions: sessions.downAround(story.left, story.changeT), vips: [] };
  if (story.kind !== 'bgp-session-down') return { sessions: [], vips: [] };
  const vips = [...book.drafts].filter(
    (draft) =>
      draft.story.kind === 'next-hops-changed' &&
      draft.story.left.includes(subject) &&
      Math.abs(draft.story.changeT - openedT) <= TOGETHER_MS,
  );
  return { sessions: [], vips: [...new Set(vips.map((draft) => draft.vip ?? ''))].sort() };
}

/**
 * Nobody says any more how things are where a vantage is not heard of for so long: its own silence is another finding.
 * @param patientT the time by which vantages are late
 */
export function giveUp(parts: WatchParts, patientT: number): void {
  const { book, dataT, heardT } = parts;
  for (const draft of book.drafts) {
    if (draft.resolvedT !== null) continue;
    for (const { vantage, untilT } of draft.seenBy) {
      if (untilT !== null || (heardT.get(vantage) ?? patientT) >= patientT - MAX_LATENESS_MS) continue;
      const toldT = dataT.get(vantage) ?? patientT;
      if (giveUpFor(parts, draft, vantage, toldT)) book.endFor(draft, vantage, toldT);
    }
  }
}

/** It will be found anew when the vantage is back. @returns whether it was for vantages alone to tell */
function giveUpFor({ paths, sources, agents }: WatchParts, draft: Draft, vantage: string, toldT: number): boolean {
  const { story, vip, subject } = draft;
  switch (story.kind) {
    case 'path-dead':
    case 'vip-down':
      for (const path of paths.get(seatKey({ vantage, vip: vip ?? '' })) ?? []) path.giveUp();
      story.end = 'unseen';
      return true;
    case 'source-ip-lost':
      sources.giveUp({ vantage, vip: vip ?? '', path: subject });
      story.isUnseen = true;
      return true;
    case 'path-not-as-intended':
      endSigns(draft, story, ({ sign }) => (sign.by === 'flows' && sign.vantage === vantage ? { t: toldT, isSeen: false } : null));
      return false;
    case 'agent-ill':
      agents.giveUp(vantage);
      story.isUnseen = true;
      return true;
    case 'next-hops-changed':
    case 'break-burst':
    case 'bgp-session-down':
    case 'agent-silent':
      return false;
  }
}
