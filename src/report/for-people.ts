// What a person is shown of a report: names made harmless, and only the VIPs that the run held flows to.
import type { Report } from '../core/report-format.ts';
import { withPlainTexts } from './plain-text.ts';

/** A copy of `given` for text and page; report.json keeps all. */
export function forPeople(given: Report): Report {
  const report = withPlainTexts(given);
  const held = new Set([...report.timeline.flows, ...report.events.flatMap(({ ledgers }) => ledgers)].map(({ vip }) => vip));
  // A router tells of every VIP it knows; those without a flow would bury the one that was asked about.
  const isHeld = ({ vip }: { vip: string }) => held.size === 0 || held.has(vip);
  return {
    ...report,
    events: report.events.map((window) => ({ ...window, nextHops: window.nextHops.filter(isHeld) })),
    timeline: { ...report.timeline, nextHops: report.timeline.nextHops.filter(isHeld) },
  };
}
