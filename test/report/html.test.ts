// The page: asks nobody for anything, and no name becomes markup.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { htmlReport } from '../../src/report/html.ts';
import { SCRIPT } from '../../src/report/html/script.ts';
import { STYLE } from '../../src/report/html/style.ts';
import { simulateRun } from '../support/a-run.ts';
import { aFlow } from '../support/some-flows.ts';
import { SOME_RUNS } from '../support/some-runs.ts';

/** Every tag in order; attribute values hold neither < nor >, so nothing else can look like one. */
function tagsOf(html: string): string[] {
  return html.match(/<[a-zA-Z/!][^<>]*>/g) ?? [];
}

describe.each(Object.entries(SOME_RUNS))('the page of the %s run', (_name, makeRun) => {
  const { report, flows } = makeRun();
  const html = htmlReport(report, flows);
  const tags = tagsOf(html.replace(STYLE, '').replace(SCRIPT, ''));

  test('names no other host and loads nothing', () => {
    const attributes = tags.join(' ');
    expect(attributes).not.toMatch(/\s(?:src|srcset|href|xlink:href|action|formaction|data|poster|background|ping)=/i);
    expect(html.match(/\b(?:https?|wss?|ftp):\/\/[^\s'"]*/g) ?? []).toEqual(['http://www.w3.org/2000/svg']); // the name of SVG, in the script
    expect(html).not.toMatch(/@import|url\((?!#hatch\d\))/);
  });

  test('has its one style, its one script, and data that no browser runs', () => {
    expect(tags.filter((tag) => tag.startsWith('<style'))).toHaveLength(1);
    const scripts = tags.filter((tag) => tag.startsWith('<script'));
    expect(scripts.filter((tag) => tag !== '<script type="application/json" id="flow-data">')).toEqual(['<script>']);
    expect(tags.some((tag) => /\s(?:on\w+|style)=/i.test(tag))).toBe(false);
  });

  test('begins with a policy that forbids everything else', () => {
    expect(html).toMatch(/<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/);
    expect(html.indexOf('Content-Security-Policy')).toBeLessThan(html.indexOf('<style'));
  });

  test('closes what it opens', () => {
    const open: string[] = [];
    for (const tag of tags) {
      const name = /^<\/?([a-z0-9!]+)/i.exec(tag)?.[1] ?? '';
      if (['!doctype', 'meta', 'br', 'hr', 'input', 'col'].includes(name)) continue;
      if (tag.startsWith('</')) expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });

  test('uses no id twice', () => {
    const ids = tags.flatMap((tag) => / id="([^"]*)"/.exec(tag)?.[1] ?? []);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test('tells what its drawings show', () => {
    for (const drawing of tags.filter((tag) => tag.includes('role="img"'))) {
      const [, title = '', desc = ''] = /aria-labelledby="(\S+) (\S+)"/.exec(drawing) ?? [];
      expect(html).toContain(`<title id="${title}">`);
      expect(html).toContain(`<desc id="${desc}">`);
    }
  });
});

test('whatever a node or pod is called, the page has the same elements', () => {
  const elements = (node: string, pod: string) => {
    const { report, flows } = simulateRun({ count: 6, vantages: ['v1'], nodes: ['n1', `n2${node}`, 'n3'], backendOf: () => pod });
    return tagsOf(htmlReport(report, flows).replace(STYLE, '').replace(SCRIPT, '')).map((tag) => /^<\/?[a-z0-9!-]+/i.exec(tag)?.[0]);
  };
  const harmless = elements('', 'pod');
  const nasty = fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '!', '-', '\u2028', '\0', 'a', ']'), maxLength: 7 });
  fc.assert(
    fc.property(nasty, nasty, (node, pod) => {
      expect(elements(node, pod)).toEqual(harmless);
    }),
    { numRuns: 50 },
  );
});

describe('the flow table', () => {
  const { report } = SOME_RUNS.held();
  const dataOf = (html: string) =>
    JSON.parse(/<script type="application\/json" id="flow-data">(.*?)<\/script>/.exec(html)?.[1] ?? '') as {
      columns: { title: string }[];
      words: string[];
      rows: number[][];
    };
  const column = (html: string, title: string) => {
    const { columns, words, rows } = dataOf(html);
    const index = columns.findIndex((each) => each.title === title);
    return rows.map((row) => words[row[index] ?? -1]);
  };

  test('embeds every flow, those first that something happened to', () => {
    const flows = [aFlow({ flowId: 'v1/1' }), aFlow({ flowId: 'v1/2', outcome: 'moved-broken', broken: true, breakCause: 'reset' })];
    expect(column(htmlReport(report, flows), 'flow')).toEqual(['v1/2', 'v1/1']);
  });

  test('leaves out the unmoved ones where there are too many, and says so', () => {
    const flows = Array.from({ length: 20_001 }, (_, index) =>
      aFlow({ flowId: `v1/${String(index)}`, outcome: index % 4_000 === 0 ? 'moved-survived' : 'unmoved' }),
    );
    const html = htmlReport(report, flows);
    expect(column(html, 'flow')).toEqual(['v1/0', 'v1/4000', 'v1/8000', 'v1/12000', 'v1/16000', 'v1/20000']);
    expect(html).toContain('6 broken, moved or unknown of 20,001 rows; flows.ndjson holds all.');
  });

  test('cuts even those at its limit, and says so', () => {
    const flows = Array.from({ length: 20_500 }, () => aFlow({ outcome: 'moved-survived' }));
    const html = htmlReport(report, flows);
    expect(dataOf(html).rows).toHaveLength(20_000);
    expect(html).toContain('The first 20,000 broken, moved or unknown of 20,500 rows');
  });
});
