// report.json: the findings for other programs, one row a line so that two runs can be compared with diff.
import type { Report } from '../core/report-format.ts';

/** In the order in which a person wants to read them. */
const KEYS = [
  'schema',
  'runId',
  'verdict',
  'summary',
  'remarks',
  'title',
  'scenario',
  'environment',
  'wallClockMs',
  'durationMs',
  'seed',
  'versions',
  'checks',
  'events',
  'matrix',
  'finalMap',
  'sourceIp',
  'paths',
  'interruptions',
  'faults',
  'health',
  'timeline',
] as const satisfies readonly (keyof Report)[];

/** The text of report.json: top-level keys in a fixed order, keys of maps (causes, reasons, versions) sorted, arrays a row a line. */
export function reportJson(report: Report): string {
  const lines = KEYS.map((key) => `  ${JSON.stringify(key)}: ${render(report[key])}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function render(value: Report[keyof Report]): string {
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value, sortMaps);
  return `[\n${value.map((row) => `    ${JSON.stringify(row, sortMaps)}`).join(',\n')}\n  ]`;
}

/** Maps whose keys come from the data: their order would tell which was met first, not what was found. */
const MAPS: ReadonlySet<string> = new Set<'brokenByCause' | 'reasons' | 'versions'>(['brokenByCause', 'reasons', 'versions']);

function sortMaps(key: string, value: unknown): unknown {
  if (!MAPS.has(key) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
