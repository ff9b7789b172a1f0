// Storm control: so many notifications a minute to one destination; what is more is folded into one that names the rest. Pure.
import { severityRank } from './alert.ts';
import type { HeldNotification, Notification } from '../../core/notification.ts';

const MINUTE_MS = 60_000;
/** What a summary names; the API has the rest. */
const MAX_HELD = 500;

/** Instants (ms, ascending) at which notifications went to a destination, cut to the last minute. */
export type Releases = readonly number[];

export function lastMinute(releases: Releases, nowMs: number): number[] {
  return releases.filter((atMs) => nowMs - atMs < MINUTE_MS);
}

/** Whether a new notification may go by itself: the last place of a minute is kept for a summary, and nothing overtakes what is held. */
export function mayGo(releases: Releases, held: number, { perMinute, nowMs }: { perMinute: number; nowMs: number }): boolean {
  return held === 0 && lastMinute(releases, nowMs).length < perMinute - 1;
}

/** Whether what is held may go as one summary. */
export function mayFold(releases: Releases, { perMinute, nowMs }: { perMinute: number; nowMs: number }): boolean {
  return lastMinute(releases, nowMs).length < perMinute;
}

/**
 * One notification for all that is held, in the order in which it was made. The severest last word leads and keeps its id;
 * of every other alert the last word is named.
 * @returns the summary and the ids of what it stands for besides itself
 */
export function fold(held: readonly [Notification, ...Notification[]]): { summary: Notification; folded: string[] } {
  const lastWords = new Map<string, Notification>();
  for (const each of held) {
    lastWords.delete(each.alert); // a later word comes later
    lastWords.set(each.alert, each);
  }
  const words = [...lastWords.values()].sort((a, b) => severityRank(b.severity) - severityRank(a.severity));
  const [lead = held[0], ...others] = words;
  const heldBack = held.length - 1;
  const summary: Notification = {
    ...lead,
    sentence: heldBack === 0 ? lead.sentence : `${lead.sentence} ${heldSentence(held, lead)}`,
    heldBack,
    held: others.slice(0, MAX_HELD).map(brief),
  };
  return { summary, folded: held.filter(({ id }) => id !== lead.id).map(({ id }) => id) };
}

function heldSentence(held: readonly Notification[], lead: Notification): string {
  const words: Record<Notification['type'], string> = {
    'alert.opened': 'opened',
    'alert.changed': 'changed',
    'alert.resolved': 'resolved',
    'run.ended': 'runs ended',
    test: 'samples',
  };
  const counts = Map.groupBy(
    held.filter(({ id }) => id !== lead.id),
    ({ type }) => words[type],
  );
  const parts = [...counts].map(([word, { length }]) => `${String(length)} ${word}`);
  return `Held back and told with it: ${parts.join(', ')}.`;
}

function brief({ id, type, atMs, rule, severity, alert, kind, sentence, environment, vip, openedMs }: Notification): HeldNotification {
  return { id, type, atMs, rule, severity, alert, kind, sentence, environment, vip, openedMs };
}
