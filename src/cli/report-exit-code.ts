// The exit code that tells a run's report to a shell.
import { ExitCode } from '../core/errors.ts';
import type { Report } from '../core/report-format.ts';

/** 5 before everything: a fault that may still be in force matters more than any verdict. */
export function reportExitCode({ faults, verdict }: Pick<Report, 'faults' | 'verdict'>): ExitCode {
  if (faults.some((fault) => fault.state === 'unverified')) return ExitCode.unverified;
  switch (verdict) {
    case 'held':
      return ExitCode.held;
    case 'deviated':
      return ExitCode.deviated;
    case 'inconclusive':
      return ExitCode.inconclusive;
    case 'errored':
      return ExitCode.refused;
  }
}
