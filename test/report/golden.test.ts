// What people and programs are shown, kept as files: a change of wording or layout is seen in review, not by accident.
// After a wanted change: npx vitest run --config .config/vitest.config.ts --project unit test/report/golden.test.ts --update
import { describe, expect, test } from 'vitest';
import { flowLines } from '../../src/report/flows-ndjson.ts';
import { htmlReport } from '../../src/report/html.ts';
import { SCRIPT } from '../../src/report/html/script.ts';
import { STYLE } from '../../src/report/html/style.ts';
import { junitXml } from '../../src/report/junit.ts';
import { reportJson } from '../../src/report/report-json.ts';
import { terminalReport } from '../../src/report/terminal.ts';
import { SOME_RUNS } from '../support/some-runs.ts';

const golden = (name: string) => `../golden/report/${name}`;

describe.each(Object.entries(SOME_RUNS))('the %s run', (name, makeRun) => {
  const { report, flows } = makeRun();

  test('as text in 80 columns', async () => {
    await expect(terminalReport(report, { width: 80, colour: false })).toMatchFileSnapshot(golden(`${name}.txt`));
  });

  test('as JUnit XML', async () => {
    await expect(junitXml(report)).toMatchFileSnapshot(golden(`${name}.junit.xml`));
  });

  test('comes out the same, byte for byte, a second time', () => {
    const outputs = () => [
      reportJson(report),
      [...flowLines(flows)].join(''),
      junitXml(report),
      htmlReport(report, flows),
      terminalReport(report, { width: 100, colour: true }),
    ];
    expect(outputs()).toEqual(outputs());
  });
});

test('an empty run as a page', async () => {
  const { report, flows } = SOME_RUNS.empty();
  await expect(shownHtml(htmlReport(report, flows))).toMatchFileSnapshot(golden('empty.html'));
});

test('hostile names as a page', async () => {
  const { report, flows } = SOME_RUNS.hostile();
  await expect(shownHtml(htmlReport(report, flows))).toMatchFileSnapshot(golden('hostile.html'));
});

/** Without style and script, which have their own tests, and one element a line. */
function shownHtml(html: string): string {
  return html
    .replace(STYLE, '')
    .replace(SCRIPT, '')
    .replace(/sha256-[\w+/=]+/g, 'sha256-…')
    .replace(/(<\/(?:p|li|tr|h\d|text|table|section|meta|title|g|svg)>|<(?:thead|tbody|section|svg)[^>]*>)/g, '$1\n');
}
