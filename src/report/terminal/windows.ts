// The windows of the text report: what became of the flows, and who went where.
import type { Ledger, Report, WindowNextHops } from '../../core/report-format.ts';
import { matricesOf, type Matrix } from '../drawing/matrices.ts';
import { formatCount, formatCounted, formatInterval, formatShare, OUTCOMES_TO_READ, formatT } from '../format.ts';
import { isQuiet } from '../quiet-ledgers.ts';
import { describeSets, describeSource, routerText } from '../set-change.ts';
import { causeLines } from './causes.ts';
import { painter, type Paint, type TerminalStyle } from './paint.ts';
import { sideBySide, textTable, wrapText } from './text-table.ts';

/** One window: its heading, and everything below it. */
export function windowLines(report: Report, index: number, style: TerminalStyle): { title: string; lines: string[] } {
  const window = report.events[index];
  if (!window) return { title: '', lines: [] };
  const paint = painter(style);
  const causes = causeLines(window, style);
  const matrices = matricesOf(report.matrix.filter((cell) => cell.event === index)).filter(
    (matrix) => window.eventCause !== 'baseline' || matrix.movedFlows > 0,
  );
  return {
    title: `WINDOW ${String(index)} · ${window.phase} · ${formatT(window.fromT)} to ${formatT(window.untilT)}${window.fault ? ` · ${window.fault}` : ''}`,
    lines: [
      ...wrapText(window.description, style.width),
      ...window.nextHops.map((set) => nextHopLine(set)).flatMap((line) => wrapText(line, style.width)),
      ...(causes.length === 0 ? [] : ['', ...causes]),
      '',
      ...ledgerLines(window.ledgers, style, paint),
      ...(matrices.length === 0 ? [] : ['', 'flows from (row) to (column):', ...matrixBlocks(matrices, style, paint)]),
    ],
  };
}

function nextHopLine(set: WindowNextHops): string {
  const words = describeSets(set).map((word) => ('text' in word ? word.text : word.names.join(' ')));
  return `next hops of ${routerText(set.router)} for ${set.vip}: ${words.join(' ')}, ${describeSource(set)}`;
}

function ledgerLines(ledgers: readonly Ledger[], style: TerminalStyle, paint: Paint): string[] {
  if (ledgers.length === 0) return ['no flow was judged in this window'];
  const blocks = isQuiet(ledgers) ? quietLines(ledgers, style) : ledgerBlocks(ledgers, style, paint);
  return [...blocks, ...ledgers.flatMap(notJudgedLine).flatMap((line) => wrapText(line, style.width))];
}

/** Where nothing happened, a line a ledger tells it all. */
function quietLines(ledgers: readonly Ledger[], { width }: TerminalStyle): string[] {
  const columns = [{ title: '' }, { title: '' }, { title: '', wraps: true as const }];
  const rows = ledgers.map(({ vantage, protocol, vip, population, outcomes }) => [
    `${vantage} ${protocol} ${vip}`,
    `all ${formatCounted(population, 'flow')} unmoved`,
    `95% interval ${formatInterval(outcomes.unmoved)}`,
  ]);
  return textTable(columns, rows, width);
}

/** Outcomes down, ledgers across: what stands in one line is comparable. */
function ledgerBlocks(ledgers: readonly Ledger[], { width }: TerminalStyle, paint: Paint): string[] {
  const blocks = ledgers.map(ledgerBlock);
  const labels = ['', '', 'flows', ...OUTCOMES_TO_READ, 'broken'].map((label) => paint('dim', label.padEnd(15)));
  const blockWidth = Math.max(...blocks.flat().map((line) => line.length));
  const perBand = Math.max(1, Math.floor((width - 15) / (blockWidth + 4)));
  const bands = Array.from({ length: Math.ceil(blocks.length / perBand) }, (_, band) => blocks.slice(band * perBand, (band + 1) * perBand));
  return bands.flatMap((band, index) => [...(index > 0 ? [''] : []), ...sideBySide([labels, ...band], Infinity)]);
}

function ledgerBlock(ledger: Ledger): string[] {
  const { vantage, protocol, vip, router, population, outcomes, brokenByCause } = ledger;
  const rows = OUTCOMES_TO_READ.map((outcome) => {
    const share = outcomes[outcome];
    return [formatCount(share.count), formatShare(share), formatInterval(share)];
  });
  const causes = Object.entries(brokenByCause).sort(([a], [b]) => (a < b ? -1 : 1));
  const right = { title: '', align: 'right' } as const;
  return [
    `${vantage} ${protocol}`,
    `${vip} via ${router ?? 'unknown router'}`,
    ...textTable([right, right, right], [[formatCount(population), '', ''], ...rows], Infinity),
    causes.map(([cause, flows]) => `${formatCount(flows)} ${cause}`).join(', ') || 'none',
  ];
}

function notJudgedLine({ vantage, protocol, vip, excluded, openedAndBroken }: Ledger): string[] {
  const parts = [
    ...(excluded > 0 ? [`${formatCounted(excluded, 'open flow')} not judged (not healthy at the edge)`] : []),
    ...(openedAndBroken > 0 ? [`${formatCounted(openedAndBroken, 'flow')} opened and broken in the window`] : []),
  ];
  return parts.length === 0 ? [] : [`${vantage} ${protocol} ${vip}: ${parts.join('; ')}`];
}

export function finalMapLines({ finalMap }: Report, style: TerminalStyle): string[] {
  const cells = finalMap.map((cell) => ({ ...cell, protocol: '' }));
  return cells.length === 0 ? [] : matrixBlocks(matricesOf(cells), style, painter(style));
}

function matrixBlocks(matrices: readonly Matrix[], { width }: TerminalStyle, paint: Paint): string[] {
  const blocks = matrices.map((matrix) => {
    const columns = [{ title: 'from' }, ...matrix.to.map((title) => ({ title, align: 'right' as const }))];
    const rows = matrix.from.map((from, row) => [
      from,
      ...(matrix.flows[row] ?? []).map((flows) => (flows === 0 ? '·' : formatCount(flows))),
    ]);
    const name = [matrix.vantage, matrix.protocol, matrix.vip].filter(Boolean).join(' ');
    return [paint('bold', name), ...textTable(columns, rows, Infinity)];
  });
  return sideBySide(blocks, width);
}
