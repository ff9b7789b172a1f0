// The mark that stands beside each verdict's word, so that colour never carries the meaning alone.
import type { Verdict } from '../../core/report-format.ts';

export const VERDICT_MARKS: Readonly<Record<Verdict, string>> = { held: '✔', deviated: '✘', inconclusive: '?', errored: '!' };
