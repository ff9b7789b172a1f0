// Every flow, to be searched: embedded as a dictionary of words and rows of word numbers, read by the page's script.
import type { FlowOutcome } from '../../core/report-format.ts';
import type { Palette } from '../drawing/palette.ts';
import { formatCount, formatCounted, formatMs, formatT } from '../format.ts';
import { plainText } from '../plain-text.ts';
import { dataElement, h, type Child, type Markup } from './markup.ts';
import { nothing, pathChip, section, table } from './table.ts';

/** Rows embedded at most: beyond that a browser takes seconds to open the page. */
const MAX_ROWS = 20_000;
/** Rows shown where no script runs. */
const STATIC_ROWS = 25;

type Cell = { title: string; of: (flow: FlowOutcome) => string; isPath?: true; isFilter?: true; align?: 'right' };

const CELLS: readonly Cell[] = [
  { title: 'flow', of: (flow) => flow.flowId },
  { title: 'window', of: (flow) => String(flow.event), isFilter: true },
  { title: 'vantage', of: (flow) => flow.vantage, isFilter: true },
  { title: 'protocol', of: (flow) => flow.protocol, isFilter: true },
  { title: 'source', of: (flow) => hostPort(flow.sourceAddress, flow.sourcePort) },
  { title: 'VIP', of: (flow) => flow.vipName, isFilter: true },
  { title: 'outcome', of: (flow) => flow.outcome, isFilter: true },
  { title: 'broken by', of: (flow) => (flow.broken ? (flow.breakCause ?? 'unknown') : '–'), isFilter: true },
  { title: 'before', of: (flow) => flow.ingressBefore ?? 'unknown', isPath: true, isFilter: true },
  { title: 'after', of: (flow) => flow.ingressAfter ?? 'unknown', isPath: true, isFilter: true },
  { title: 'mapped by', of: (flow) => flow.mappedBy ?? flow.mapFailure ?? '–' },
  { title: 'backend', of: (flow) => backends(flow) },
  { title: 'broke at', of: (flow) => (flow.broken ? formatT(flow.onsetT) : '–'), align: 'right' },
  { title: 'dark for', of: (flow) => darkFor(flow), align: 'right' },
];

export function flowsSection(flows: Iterable<FlowOutcome>, palette: Palette): Markup {
  const { rows, total, isCut, isNotableOnly } = chosen(flows);
  if (total === 0) return section('flows', 'Flows', nothing('No flow was judged.'));
  const said = isNotableOnly
    ? `${isCut ? `The first ${formatCount(rows.length)}` : formatCount(rows.length)} broken, moved or unknown of ${formatCounted(total, 'row')}; flows.ndjson holds all.`
    : `${formatCounted(total, 'row')}: one a flow and window. flows.ndjson holds the same and more.`;
  const first = rows.slice(0, STATIC_ROWS);
  return section(
    'flows',
    'Flows',
    h('p', { class: 'muted' }, said),
    h('div', { class: 'filters', id: 'flow-filters', hidden: true }),
    h(
      'p',
      { class: 'muted', id: 'flow-scriptless' },
      `These are the first ${formatCounted(first.length, 'row')}; searching them all needs JavaScript.`,
    ),
    table({
      caption: 'Flows by window',
      id: 'flow-table',
      columns: CELLS.map(({ title, align }) => (align ? { title, align } : { title })),
      rows: first.map((flow) => CELLS.map((cell): Child => (cell.isPath ? chip(cell.of(flow), palette) : plainText(cell.of(flow))))),
    }),
    dataElement('flow-data', compact(rows, palette)),
  );
}

function chip(path: string, palette: Palette): Markup {
  return pathChip(path === 'unknown' ? null : plainText(path), palette);
}

/** All flows, those first that something happened to; or where they are too many those alone. */
function chosen(flows: Iterable<FlowOutcome>): { rows: FlowOutcome[]; total: number; isCut: boolean; isNotableOnly: boolean } {
  const all: FlowOutcome[] = [];
  const notable: FlowOutcome[] = [];
  let [total, notableTotal] = [0, 0];
  for (const flow of flows) {
    total += 1;
    if (all.length < MAX_ROWS) all.push(flow);
    if (!isNotable(flow)) continue;
    notableTotal += 1;
    if (notable.length < MAX_ROWS) notable.push(flow);
  }
  const isNotableOnly = total > MAX_ROWS;
  const rows = isNotableOnly ? notable : [...notable, ...all.filter((flow) => !isNotable(flow))];
  return { rows, total, isNotableOnly, isCut: notableTotal > MAX_ROWS };
}

function isNotable(flow: FlowOutcome): boolean {
  return flow.broken || flow.outcome !== 'unmoved';
}

/** What the script reads: `words[rows[r][c]]` is the text of column c in row r. */
function compact(flows: readonly FlowOutcome[], palette: Palette): object {
  const numbers = new Map<string, number>();
  const numberOf = (word: string) => {
    const number = numbers.get(word) ?? numbers.size;
    numbers.set(word, number);
    return number;
  };
  const rows = flows.map((flow) => CELLS.map(({ of }) => numberOf(plainText(of(flow)))));
  const paths = new Set(
    flows.flatMap(({ ingressBefore, ingressAfter }) => [ingressBefore ?? 'unknown', ingressAfter ?? 'unknown']).map(plainText),
  );
  return {
    columns: CELLS.map(({ title, isPath, isFilter, align }) => ({ title, isPath, isFilter, isNumber: align === 'right' })),
    words: [...numbers.keys()],
    rows,
    colours: Object.fromEntries([...paths].map((path) => [path, palette(path)])),
  };
}

function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

function backends({ backendBefore, backendAfter }: FlowOutcome): string {
  const [before, after] = [backendBefore ?? 'unknown', backendAfter ?? 'unknown'];
  return before === after ? before : `${before} → ${after}`;
}

function darkFor({ broken, lastOkT, restoredT }: FlowOutcome): string {
  if (!broken) return '–';
  return lastOkT === null || restoredT === null ? 'unknown' : formatMs(restoredT - lastOkT);
}
