// `holdfast report`: rebuilds every output of a run from its journal alone, byte for byte.
import { mkdirSync } from 'node:fs';
import { Command } from 'commander';
import { reportJson } from '../report/report-json.ts';
import { printReport, writeReports } from './write-reports.ts';
import { reportExitCode } from './report-exit-code.ts';

export function reportCommand(): Command {
  return new Command('report')
    .description('Rebuilds report.json, flows.ndjson, junit.xml and report.html from the journal of a run, and prints the report.')
    .argument('<dir>', 'folder of a run: the one that holds journal.ndjson')
    .option('--out <dir>', 'write the files there and not beside the journal')
    .option('--json', 'print report.json instead of the text')
    .action(async (folder: string, options: { out?: string; json?: true }) => {
      const out = options.out ?? folder;
      if (options.out !== undefined) mkdirSync(out, { recursive: true });
      const { report } = await writeReports(folder, out);
      if (options.json) process.stdout.write(reportJson(report));
      else printReport(report, out);
      process.exitCode = reportExitCode(report);
    });
}
