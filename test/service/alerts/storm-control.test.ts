import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Notification } from '../../../src/core/notification.ts';
import { SEVERITIES } from '../../../src/core/finding.ts';
import { testNotification } from '../../../src/service/alerts/notifications.ts';
import { fold, lastMinute, mayFold, mayGo } from '../../../src/service/alerts/storm-control.ts';

const PER_MINUTE = 5;

/** A destination under storm control, polled ten times a second for `forMs`; returns what went out, and when. */
function weather(arrivals: readonly { atMs: number; notification: Notification }[], forMs: number): { atMs: number; ids: string[] }[] {
  let releases: number[] = [];
  let held: Notification[] = [];
  const out: { atMs: number; ids: string[] }[] = [];
  for (let nowMs = 0; nowMs < forMs; nowMs += 100) {
    const about = { perMinute: PER_MINUTE, nowMs };
    for (const { notification } of arrivals.filter(({ atMs }) => atMs >= nowMs && atMs < nowMs + 100)) {
      if (!mayGo(releases, held.length, about)) held.push(notification);
      else {
        out.push({ atMs: nowMs, ids: [notification.id] });
        releases.push(nowMs);
      }
    }
    const [first, ...rest] = held;
    if (first && mayFold(releases, about)) {
      const { summary, folded } = fold([first, ...rest]);
      out.push({ atMs: nowMs, ids: [summary.id, ...folded] });
      releases = [...lastMinute(releases, nowMs), nowMs];
      held = [];
    }
  }
  return out;
}

const notifications = fc.array(fc.record({ atMs: fc.nat(240_000), alert: fc.nat(9), severity: fc.constantFrom(...SEVERITIES) }), {
  maxLength: 200,
});

test('never more than five in any minute, and each notification goes out once: by itself or folded', () => {
  fc.assert(
    fc.property(notifications, (arrivals) => {
      const made = arrivals
        .sort((a, b) => a.atMs - b.atMs)
        .map(({ atMs, alert, severity }, index) => ({
          atMs,
          notification: aTurn(`a${String(alert)}-${String(index)}`, `a${String(alert)}`, severity),
        }));
      const out = weather(made, 400_000);
      for (const { atMs } of out) {
        expect(out.filter((each) => each.atMs >= atMs && each.atMs < atMs + 60_000).length).toBeLessThanOrEqual(PER_MINUTE);
      }
      expect(out.flatMap(({ ids }) => ids).sort()).toEqual(made.map(({ notification }) => notification.id).sort());
    }),
    { numRuns: 60 },
  );
});

test('a summary is led by the severest last word, and names the last word of every other alert', () => {
  const held = [aTurn('a-1', 'a', 'warn'), aTurn('b-1', 'b', 'page'), aTurn('c-1', 'c', 'info'), aTurn('a-2', 'a', 'warn')] as const;
  const { summary, folded } = fold([...held]);
  expect(summary).toMatchObject({ id: 'b-1', alert: 'b', heldBack: 3 });
  expect(summary.held.map(({ id }) => id)).toEqual(['a-2', 'c-1']);
  expect(folded).toEqual(['a-1', 'c-1', 'a-2']);
});

test('one that was held alone goes out as it was', () => {
  const only = aTurn('a-1', 'a', 'warn');
  expect(fold([only])).toEqual({ summary: only, folded: [] });
});

test('a summary stays small in the worst storm', () => {
  const [first, ...rest] = Array.from({ length: 3_000 }, (_, index) => aTurn(`a${String(index)}-1`, `a${String(index)}`, 'page'));
  if (!first) throw new Error('no storm');
  const { summary } = fold([first, ...rest]);
  expect(summary).toMatchObject({ heldBack: 2_999 });
  expect(JSON.stringify(summary).length).toBeLessThan(250_000);
});

function aTurn(id: string, alert: string, severity: Notification['severity']): Notification {
  return { ...testNotification('sink', 'x', 1_000), id, alert, severity, type: 'alert.opened' };
}
