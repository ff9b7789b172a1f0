// What becomes of alerts: findings, rules, periods and the time in; the next alerts and what is to be told out. Pure.
import { createHash } from 'node:crypto';
import type { Finding } from '../../core/finding.ts';
import type { PeriodSpec, RuleSpec } from '../../core/service-file.ts';
import { type Alert, fingerprintOf, isAllResolved, leadOf, type Member, sentenceOf, severityOf, severityRank } from './alert.ts';
import { groupKey, wantsFinding } from './matching.ts';
import { maintenanceOf } from './periods.ts';

/** Between two notifications of one alert, unless it grew severer, lost its maintenance, or is over. */
const CHANGED_EVERY_MS = 60_000;
/** A group that comes back within this goes on as the same alert. */
export const FLAP_MS = 300_000;
/** An alert that came back stays quiet this long before it is called over; twice as long with each time, up to `FLAP_MS`. */
const QUIET_MS = 30_000;
/** Findings that are over and told are forgotten beyond this many, so that an alert that stays open for days stays small. */
const RESOLVED_KEPT = 100;

/** Live alerts by rule and group: open ones, and those that are over for less than `FLAP_MS`. */
export type Book = ReadonlyMap<string, Alert>;

/** `steadyMs`: Unix ms that do not step, for waits; `wallMs`: as the wall clock has it, for periods. */
export type Moment = { steadyMs: number; wallMs: number };

export type Turn = { type: 'alert.opened' | 'alert.changed' | 'alert.resolved'; alert: Alert; atMs: number };

export type Rulebook = { rules: readonly RuleSpec[]; periods: readonly PeriodSpec[] };

export function bookOf(alerts: Iterable<Alert>): Book {
  return new Map([...alerts].map((alert) => [slotOf(alert.rule, alert.group), alert]));
}

/** `nodes`: those it is about. `past`: what forgotten alerts had of it. */
export type TakenFinding = { finding: Finding; nodes: readonly string[]; past?: readonly { rule: string; updatedMs: number }[] };

/** Takes a finding's new state; one that is no newer than the last changes nothing. Nothing is told before `tick`. */
export function takeFinding(book: Book, taken: TakenFinding, about: Rulebook & { now: Moment }): Book {
  const { windows: _, ...brief } = taken.finding;
  const next = new Map(book);
  for (const rule of about.rules) {
    const group = groupKey(rule, taken.finding);
    const alert = alertWith(book, brief.id, { rule: rule.name, group });
    if (!isNews(taken, rule, alert?.members.get(brief.id))) continue;
    const member: Member = { finding: brief, nodes: taken.nodes };
    const grown = settle(joined(alert, member, { rule, now: about.now, group }), about);
    next.set(slotOf(grown.rule, grown.group), grown);
  }
  return next;
}

/** The alert of its group; of a rule that groups otherwise since a restart, the one that has the finding already. */
function alertWith(book: Book, finding: string, { rule, group }: { rule: string; group: string }): Alert | undefined {
  const ofGroup = book.get(slotOf(rule, group));
  if (ofGroup?.members.has(finding)) return ofGroup;
  const has = (alert: Alert) => alert.rule === rule && alert.state !== 'resolved' && alert.members.has(finding);
  return [...book.values()].find(has) ?? ofGroup;
}

function isNews({ finding, past = [] }: TakenFinding, rule: RuleSpec, known: Member | undefined): boolean {
  if (known) return known.finding.updatedMs < finding.updatedMs;
  const before = past.filter((each) => each.rule === rule.name);
  // What was told to its end needs no alert for its last figures; the API has them.
  if (before.length > 0 && finding.state === 'resolved') return false;
  return before.every(({ updatedMs }) => updatedMs < finding.updatedMs) && wantsFinding(rule, finding);
}

/** Tells what is due, and forgets what is over. The turns of one alert come in their order. */
export function tick(book: Book, about: Rulebook & { now: Moment }): { book: Book; turns: Turn[] } {
  const turns: Turn[] = [];
  const next = new Map<string, Alert>();
  for (const [slot, alert] of book) {
    let current = settle(alert, about);
    for (let turn = dueTurn(current, about.now); turn !== null; turn = dueTurn(current, about.now)) {
      current = told(current, turn, about.now);
      turns.push({ type: turn, alert: current, atMs: about.now.wallMs });
      current = settle(forgetful(current), about);
    }
    if (!isForgotten(current, about.now)) next.set(slot, current);
  }
  return { book: next, turns };
}

/** When `tick` next has something to do by itself; null: only when something comes. Ends and starts of periods are left to a slow poll. */
export function nextTickMs(book: Book): number | null {
  const due = [...book.values()].map(({ tellAtMs }) => tellAtMs).filter((ms) => ms !== null);
  return due.length === 0 ? null : Math.min(...due);
}

function joined(alert: Alert | undefined, member: Member, about: { rule: RuleSpec; now: Moment; group: string }): Alert {
  const { finding } = member;
  const { steadyMs } = about.now;
  if (!alert) return opened(member, about);
  const isMember = alert.members.has(finding.id);
  if (alert.state !== 'resolved' || (isMember && finding.state === 'resolved')) {
    return { ...alert, members: new Map(alert.members).set(finding.id, member), updatedMs: steadyMs };
  }
  // It came back: the same alert goes on, with what is there now.
  return {
    ...alert,
    state: 'waiting',
    flaps: alert.flaps + 1,
    members: new Map([[finding.id, member]]),
    updatedMs: steadyMs,
    resolvedMs: null,
    quietMs: null,
    tellAtMs: steadyMs + about.rule.wait,
  };
}

function opened(member: Member, { rule, now, group }: { rule: RuleSpec; now: Moment; group: string }): Alert {
  const { finding } = member;
  const identity = JSON.stringify([rule.name, group, finding.id, finding.updatedMs]);
  return {
    id: createHash('sha256').update(identity).digest('hex').slice(0, 20),
    rule: rule.name,
    group,
    environment: finding.environment,
    kind: finding.kind,
    state: 'waiting',
    severity: finding.severity,
    sentence: finding.sentence,
    maintenance: null,
    openedMs: now.steadyMs,
    updatedMs: now.steadyMs,
    resolvedMs: null,
    tellAtMs: now.steadyMs + rule.wait,
    turn: 0,
    told: '',
    toldMs: null,
    flaps: 0,
    quietMs: null,
    members: new Map([[finding.id, member]]),
  };
}

/** Draws the conclusions from an alert's findings: what it says now, and when that is told. */
function settle(alert: Alert, { periods, now }: Rulebook & { now: Moment }): Alert {
  if (alert.state === 'resolved') return alert;
  const open = [...alert.members.values()].filter(({ finding }) => finding.state === 'open');
  const next: Alert = {
    ...alert,
    severity: severityOf(alert.members),
    sentence: sentenceOf(alert.members),
    maintenance:
      open.length > 0 || alert.turn === 0
        ? maintenanceOf(open.length > 0 ? open : [...alert.members.values()], periods, now.wallMs)
        : alert.maintenance,
    quietMs: isAllResolved(alert) ? (alert.quietMs ?? now.steadyMs) : null,
  };
  const settled = { ...next, tellAtMs: tellAtMs(next, alert, now) };
  // The same object where nothing changed: that is how the store knows what to write.
  const isSame = (['severity', 'sentence', 'maintenance', 'quietMs', 'tellAtMs'] as const).every((key) => settled[key] === alert[key]);
  return isSame ? alert : settled;
}

function tellAtMs(next: Alert, before: Alert, { steadyMs }: Moment): number | null {
  if (next.state === 'waiting') return next.tellAtMs;
  if (next.quietMs !== null) return next.quietMs + (next.flaps === 0 ? 0 : Math.min(FLAP_MS, QUIET_MS * 2 ** (next.flaps - 1)));
  if (fingerprintOf(next) === next.told) return null;
  const isWorse = severityRank(next.severity) > severityRank(before.severity) || (before.maintenance !== null && next.maintenance === null);
  // Once it was worse it stays due, whatever else changes before it is told.
  if (isWorse || (before.tellAtMs !== null && before.tellAtMs <= steadyMs)) return steadyMs;
  return Math.max(steadyMs, (next.toldMs ?? 0) + CHANGED_EVERY_MS);
}

function dueTurn(alert: Alert, { steadyMs }: Moment): Turn['type'] | null {
  if (alert.tellAtMs === null || alert.tellAtMs > steadyMs) return null;
  switch (alert.state) {
    case 'waiting':
      return 'alert.opened';
    case 'open':
      return alert.quietMs === null ? 'alert.changed' : 'alert.resolved';
    case 'resolved':
      return null;
  }
}

function told(alert: Alert, turn: Turn['type'], { steadyMs }: Moment): Alert {
  const isOver = turn === 'alert.resolved';
  return {
    ...alert,
    state: isOver ? 'resolved' : 'open',
    turn: alert.turn + 1,
    told: fingerprintOf(alert),
    toldMs: steadyMs,
    tellAtMs: null,
    updatedMs: steadyMs,
    resolvedMs: isOver ? steadyMs : null,
  };
}

/** An alert without the oldest of its findings that are over and were told so. */
function forgetful(alert: Alert): Alert {
  const resolved = [...alert.members.values()].filter(({ finding }) => finding.state === 'resolved');
  if (alert.state !== 'open' || resolved.length <= RESOLVED_KEPT || resolved.length === alert.members.size) return alert;
  const members = new Map(alert.members);
  const byEnd = resolved.sort((a, b) => a.finding.updatedMs - b.finding.updatedMs);
  for (const { finding } of byEnd.slice(0, resolved.length - RESOLVED_KEPT)) members.delete(finding.id);
  return { ...alert, members, told: fingerprintOf({ ...alert, members }) };
}

function isForgotten({ state, resolvedMs }: Alert, { steadyMs }: Moment): boolean {
  return state === 'resolved' && steadyMs - (resolvedMs ?? 0) > FLAP_MS;
}

function slotOf(rule: string, group: string): string {
  return `${rule}\n${group}`;
}

/** The lead's VIP where all findings share it. */
export function vipOf({ members }: Alert): string | null {
  const { vip } = leadOf(members.values());
  return [...members.values()].every(({ finding }) => finding.vip === vip) ? vip : null;
}
