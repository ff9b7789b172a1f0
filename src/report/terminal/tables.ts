// The plain tables of the text report: checks, paths, interruptions, faults, source addresses, health.
import type { CheckResult, Report } from '../../core/report-format.ts';
import { healthCells, interruptionCells } from '../cells.ts';
import { formatCount, formatInterval, formatMs, formatMsPair, formatPercent, formatT } from '../format.ts';
import { painter, paintVerdict, type TerminalStyle } from './paint.ts';
import { textRows, textTable, wrapText, type TextColumn } from './text-table.ts';

const left = (title: string): TextColumn => ({ title, wraps: true });
const right = (title: string): TextColumn => ({ title, align: 'right' });

export function checkLines({ checks }: Report, style: TerminalStyle): string[] {
  const paint = painter(style);
  if (checks.length === 0)
    return wrapText('none: the scenario expects nothing, or the run ended before anything could be judged', style.width);
  const columns = [{ title: 'verdict' }, { title: 'check' }, left('expected'), left('observed'), right('n'), right('95% interval')];
  const rows = checks.map((check) => [
    paintVerdict(paint, check.verdict),
    check.check,
    check.expected,
    check.observed,
    check.share ? formatCount(check.share.n) : '',
    check.share ? formatInterval(check.share) : '',
  ]);
  const { head, body } = textRows(columns, rows, style.width);
  return [
    ...head.map((line) => paint('dim', line)),
    ...body.flatMap((lines, index) => [...lines, ...reasonLines(checks[index], style).map((line) => paint('dim', line))]),
  ];
}

/** Below a check: where it was judged, and why so. */
function reasonLines(check: CheckResult | undefined, { width }: TerminalStyle): string[] {
  if (!check) return [];
  const scope = [check.during && `during ${check.during}`, check.vantage, check.protocol, check.vip].filter(Boolean).join(' ');
  return wrapText([scope, check.why].filter(Boolean).join(': '), width - 4).map((line) => `    ${line}`);
}

export function pathLines({ paths }: Report, { width }: TerminalStyle): string[] {
  const columns = [
    left('path'),
    right('available'),
    right('95% interval'),
    right('judged'),
    right('late'),
    right('lost'),
    right('void'),
    right('p50 / p99'),
  ];
  const phases = [...new Set(paths.map((path) => path.phase))];
  if (phases.length === 0) return [];
  const legend = 'judged = ok + late + lost; void = not sent, or sent while the prober was ill';
  const tables = phases.flatMap((phase) => {
    const rows = paths
      .filter((path) => path.phase === phase)
      .map(({ vantage, vip, ingress, availability, tally, rttMs }) => {
        const judged = tally.ok + tally.late + tally.lost;
        return [
          `${vantage} ${vip} ${ingress}`,
          judged === 0 ? 'unknown' : formatPercent(availability.value),
          formatInterval({ n: judged, ...availability }),
          formatCount(judged),
          formatCount(tally.late),
          formatCount(tally.lost),
          formatCount(tally.notSent + tally.invalid),
          tally.ok === 0 ? 'unknown' : formatMsPair(rttMs.p50, rttMs.p99),
        ];
      });
    return ['', `during ${phase}`, ...textTable(columns, rows, width)];
  });
  return [...wrapText(legend, width), ...tables];
}

export function interruptionLines({ interruptions }: Report, { width }: TerminalStyle): string[] {
  if (interruptions.length === 0) return [];
  const columns = [
    right('window'),
    left('vantage'),
    left('protocol'),
    left('vip'),
    right('n'),
    right('p50'),
    right('p99'),
    right('longest'),
  ];
  return textTable(columns, interruptions.map(interruptionCells), width);
}

export function faultLines({ faults }: Report, style: TerminalStyle): string[] {
  if (faults.length === 0) return [];
  const paint = painter(style);
  const columns = [left('id'), left('fault'), left('target'), right('planned for'), right('in force'), right('reverted'), left('revert')];
  const rows = faults.map((fault) => [
    fault.id,
    fault.kind,
    fault.target,
    formatMs(fault.plannedForMs),
    formatT(fault.inForceT),
    formatT(fault.revertedT),
    fault.state === 'verified' ? fault.state : paint('bad', fault.state.toUpperCase()),
  ]);
  return textTable(columns, rows, style.width);
}

export function sourceIpLines({ sourceIp }: Report, { width }: TerminalStyle): string[] {
  if (sourceIp.length === 0) return [];
  const columns = [left('vantage'), left('vip'), left('policy'), left('ingress'), right('flows'), left('source'), left('rewritten by')];
  const rows = sourceIp.map((row) => [
    row.vantage,
    row.vip,
    `${row.policy} IPv${String(row.family)}`,
    row.ingress,
    formatCount(row.flows),
    row.verdict,
    row.rewrittenBy ?? '',
  ]);
  return textTable(columns, rows, width);
}

export function healthLines({ health }: Report, { width }: TerminalStyle): string[] {
  if (health.length === 0) return [];
  const columns = [left('vantage'), right('ill'), right('of'), left('why'), right('clock error')];
  const rows = health.map((row) => [...healthCells(row), row.clockErrMs === 0 ? 'none' : `≤ ${formatMs(row.clockErrMs)}`]);
  return textTable(columns, rows, width);
}
