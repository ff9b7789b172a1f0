// The report as text: the answer first, then the evidence, in 80 columns or more.
import type { Report } from '../core/report-format.ts';
import { formatMs, formatWallClock } from './format.ts';
import { withPlainTexts } from './plain-text.ts';
import { painter, paintVerdict, type Paint, type TerminalStyle } from './terminal/paint.ts';
import { checkLines, faultLines, healthLines, interruptionLines, pathLines, sourceIpLines } from './terminal/tables.ts';
import { wrapText } from './terminal/text-table.ts';
import { timeChart } from './terminal/time-chart.ts';
import { finalMapLines, windowLines } from './terminal/windows.ts';

const INDENT = '  ';

/** The whole report; every line at most `style.width` columns, as far as names allow. Ends with a line feed. */
export function terminalReport(given: Report, style: TerminalStyle): string {
  const report = withPlainTexts(given);
  const paint = painter(style);
  const inner = { ...style, width: style.width - INDENT.length };
  const section = (title: string, lines: readonly string[]) => ['', paint('bold', title), ...indent(lines.length > 0 ? lines : ['none'])];
  return [
    ...headLines(report, style, paint),
    ...section('CHECKS', checkLines(report, inner)),
    ...section('TIME', timeChart(report, inner)),
    ...report.events.flatMap((window, index) => {
      const { title, lines } = windowLines(report, index, inner);
      return section(title, lines);
    }),
    ...section('FINAL MAP: where survivors would land if dialled anew', finalMapLines(report, inner)),
    ...section('PATHS', pathLines(report, inner)),
    ...section('INTERRUPTIONS: from the last good exchange to the next', interruptionLines(report, inner)),
    ...section('FAULTS', faultLines(report, inner)),
    ...section('SOURCE ADDRESS: what the responder saw', sourceIpLines(report, inner)),
    ...section('HEALTH OF THE PROBERS', healthLines(report, inner)),
    '',
  ].join('\n');
}

function headLines(report: Report, style: TerminalStyle, paint: Paint): string[] {
  const about = [
    report.title,
    `${report.scenario} on ${report.environment}`,
    `run ${report.runId}`,
    formatWallClock(report.wallClockMs),
    `took ${formatMs(report.durationMs)}`,
    `seed ${String(report.seed)}`,
  ].join(' · ');
  return [
    paintVerdict(paint, report.verdict),
    ...wrapText(report.summary, style.width).map((line) => paint('bold', line)),
    ...report.remarks.flatMap((remark) => wrapText(remark, style.width - 2).map((line, index) => (index === 0 ? '- ' : '  ') + line)),
    ...wrapText(about, style.width).map((line) => paint('dim', line)),
  ];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : INDENT + line));
}
