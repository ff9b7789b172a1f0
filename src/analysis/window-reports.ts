// Windows as the report shows them: what opened each, its next-hop sets at both ends, its ledgers.
import type { WindowNextHops, WindowReport } from '../core/report-format.ts';
import { type LedgerCount, ledgerOf } from './ledgers.ts';
import type { NextHopHistory } from './next-hop-history.ts';
import { settledAt, type SetHistory } from './set-history.ts';
import type { Window } from './windows.ts';
import { listText } from './wording.ts';

/** @param beforeMs how long before a window's opening the set that it found is read: one that opens at a change finds the set before it */
export function windowReports(
  windows: readonly Window[],
  counts: readonly LedgerCount[],
  nextHops: NextHopHistory,
  beforeMs = 0,
): WindowReport[] {
  return windows.map((window) => ({
    fromT: window.fromT,
    untilT: window.untilT,
    eventCause: window.cause,
    phase: window.phase,
    ...(window.fault && { fault: window.fault.id }),
    description: describe(window),
    nextHops: nextHopsOf({ fromT: window.fromT - beforeMs, untilT: window.untilT }, nextHops),
    ledgers: counts.filter((count) => count.window === window).map(ledgerOf),
  }));
}

function describe({ cause, fault, changes }: Window): string {
  switch (cause) {
    case 'baseline':
      return 'baseline: nothing is broken on purpose';
    case 'fault-in':
      return fault?.headline ?? '';
    case 'fault-out':
      return `${fault?.kind ?? ''} on ${fault?.target ?? ''} is reverted`;
    case 'observed':
      return changes
        .map(({ vip, before, after }) => {
          const left = before.filter((node) => !after.includes(node));
          const joined = after.filter((node) => !before.includes(node));
          const what = [...(left.length ? [`${listText(left)} left`] : []), ...(joined.length ? [`${listText(joined)} joined`] : [])];
          return `${what.join(', ')} the next-hop set of ${vip}`;
        })
        .filter((text, index, all) => all.indexOf(text) === index)
        .join('; ');
  }
}

function nextHopsOf(window: Pick<Window, 'fromT' | 'untilT'>, nextHops: NextHopHistory): WindowNextHops[] {
  const { observed, inferred } = nextHops;
  const row = (history: SetHistory) => {
    const [before, after] = [window.fromT, window.untilT].map((t) => {
      const reading = settledAt(history, t);
      return reading.kind === 'settled' ? [...reading.nodes] : null;
    });
    const unknown = [...(before ? [] : (['before'] as const)), ...(after ? [] : (['after'] as const))];
    return { before: before ?? [], after: after ?? [], ...(unknown.length > 0 && { unknown }) };
  };
  const observedVips = new Set(observed.map((set) => set.vip));
  return [
    ...observed.map(({ router, vip, history }) => ({ router, vip, ...row(history), from: 'observer' as const })),
    ...inferred
      .filter(({ vip }) => !observedVips.has(vip))
      .map(({ vantage, vip, history }) => ({
        router: nextHops.routerOf(vip) ?? 'unknown',
        vip,
        ...row(history),
        from: 'flows' as const,
        vantage,
      })),
  ];
}
