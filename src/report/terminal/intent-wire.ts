// Intent against wire as text: one table a VIP, what each layer says of each node, then every difference in a sentence.
import { plainReason } from '../../core/advertise-reasons.ts';
import type { Vip } from '../../core/environment.ts';
import type { Verdict } from '../../core/report-format.ts';
import type { IntentWire, SettledPart } from '../../analysis/intent-wire.ts';
import type { PathRow } from '../../analysis/path-verdicts.ts';
import type { Difference } from '../../analysis/intent-wire-words.ts';
import { formatCount, formatT } from '../format.ts';
import { withPlainTexts } from '../plain-text.ts';
import { type Paint, painter, paintVerdict, type TerminalStyle, VERDICT_LOOKS } from './paint.ts';
import { textTable, type TextColumn, wrapText } from './text-table.ts';

/** One VIP as it was compared; `differences` and `verdict` are of all its parts. */
export type ComparedVip = { vip: Vip; wire: IntentWire; differences: Difference[]; verdict: Verdict };

/** All tables; every line at most `style.width` columns, as far as names allow. Ends with a line feed. */
export function intentWireText(given: readonly ComparedVip[], verdict: Verdict, style: TerminalStyle): string {
  const vips = withPlainTexts(given);
  const paint = painter(style);
  return [
    paintVerdict(paint, verdict),
    ...wrapText(headline(vips, verdict), style.width).map((line) => paint('bold', line)),
    ...vips.flatMap((vip) => ['', ...vipLines(vip, style, paint)]),
    '',
  ].join('\n');
}

/** The answer in one sentence. */
function headline(vips: readonly ComparedVip[], of: Verdict): string {
  const deviated = vips.filter(({ verdict }) => verdict === 'deviated');
  const unknown = vips.filter(({ verdict }) => verdict === 'inconclusive' || verdict === 'errored').map(({ vip }) => vip.name);
  if (deviated.length > 0) {
    const told = deviated.map(({ vip, differences }) => {
      const paths = new Set(differences.map(({ kind, node }) => `${kind} path ${node}`));
      return `${vip.name}: ${[...paths].join(', ')}`;
    });
    return `The wire is not what the cluster intends. ${told.join('; ')}.`;
  }
  if (unknown.length > 0) return `Not enough was seen to tell whether the wire is as intended for ${unknown.join(', ')}.`;
  if (of !== 'held' || vips.length === 0) return 'Not enough was seen to tell whether the wire is as intended.';
  return `The wire is as the cluster intends: ${vips.map(({ vip }) => vip.name).join(', ')}.`;
}

function vipLines({ vip, wire, differences, verdict }: ComparedVip, style: TerminalStyle, paint: Paint): string[] {
  const service = vip.service === null ? '' : ` · Service ${vip.service.namespace}/${vip.service.name}`;
  const title = `${vip.name} · ${vip.address} port ${String(vip.port)} · ${vip.policy === 'local' ? 'Local' : 'Cluster'}${service}`;
  const { mark, tone } = VERDICT_LOOKS[verdict];
  const part = wire.parts.findLast(({ findings }) => findings.length > 0) ?? wire.parts.at(-1);
  return [
    `${paint(tone, mark)} ${paint('bold', title)}`,
    ...(part ? partLines(part, wire.parts.length, style, paint) : []),
    ...differences.flatMap((difference) => differenceLines(difference, style, paint)),
    ...[...(part?.doubts ?? []).map(({ text }) => text), ...(wire.unjudged === null ? [] : [wire.unjudged])].flatMap((doubt) =>
      bullet(paint('doubtful', '?'), doubt, style.width),
    ),
  ];
}

function partLines(part: SettledPart, parts: number, { width }: TerminalStyle, paint: Paint): string[] {
  const routers = part.rows[0]?.routers.map(({ router }) => router) ?? [];
  const vantages = part.rows[0]?.flows ?? [];
  const columns: TextColumn[] = [
    { title: '' },
    { title: 'node' },
    { title: 'intended', wraps: true },
    { title: 'MetalLB says', wraps: true },
    ...(routers.length === 0 ? ['no router'] : routers).map((router): TextColumn => ({ title: `${router} has`, wraps: true })),
    ...vantages.map(({ vantage, of }): TextColumn => ({ title: `flows seen\n${vantage} of ${formatCount(of)}`, align: 'right' })),
  ];
  const rows = part.rows.map((row) => {
    const looks = VERDICT_LOOKS[verdictOf(row, part)];
    return [
      paint(looks.tone, looks.mark),
      row.node,
      intendedText(row),
      saysText(row),
      ...(row.routers.length === 0 ? ['unknown'] : row.routers.map(({ has }) => (has === null ? 'unknown' : has ? 'yes' : 'no'))),
      ...row.flows.map(({ seen }) => formatCount(seen)),
    ];
  });
  const when =
    parts > 1 ? wrapText(`The intent or a set changed meanwhile; from ${formatT(part.fromT)} to ${formatT(part.untilT)}:`, width) : [];
  return [...when, ...textTable(columns, rows, width)];
}

function verdictOf({ node, intended }: PathRow, { findings, doubts }: SettledPart): Verdict {
  if (findings.some((finding) => finding.node === node)) return 'deviated';
  return intended === null || doubts.some((doubt) => doubt.node === node) ? 'inconclusive' : 'held';
}

function intendedText({ intended, routers }: PathRow): string {
  if (intended === null) return 'unknown';
  if (intended.advertises && routers.some(({ should }) => should === false)) {
    return `yes, to ${(intended.peers ?? []).map(({ name }) => name).join(' ')}`;
  }
  if (intended.advertises) return 'yes';
  return intended.reason === null ? 'no: not a node' : `no: ${intended.reason} (${plainReason(intended.reason)})`;
}

function saysText({ status }: PathRow): string {
  if (!status) return 'unknown';
  const refusal = status.configuration === 'Invalid' ? '; REFUSES its configuration' : '';
  if (status.announcedTo === null) return `unknown${refusal}`;
  return `${status.announcedTo.length === 0 ? 'no' : `announced to ${status.announcedTo.join(' ')}`}${refusal}`;
}

function differenceLines({ kind, node, what, look }: Difference, { width }: TerminalStyle, paint: Paint): string[] {
  return [
    ...bullet(paint('bad', '✘'), `${kind} path ${node}: ${what}`, width),
    ...wrapText(`Look at: ${look}.`, width - 4).map((line) => `    ${paint('dim', line)}`),
  ];
}

function bullet(mark: string, text: string, width: number): string[] {
  return wrapText(text, width - 4).map((line, index) => `${index === 0 ? `  ${mark} ` : '    '}${line}`);
}
