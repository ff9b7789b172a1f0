// The causes of a window in the text report: when, what, and whom it broke.
import type { WindowReport } from '../../core/report-format.ts';
import { brokenText, evidenceText, unexplainedText } from '../causes.ts';
import { formatT } from '../format.ts';
import type { TerminalStyle } from './paint.ts';
import { textTable, wrapText } from './text-table.ts';

/** Nothing where no cluster was watched, or nothing happened in it and nothing broke. */
export function causeLines({ causes = [], unexplained = [] }: WindowReport, { width }: TerminalStyle): string[] {
  if (causes.length + unexplained.length === 0) return [];
  const columns = [{ title: 'at' }, { title: 'what happened', wraps: true as const }, { title: 'broken by it', wraps: true as const }];
  const rows = causes.map((cause) => [
    formatT(cause.t),
    [cause.what, ...(cause.effect === null ? [] : [cause.effect])].join('\n'),
    [...brokenText(cause), ...evidenceText(cause)].join('\n'),
  ]);
  return [
    ...(rows.length === 0 ? [] : textTable(columns, rows, width)),
    ...unexplained.flatMap((row) => wrapText(unexplainedText(row), width)),
  ];
}
