// The comparison of traffic policies as a table: one for the terminal, the same as Markdown.
import type { Advice } from '../analysis/policies/advice.ts';
import { figuresOf } from '../analysis/policies/compare-policies.ts';
import { type Comparison, type EdgeFigures, type Trial, TRIAL_TITLES, TRIALS, type VipFigures } from '../analysis/policies/figures.ts';
import type { Share } from '../core/report-format.ts';
import { formatCount, formatInterval, formatMs, formatShare } from './format.ts';
import { plainText } from './plain-text.ts';
import { textTable, wrapText } from './terminal/text-table.ts';

/** One question, and the answer for each VIP in the comparison's order. */
export type ComparisonRow = { question: string; cells: string[] };

/** Trials in which somebody takes a node out of the set, or it goes: what that does to its route is a row of its own. */
const ROUTE_TRIALS = TRIALS.filter((trial) => trial !== 'rollout' && trial !== 'control');

export function comparisonRows(comparison: Comparison): ComparisonRow[] {
  const { vips } = comparison;
  const row = (question: string, cell: (vip: VipFigures) => string): ComparisonRow => ({ question, cells: vips.map(cell).map(plainText) });
  const ofTrial = (trial: Trial) => (cell: (vip: VipFigures) => string) =>
    comparison.trials.some((figures) => figures.trial === trial) ? [cell] : [];
  return [
    row('policy', ({ policy, hasAffinity }) => `${policy === 'local' ? 'Local' : 'Cluster'}${hasAffinity ? ' + ClientIP' : ''}`),
    row('flows by ingress node', ({ byNode, flows }) => `${countsText(byNode)} (n ${formatCount(flows)})`),
    row('flows by pod (one run)', ({ byPod }) => byPod.map(({ flows }) => formatCount(flows)).join(', ')),
    row('pods that one client met by one node', ({ podsOfAClient: { fewest, most } }) =>
      fewest === most ? String(most) : `${String(fewest)} to ${String(most)}`,
    ),
    row('client address', sourceText),
    row('a hop more', ({ extraHop }) => shareText(extraHop)),
    ...ROUTE_TRIALS.flatMap((trial) =>
      ofTrial(trial)(({ vip }) => routeText(figuresOf(comparison, trial, vip)?.loss, 'gone')).map((cell) =>
        row(`route gone: ${TRIAL_TITLES[trial]}`, cell),
      ),
    ),
    ...TRIALS.flatMap((trial) =>
      ofTrial(trial)(({ vip }) => edgeText(figuresOf(comparison, trial, vip)?.loss)).map((cell) =>
        row(`broken: ${TRIAL_TITLES[trial]}`, cell),
      ),
    ),
    ...ROUTE_TRIALS.flatMap((trial) =>
      ofTrial(trial)(({ vip }) => returnText(figuresOf(comparison, trial, vip)?.back)).map((cell) =>
        row(`broken by the return: ${TRIAL_TITLES[trial]}`, cell),
      ),
    ),
    ...ofTrial('drain-evict-first')(({ vip }) => withoutPods(comparison, vip)).map((cell) => row('a node without a pod', cell)),
  ];
}

export function comparisonText(comparison: Comparison, advice: readonly Advice[], width: number): string {
  const columns = ['', ...comparison.vips.map(({ vip }) => plainText(vip))].map((title) => ({ title, wraps: true as const }));
  const rows = comparisonRows(comparison).map(({ question, cells }) => [question, ...cells]);
  return [
    ...textTable(columns, rows, width),
    '',
    ...advice.flatMap((each) => ['', ...wrapText(`${ANSWERS[each.answer]}: ${each.claim}.`, width), ...indented(each, width)]),
    ...troubleLines(comparison).flatMap((line) => ['', ...wrapText(line, width)]),
    '',
  ].join('\n');
}

/** For a README: a table, and the advice below it. */
export function comparisonMarkdown(comparison: Comparison, advice: readonly Advice[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [
    line(['', ...comparison.vips.map(({ vip }) => plainText(vip))]),
    `|${' --- |'.repeat(comparison.vips.length + 1)}`,
    ...comparisonRows(comparison).map(({ question, cells }) => line([question, ...cells])),
    '',
    ...advice.flatMap(({ claim, answer, text, restsOn }) => [
      `- **${escaped(claim)}**: ${ANSWERS[answer].toLowerCase()}. ${escaped(text)}`,
      ...restsOn.map((figure) => `  - ${escaped(figure)}`),
    ]),
    ...troubleLines(comparison).map((each) => `\n${escaped(each)}`),
    '',
  ].join('\n');
}

const ANSWERS: Record<Advice['answer'], string> = { holds: 'Holds', 'does-not-hold': 'Does not hold', 'cannot-tell': 'Cannot tell' };

function indented({ text, restsOn }: Advice, width: number): string[] {
  return [text, ...restsOn.map((figure) => `- ${plainText(figure)}`)].flatMap((line) =>
    wrapText(line, width - 2).map((each) => `  ${each}`),
  );
}

function troubleLines({ troubles }: Comparison): string[] {
  return troubles.map(({ trial, trouble }) => plainText(`Not whole: ${TRIAL_TITLES[trial]}: ${trouble}.`));
}

function countsText(counts: VipFigures['byNode']): string {
  return counts.map(({ name, flows }) => `${name} ${formatCount(flows)}`).join(', ');
}

function sourceText({ sourcePreserved, rewrittenByIngress }: VipFigures): string {
  const { count, n } = sourcePreserved;
  const other = n - count - rewrittenByIngress;
  const parts = [
    ...(count > 0 ? [`preserved ${formatCount(count)}`] : []),
    ...(rewrittenByIngress > 0 ? [`rewritten by the ingress node ${formatCount(rewrittenByIngress)}`] : []),
    ...(other > 0 ? [`otherwise rewritten ${formatCount(other)}`] : []),
  ];
  return n === 0 ? 'unknown' : `${parts.join(', ')} of ${formatCount(n)}`;
}

function shareText(share: Share): string {
  return share.n === 0 ? 'unknown' : `${formatShare(share)} (${formatInterval(share)}, n ${formatCount(share.n)})`;
}

function routeText(edge: EdgeFigures | null | undefined, what: string): string {
  if (!edge) return 'unknown';
  switch (edge.route.kind) {
    case 'changed':
      return `${what} after ${formatMs(edge.route.afterMs)}`;
    case 'kept':
      return 'stays';
    case 'unknown':
      return 'unknown';
  }
}

function edgeText(edge: EdgeFigures | null | undefined): string {
  if (!edge || edge.broken.n === 0) return 'unknown';
  const { broken, byCause, inDoubt } = edge;
  const causes = Object.entries(byCause).sort(([a], [b]) => (a < b ? -1 : 1));
  const how = causes.length === 0 ? '' : `: ${causes.map(([cause, flows]) => `${formatCount(flows)} ${cause}`).join(', ')}`;
  return `${formatCount(broken.count)} of ${formatCount(broken.n)} (${formatInterval(broken)})${how}${inDoubt > 0 ? `; ${formatCount(inDoubt)} in doubt` : ''}`;
}

function returnText(back: (EdgeFigures & { older: Share; younger: Share }) | null | undefined): string {
  if (!back || back.broken.n === 0) return 'unknown';
  const part = ({ count, n }: Share) => `${formatCount(count)} of ${formatCount(n)}`;
  return `younger ${part(back.younger)} (${formatInterval(back.younger)}), older ${part(back.older)} (${formatInterval(back.older)})`;
}

function withoutPods(comparison: Comparison, vip: string): string {
  const figures = figuresOf(comparison, 'drain-evict-first', vip);
  if (!figures?.loss || figures.loss.route.kind === 'unknown') return 'unknown';
  if (figures.loss.route.kind === 'changed') return `leaves the set after ${formatMs(figures.loss.route.afterMs)}`;
  return `stays a next hop; ${formatCount(figures.answeredWithoutPods)} fresh dials answered through it`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
