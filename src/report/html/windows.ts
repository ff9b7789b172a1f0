// Each window: what became of its flows, and who went where.
import type { Ledger, Outcome, Report, WindowNextHops, WindowReport } from '../../core/report-format.ts';
import { matricesOf, type Matrix, type MatrixCell } from '../drawing/matrices.ts';
import type { Palette } from '../drawing/palette.ts';
import { formatCount, formatCounted, formatInterval, formatShare, formatT, OUTCOMES_TO_READ } from '../format.ts';
import { isQuiet } from '../quiet-ledgers.ts';
import { describeSets, describeSource, routerText } from '../set-change.ts';
import { causesOf } from './causes.ts';
import { h, type Child, type Markup } from './markup.ts';
import { nothing, pathChip, rangeBar, section, table } from './table.ts';

const HARM: ReadonlySet<Outcome> = new Set(['moved-broken', 'broken-in-place']);

export function windowsSection(report: Report, palette: Palette): Markup {
  const windows = report.events.map((window, index) => {
    const matrices = matricesOf(report.matrix.filter((cell) => cell.event === index));
    const title = `Window ${String(index)}: ${window.phase}, ${formatT(window.fromT)} to ${formatT(window.untilT)}`;
    return h(
      'article',
      { class: 'window', 'aria-label': title },
      h('h3', null, title, window.fault ? h('span', { class: 'muted' }, ` · ${window.fault}`) : null),
      h('p', null, window.description),
      h(
        'ul',
        { class: 'plain' },
        window.nextHops.map((set) => h('li', null, nextHopLine(set, palette))),
      ),
      causesOf(window, title),
      evidence(window, matrices, title, palette),
    );
  });
  return section(
    'windows',
    'What became of the flows',
    windows.length === 0 ? nothing('No window was opened: no flow was judged.') : windows,
  );
}

function nextHopLine(set: WindowNextHops, palette: Palette): Child {
  const words = describeSets(set).map((word) =>
    'text' in word ? [word.text, ' '] : word.names.map((node) => [pathChip(node, palette), ' ']),
  );
  return [`Next hops of ${routerText(set.router)} for ${set.vip}: `, words, h('span', { class: 'muted' }, describeSource(set))];
}

/** Ledgers and matrices; folded where nothing happened. */
function evidence({ ledgers }: WindowReport, matrices: readonly Matrix[], title: string, palette: Palette): Child {
  if (ledgers.length === 0) return nothing('No flow was judged in this window.');
  const drawn = [ledgerTable(ledgers, title), matricesFigure(matrices, palette)];
  if (!isQuiet(ledgers)) return drawn;
  const flows = ledgers.reduce((sum, { population }) => sum + population, 0);
  return h('details', null, h('summary', null, `All ${formatCounted(flows, 'flow')} unmoved, none broken`), drawn);
}

function ledgerTable(ledgers: readonly Ledger[], title: string): Markup {
  return table({
    caption: `Outcomes of the flows. ${title}`,
    isCards: true,
    className: 'ledger',
    columns: [
      { title: 'flows of' },
      { title: 'judged', align: 'right' },
      ...OUTCOMES_TO_READ.map((title) => ({ title, align: 'right' as const })),
      { title: 'broken by' },
    ],
    rows: ledgers.map((ledger) => [
      [
        h('strong', null, `${ledger.vantage} ${ledger.protocol}`),
        h('span', { class: 'under' }, `${ledger.vip} via ${ledger.router ?? 'unknown router'}`),
      ],
      [formatCount(ledger.population), notJudged(ledger)],
      ...OUTCOMES_TO_READ.map((outcome) => outcomeCell(ledger, outcome)),
      Object.entries(ledger.brokenByCause)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([cause, flows]) => `${formatCount(flows)} ${cause}`)
        .join(', ') || 'none',
    ]),
  });
}

function notJudged({ excluded, openedAndBroken }: Ledger): Child {
  return [
    excluded > 0 ? h('span', { class: 'under', title: 'open at the edge, but not healthy' }, `+ ${formatCount(excluded)} excluded`) : null,
    openedAndBroken > 0
      ? h(
          'span',
          { class: 'under', title: 'opened inside the window and broken in it' },
          `+ ${formatCount(openedAndBroken)} opened here and broken`,
        )
      : null,
  ];
}

function outcomeCell({ outcomes }: Ledger, outcome: Outcome): Child {
  const share = outcomes[outcome];
  if (share.n === 0) return 'unknown';
  return h(
    'span',
    { class: share.count === 0 ? 'share zero' : 'share' },
    h('b', null, formatCount(share.count)),
    share.count === 0 ? null : ` ${formatShare(share)}`,
    rangeBar({ ...share, value: share.count / share.n }, { isHarm: HARM.has(outcome) && share.count > 0 }),
    h('span', { class: 'under' }, formatInterval(share)),
  );
}

function matricesFigure(matrices: readonly Matrix[], palette: Palette): Markup | null {
  if (matrices.length === 0) return null;
  return h(
    'div',
    { class: 'matrices', tabindex: 0, role: 'region', 'aria-label': 'Flows by where they came in before and after' },
    matrices.map((matrix) => matrixTable(matrix, palette)),
  );
}

/** Rows: where flows came in before; columns: where they come in after; the deeper the shade, the larger the share of its row. */
function matrixTable(matrix: Matrix, palette: Palette): Markup {
  const name = [matrix.vantage, matrix.protocol, matrix.vip].filter((part) => part !== '').join(' ');
  const chip = (path: string) => pathChip(path === 'unknown' ? null : path, palette);
  return h(
    'table',
    { class: matrix.to.length > 6 ? 'matrix many' : 'matrix' },
    h('caption', null, name, h('span', { class: 'muted' }, ` ${formatCount(matrix.movedFlows)} moved`)),
    h(
      'thead',
      null,
      h(
        'tr',
        null,
        h('th', { scope: 'col', class: 'corner' }, h('span', { class: 'unseen' }, 'from (row) to (column)')),
        matrix.to.map((to) => h('th', { scope: 'col' }, chip(to))),
      ),
    ),
    h(
      'tbody',
      null,
      matrix.from.map((from, row) =>
        h(
          'tr',
          null,
          h('th', { scope: 'row' }, chip(from)),
          (matrix.flows[row] ?? []).map((flows, column) => {
            const shade = Math.round((9 * flows) / Math.max(1, matrix.rowTotals[row] ?? 1));
            const moved = flows > 0 && from !== matrix.to[column] ? ' moved' : '';
            return h(
              'td',
              { class: `num shade${String(flows > 0 ? Math.max(1, shade) : 0)}${moved}` },
              flows === 0 ? '·' : formatCount(flows),
            );
          }),
        ),
      ),
    ),
  );
}

/** Where survivors would land if they were dialled anew. */
export function finalMapSection(report: Report, palette: Palette): Markup {
  const cells: MatrixCell[] = report.finalMap.map((cell) => ({ ...cell, protocol: '' }));
  if (cells.length === 0) return section('final-map', 'Final map', nothing('No survivor was dialled anew.'));
  const what =
    'Surviving TCP flows were dialled anew once, after the last window: where a flow lives, and where its 5-tuple would land now.';
  return section('final-map', 'Final map', h('p', { class: 'muted' }, what), matricesFigure(matricesOf(cells), palette));
}
