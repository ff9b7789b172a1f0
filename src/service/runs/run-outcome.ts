// What became of a runner that has ended: read from what it left, its report, its journal, its log.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { JOURNAL_FILE } from '../../core/journal.ts';
import { type Report, type Verdict, VERDICTS } from '../../core/report-format.ts';
import { type Argv, tryCommand } from '../../io/command.ts';
import { type Figure, figuresOf } from './figures.ts';

export type RunOutcome =
  | { kind: 'reported'; verdict: Verdict; summary: string; figures: Figure[] }
  /** It refused before it touched anything, with what it said. `isTaken`: somebody else holds the environment's keeper. */
  | { kind: 'refused'; why: string; isTaken: boolean }
  /** It left nothing that could be read. */
  | { kind: 'lost'; why: string };

/** As the keeper says it (KEEPER_BUSY); a runner's exit code does not tell this refusal from others. */
export const TAKEN = /the environment is taken:|another keeper works on /;

const head = z.looseObject({ verdict: z.enum(VERDICTS), summary: z.string() });

/** Makes the report from the journal if the runner did not come to it. `program` is how `holdfast` is started. */
export async function outcomeOf(folder: string, logFile: string, program: Argv): Promise<RunOutcome> {
  const reported = readReport(folder);
  if (reported) return reported;
  const hasJournal = existsSync(join(folder, JOURNAL_FILE));
  if (!hasJournal) {
    const said = lastWords(logFile);
    if (said !== '') return { kind: 'refused', why: said, isTaken: TAKEN.test(said) };
    return { kind: 'lost', why: 'the runner ended without a journal and without a word; nothing was touched' };
  }
  const made = await tryCommand([...program, 'report', folder], { timeoutMs: 120_000 }).catch((error: unknown) => ({
    stderr: error instanceof Error ? error.message : String(error),
  }));
  const late = readReport(folder);
  if (late) return late;
  const why = errorIn(made.stderr) || 'no report came of its journal';
  return { kind: 'lost', why: `the runner died, and its keeper reverted what was in force; ${why}` };
}

function readReport(folder: string): RunOutcome | null {
  try {
    const report: unknown = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
    const parsed = head.safeParse(report);
    if (!parsed.success) return null;
    return { kind: 'reported', verdict: parsed.data.verdict, summary: parsed.data.summary, figures: figuresIn(report as Report) };
  } catch {
    return null; // not there, or not whole: the journal tells
  }
}

/** A report of another version may lack what the figures are made of: the verdict counts all the same. */
function figuresIn(report: Report): Figure[] {
  try {
    return figuresOf(report);
  } catch {
    return [];
  }
}

/** What a program said last, as a refusal tells it: the error and its remedy, or the last lines. At most 600 characters. */
export function lastWords(logFile: string): string {
  try {
    return errorIn(readFileSync(logFile, 'utf8').slice(-20_000));
  } catch {
    return ''; // it never came to a log
  }
}

/** The last error of a text of our program's, with its remedy, on one line; its last lines when there is none. */
export function errorIn(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const last = lines.findLastIndex((line) => line.startsWith('error: '));
  const told = last < 0 ? lines.slice(-3) : lines.slice(last, last + 2).filter((line, index) => index === 0 || /^\s+remedy: /.test(line));
  return told
    .map((line) => line.trim().replace(/^error: /, ''))
    .join('; ')
    .slice(0, 600);
}
