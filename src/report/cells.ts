// Cells of tables that the page and the text report fill alike.
import type { Report } from '../core/report-format.ts';
import { formatCount, formatMs } from './format.ts';

/** Window, vantage, protocol, VIP, n, p50, p99, longest. */
export function interruptionCells(row: Report['interruptions'][number]): string[] {
  const { event, vantage, protocol, vip, n, p50Ms, p99Ms, maxMs } = row;
  return [String(event), vantage, protocol, vip, formatCount(n), ...[p50Ms, p99Ms, maxMs].map(formatMs)];
}

/** Vantage, ill, of, why; how far its clock is off the two say in words of their own. */
export function healthCells({ vantage, invalidBins, bins, reasons }: Report['health'][number]): string[] {
  const why = Object.entries(reasons).sort(([a], [b]) => (a < b ? -1 : 1));
  const whyText = why.map(([reason, times]) => `${reason} (${formatCount(times)})`).join(', ');
  return [vantage, `${formatCount(invalidBins)} s`, `${formatCount(bins)} s`, whyText || 'healthy'];
}
