// A change of a next-hop set, as people want it said: what went, what came, and nothing when nothing did.
import type { WindowNextHops } from '../core/report-format.ts';

/** Longer sets are told by their sizes and their difference. */
const LONG = 6;

/** A word, or names that a page may give their colours. */
export type SetWord = { text: string } | { names: readonly string[] };

/** The two settled sets of a window in words and names. */
export function describeSets({ before, after, unknown = [] }: WindowNextHops): SetWord[] {
  const whole = (side: 'before' | 'after', set: readonly string[]): SetWord => {
    if (unknown.includes(side)) return { text: 'unknown' };
    return set.length === 0 ? { text: 'no route' } : { names: set };
  };
  const [gone, come] = [before.filter((name) => !after.includes(name)), after.filter((name) => !before.includes(name))];
  const isKnown = unknown.length === 0;
  if (isKnown && before.join('\n') === after.join('\n')) return [whole('after', after), { text: '(unchanged)' }];
  if (!isKnown || Math.max(before.length, after.length) <= LONG) return [whole('before', before), { text: '→' }, whole('after', after)];
  return [
    { text: `${String(before.length)} → ${String(after.length)}` },
    ...(gone.length > 0 ? [{ text: 'without' }, { names: gone }] : []),
    ...(come.length > 0 ? [{ text: 'with' }, { names: come }] : []),
  ];
}

/** Who saw it: an observer, or the fresh flows of a vantage. */
export function describeSource({ from, vantage }: WindowNextHops): string {
  if (from === 'observer') return 'seen by the observer';
  return vantage === undefined ? 'inferred from fresh flows' : `inferred from fresh flows of ${vantage}`;
}

/** A router by name, or as somebody whom nobody named: without access to it a set is only inferred. */
export function routerText(router: string): string {
  return router === 'unknown' ? 'a router unknown' : router;
}
