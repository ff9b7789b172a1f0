// The table of metrics for people, against what a scrape holds: both ways, so that neither has what the other lacks.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFINITIONS } from '../../../src/service/metrics/definitions.ts';
import { someMetrics } from '../../support/some-metrics.ts';

test('deploy/prometheus/METRICS.md lists every metric of a scrape, with its type, labels and meaning, and no other', async () => {
  await using bench = await someMetrics();
  const told = rowsOfScrape(await bench.metrics.text());
  const documented = readFileSync('deploy/prometheus/METRICS.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(documented.toSorted()).toEqual(told.toSorted());
});

test('names follow the conventions: base units, and _total for counters alone', () => {
  for (const [name, { type }] of Object.entries(DEFINITIONS)) {
    expect(name).toMatch(/^holdfast_[a-z][a-z_]*[a-z]$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kilobytes|percent)(_|$)/);
  }
});

function rowsOfScrape(text: string): string[] {
  return [...text.matchAll(/^# HELP (\w+) (.*)\n# TYPE \w+ (\w+)$/gm)].map(([, name = '', help = '', type = '']) => {
    // What prom-client itself adds is told without labels: a scrape shows them.
    if (!(name in DEFINITIONS)) return `| \`${name}\` | ${type} | ${help} |`;
    const { labels } = DEFINITIONS[name as keyof typeof DEFINITIONS];
    return `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`;
  });
}
