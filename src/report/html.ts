// report.html: one file to look at, that asks no other host for anything and needs no script for what matters.
import type { FlowOutcome, Report } from '../core/report-format.ts';
import { paletteOf, PATH_COLOURS } from './drawing/palette.ts';
import { formatMs, formatWallClock } from './format.ts';
import { flowsSection } from './html/flow-table.ts';
import { h, rawElement, type Markup } from './html/markup.ts';
import { SCRIPT, SCRIPT_HASH } from './html/script.ts';
import { STYLE, STYLE_HASH } from './html/style.ts';
import { checksSection, faultsSection, healthSection, interruptionsSection, pathsSection, sourceSection } from './html/tables.ts';
import { verdictBadge } from './html/table.ts';
import { timelineSection } from './html/timeline.ts';
import { finalMapSection, windowsSection } from './html/windows.ts';
import { withPlainTexts } from './plain-text.ts';

/** Nothing but this style and this script, each by its hash (CSP 3, section 2.3.1): a name that slipped through could still do nothing. */
const POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; script-src '${SCRIPT_HASH}'; base-uri 'none'; form-action 'none'`;

/** The whole page as text. */
export function htmlReport(given: Report, flows: Iterable<FlowOutcome>): string {
  const report = withPlainTexts(given);
  const palette = paletteOf(report);
  const page = h(
    'html',
    { lang: 'en' },
    h(
      'head',
      null,
      h('meta', { charset: 'utf-8' }),
      h('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
      h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      h('meta', { name: 'color-scheme', content: 'light dark' }),
      h('meta', { name: 'referrer', content: 'no-referrer' }),
      h('title', null, `${report.verdict}: ${report.title} · Holdfast`),
      rawElement('style', null, STYLE),
    ),
    h(
      'body',
      null,
      h('main', null, [
        head(report),
        checksSection(report),
        timelineSection(report, palette),
        windowsSection(report, palette),
        finalMapSection(report, palette),
        pathsSection(report, palette),
        interruptionsSection(report),
        faultsSection(report),
        sourceSection(report, palette),
        healthSection(report),
        flowsSection(flows, palette),
      ]),
      foot(report),
      hatching(),
      rawElement('script', null, SCRIPT),
    ),
  );
  return `<!doctype html>\n${page.toString()}\n`;
}

function head(report: Report): Markup {
  return h(
    'header',
    null,
    h('p', { class: 'title' }, verdictBadge(report.verdict), ` ${report.title}`),
    h('h1', null, report.summary),
    report.remarks.length === 0
      ? null
      : h(
          'ul',
          { class: 'remarks' },
          report.remarks.map((remark) => h('li', null, remark)),
        ),
    h(
      'p',
      { class: 'muted' },
      `${report.scenario} on ${report.environment} · ${formatWallClock(report.wallClockMs)} · took ${formatMs(report.durationMs)}`,
    ),
  );
}

function foot(report: Report): Markup {
  const versions = Object.entries(report.versions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, version]) => `${name} ${version}`);
  return h(
    'footer',
    null,
    h('p', null, `Run ${report.runId}, seed ${String(report.seed)}; ${versions.join(', ')}.`),
    h('p', null, 'Made by Holdfast from journal.ndjson alone; `holdfast report` makes it again, byte for byte.'),
  );
}

/** The patterns that tell the seventh path from the first, and so on. */
function hatching(): Markup {
  const patterns = PATH_COLOURS.map((_, index) =>
    h(
      'pattern',
      { id: `hatch${String(index)}`, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      h('rect', { class: `p${String(index)}`, width: 6, height: 6 }),
      h('path', { class: 'hatch', d: 'M0 3H6' }),
    ),
  );
  return h('svg', { class: 'unseen', 'aria-hidden': 'true' }, h('defs', null, patterns));
}
