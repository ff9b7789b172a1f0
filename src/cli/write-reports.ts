// From a run's journal to every file and text about it; `run` and `report` go the same way, so they cannot differ.
import { join } from 'node:path';
import { analyse } from '../analysis/analyse.ts';
import { JOURNAL_FILE } from '../core/journal.ts';
import type { FlowOutcome, Report } from '../core/report-format.ts';
import { readJournal, type JournalReading } from '../io/journal-file.ts';
import { writeWholeFiles } from '../io/whole-file.ts';
import { flowLines } from '../report/flows-ndjson.ts';
import { htmlReport } from '../report/html.ts';
import { junitXml } from '../report/junit.ts';
import { reportJson } from '../report/report-json.ts';
import { terminalReport } from '../report/terminal.ts';

export type Judged = { report: Report; flows: Iterable<FlowOutcome> };

/**
 * Judges the journal of a run's folder.
 * @param options.isComplete for a journal whose `run.ended` is still to come: whether the run went through to its end
 * @throws AppError FILE_UNREADABLE, PROTOCOL
 */
export async function judgeJournal(folder: string, options: { isComplete?: boolean } = {}): Promise<Judged> {
  const reading = await readJournal(join(folder, JOURNAL_FILE));
  const { report, flows } = analyse(reading.events, options);
  return { report: { ...report, remarks: [...report.remarks, ...remarksOn(reading)] }, flows };
}

/**
 * Rebuilds report.json, flows.ndjson, junit.xml and report.html from the journal in `folder`, all of them or none.
 * @param out where to write them, when not beside the journal
 * @throws AppError FILE_UNREADABLE, PROTOCOL, DISK
 */
export async function writeReports(folder: string, out = folder): Promise<Judged> {
  const { report, flows } = await judgeJournal(folder);
  writeWholeFiles([
    [join(out, 'report.json'), reportJson(report)],
    [join(out, 'flows.ndjson'), flowLines(flows)],
    [join(out, 'junit.xml'), junitXml(report)],
    [join(out, 'report.html'), htmlReport(report, flows)],
  ]);
  return { report, flows };
}

/** Prints the report as text, and where its files lie; `folder` is null when they could not be written. */
export function printReport(report: Report, folder: string | null): void {
  const width = Math.min(160, Math.max(60, process.stdout.columns || 80));
  process.stdout.write(terminalReport(report, { width, colour: hasColour() }));
  if (folder !== null) process.stdout.write(`\nReport to look at: ${join(folder, 'report.html')}\n`);
}

/** Whether standard output is a terminal that wants colour (https://no-color.org). */
export function hasColour(): boolean {
  return process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

function remarksOn({ tornLine, unknownTypes }: JournalReading): string[] {
  const unknown = Object.entries(unknownTypes).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...(tornLine === null ? [] : ['The last line of the journal was not finished: its writer was killed. It was left out.']),
    ...unknown.map(([type, times]) => {
      const [events, were, them] = times === 1 ? ['event', 'was', 'it'] : ['events', 'were', 'them'];
      return `${String(times)} ${events} of the type ${type} ${were} left out: this version does not know ${them}.`;
    }),
  ];
}
