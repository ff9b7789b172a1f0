// The text report: fits its width, says what the findings say, and needs no colour.
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/core/report-format.ts';
import { formatCount, formatInterval, formatMs, formatPercent, formatShare, formatT } from '../../src/report/format.ts';
import { terminalReport } from '../../src/report/terminal.ts';
import { HOSTILE_NODE, SOME_RUNS } from '../support/some-runs.ts';

const runs = Object.entries(SOME_RUNS);
const plain = (report: Report, width = 80) => terminalReport(report, { width, colour: false });

describe.each(runs)('the %s run', (_name, makeRun) => {
  const { report } = makeRun();

  test.each([80, 100, 160])('fits %i columns', (width) => {
    const isOneLongName = (line: string) => line.includes(HOSTILE_NODE.slice(0, 12));
    const tooLong = plain(report, width)
      .split('\n')
      .filter((line) => Array.from(line).length > width && !isOneLongName(line));
    expect(tooLong).toEqual([]);
  });

  test('begins with the verdict and the sentence', () => {
    const [verdict, sentence] = plain(report, 160).split('\n');
    expect(verdict).toContain(report.verdict);
    expect(report.summary).toContain(sentence);
  });

  test('says the same without colour', () => {
    const coloured = terminalReport(report, { width: 80, colour: true });
    expect(stripVTControlCharacters(coloured)).toBe(plain(report));
    expect(coloured).not.toBe(plain(report));
  });

  test('lets no name control the terminal', () => {
    expect(plain(report)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  test('holds no number that is not in the findings', () => {
    const known = numbersOf(report);
    const strange = tokensOf(evidence(plain(report, 160))).filter((token) => !known.has(token));
    expect(strange).toEqual([]);
  });

  test('holds every share of every ledger where something happened, with its interval', () => {
    const text = plain(report, 160);
    const loud = report.events.filter(({ ledgers }) => ledgers.some(({ outcomes, population }) => outcomes.unmoved.count !== population));
    for (const share of loud.flatMap(({ ledgers }) => ledgers.flatMap(({ outcomes }) => Object.values(outcomes)))) {
      expect(text).toMatch(new RegExp(`${formatCount(share.count)} +${formatShare(share)} +${formatInterval(share)}`));
    }
  });
});

test('a fault whose fate is unknown is said in capitals', () => {
  expect(plain(SOME_RUNS.errored().report)).toMatch(/f1 +bgp-session-down +n2 .*UNKNOWN/);
});

test('what is empty is called so', () => {
  const text = plain(SOME_RUNS.empty().report);
  expect(text.match(/^ {2}none/gm)).toHaveLength(8);
});

/** All but the head and the chart, whose totals and ticks are sums. */
function evidence(text: string): string {
  const [, ...sections] = text.split('\n\n');
  return sections.filter((section) => !section.startsWith('TIME')).join('\n');
}

function tokensOf(text: string): string[] {
  return text.match(/\d[\d,.]*\d|\d/g) ?? [];
}

/** Each number of the findings in every spelling that a report may use, and those within its texts. */
function numbersOf(report: Report): Set<string> {
  const known = new Set<string>(report.events.map((_, index) => String(index)));
  const add = (...texts: string[]) => {
    for (const text of texts) for (const token of tokensOf(text)) known.add(token);
  };
  const visit = (value: unknown): void => {
    if (typeof value === 'string') add(value);
    else if (typeof value === 'number') add(formatCount(value), formatPercent(value), formatMs(value), formatT(value), String(value));
    else if (value !== null && typeof value === 'object') {
      const { count, n } = value as { count?: unknown; n?: unknown };
      if (typeof count === 'number' && typeof n === 'number' && n > 0) add(formatPercent(count / n));
      for (const [key, field] of Object.entries(value)) {
        add(key);
        visit(field);
      }
    }
  };
  visit(report);
  for (const { tally } of report.paths) add(formatCount(tally.ok + tally.late + tally.lost), formatCount(tally.notSent + tally.invalid));
  add('95', 'p50', 'p99', 'IPv4', 'IPv6');
  return known;
}
