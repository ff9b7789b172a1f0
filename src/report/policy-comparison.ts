// The comparison of traffic policies as a table: one for the terminal, the same as Markdown.
import type { Advice } from '../analysis/policies/advice.ts';
import { figuresOf } from '../analysis/policies/compare-policies.ts';
import {
  type Comparison,
  type EdgeFigures,
  type Standing,
  type Trial,
  TRIAL_TITLES,
  type TrialFigures,
  TRIALS,
  type VipFigures,
} from '../analysis/policies/figures.ts';
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
  const row = (question: string, cell: (vip: Comparison['vips'][number]) => string): ComparisonRow => ({
    question,
    cells: vips.map(cell).map(plainText),
  });
  const baseline = (question: string, cell: (vip: VipFigures) => string) => row(question, (vip) => marked(cell(vip), vip));
  const ofTrial = (trial: Trial, question: string, cell: (figures: TrialFigures | undefined) => string) =>
    comparison.trials.some((figures) => figures.trial === trial)
      ? [
          row(question, ({ vip }) => {
            const figures = figuresOf(comparison, trial, vip);
            return marked(cell(figures), figures);
          }),
        ]
      : [];
  return [
    row('policy', ({ policy, hasAffinity }) => `${policy === 'local' ? 'Local' : 'Cluster'}${hasAffinity ? ' + ClientIP' : ''}`),
    baseline('flows by ingress node', ({ byNode, flows }) => `${countsText(byNode)} (n ${formatCount(flows)})`),
    baseline('flows by pod (one run)', ({ byPod }) => byPod.map(({ flows }) => formatCount(flows)).join(', ')),
    baseline('pods that one client met by one node', podsText),
    ...(vips.some(({ hasAffinity }) => hasAffinity) ? [baseline('samples of a share', samplesText)] : []),
    baseline('client address', sourceText),
    baseline('a hop more', ({ extraHop }) => shareText(extraHop)),
    ...ROUTE_TRIALS.flatMap((trial) => ofTrial(trial, `route gone: ${TRIAL_TITLES[trial]}`, (figures) => routeText(figures?.loss, 'gone'))),
    ...TRIALS.flatMap((trial) => ofTrial(trial, `broken: ${TRIAL_TITLES[trial]}`, (figures) => edgeText(figures?.loss))),
    ...ROUTE_TRIALS.flatMap((trial) =>
      ofTrial(trial, `broken by the return: ${TRIAL_TITLES[trial]}`, (figures) => returnText(figures?.back)),
    ),
    ...ofTrial('drain-evict-first', 'a node without a pod', withoutPods),
  ];
}

/** Figures of a run that did not come to its end as planned are told, and are no answer. */
function marked(cell: string, standing: Standing | undefined): string {
  return standing?.trouble == null || cell === 'unknown' ? cell : `${cell} [run not whole]`;
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

function podsText({ podsOfAClient }: VipFigures): string {
  if (podsOfAClient === null) return 'unknown';
  const { fewest, most } = podsOfAClient;
  return fewest === most ? String(most) : `${String(fewest)} to ${String(most)}`;
}

/** What intervals rest on. */
function samplesText({ hasAffinity, podChoices }: VipFigures): string {
  return hasAffinity ? `${formatCount(podChoices)} pairs of a client and a node` : 'each flow';
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
  if (!back || back.broken.n === 0 || back.route.kind === 'unknown') return 'unknown';
  if (back.route.kind === 'kept') return 'none seen: its route was there';
  const part = ({ count, n }: Share) => `${formatCount(count)} of ${formatCount(n)}`;
  return `younger ${part(back.younger)} (${formatInterval(back.younger)}), older ${part(back.older)} (${formatInterval(back.older)})`;
}

function withoutPods(figures: TrialFigures | undefined): string {
  if (!figures?.loss || figures.loss.route.kind === 'unknown') return 'unknown';
  if (figures.loss.route.kind === 'changed') return `leaves the set after ${formatMs(figures.loss.route.afterMs)}`;
  return `stays a next hop; ${formatCount(figures.answeredWithoutPods)} fresh dials answered through it`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
