// The page in a real browser: its script works, nothing else runs, and nobody is asked for anything.
// Skipped where there is no chromium (apt-get install chromium): the page itself is tested without it in html.test.ts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { htmlReport } from '../../src/report/html.ts';
import { SOME_RUNS } from '../support/some-runs.ts';
import { aBrowser, HAS_BROWSER } from './browser.ts';

describe.skipIf(!HAS_BROWSER)('the page in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-page-'));
  let browser: Browser;
  beforeAll(async () => {
    browser = await aBrowser();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  async function open(
    run: keyof typeof SOME_RUNS,
    options: { width?: number; javaScriptEnabled?: boolean } = {},
  ): Promise<{ page: Page; complaints: string[]; asked: string[] }> {
    const { report, flows } = SOME_RUNS[run]();
    const path = join(folder, `${run}.html`);
    writeFileSync(path, htmlReport(report, flows));
    const { width = 1_280, javaScriptEnabled = true } = options;
    const page = await browser.newPage({ viewport: { width, height: 900 }, javaScriptEnabled });
    const [complaints, asked]: string[][] = [[], []];
    page.on('console', (message) => complaints?.push(message.text()));
    page.on('pageerror', (error) => complaints?.push(error.message));
    page.on('dialog', (dialog) => {
      complaints?.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => asked?.push(request.url()));
    await page.goto(`file://${path}`);
    return { page, complaints: complaints ?? [], asked: asked ?? [] };
  }

  test.each(Object.keys(SOME_RUNS) as (keyof typeof SOME_RUNS)[])(
    'the %s run opens without a complaint, asking for itself alone',
    async (run) => {
      const { page, complaints, asked } = await open(run);
      expect(complaints).toEqual([]);
      expect(asked).toEqual([`file://${join(folder, `${run}.html`)}`]);
      await page.close();
    },
  );

  test.each([360, 768, 1_280])('nothing sticks out of a screen %i pixels wide', async (width) => {
    for (const run of ['deviated', 'hostile', 'empty'] as const) {
      const { page } = await open(run, { width });
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
      await page.close();
    }
  });

  test('a search and a filter find the flows that both fit', async () => {
    const { page } = await open('deviated');
    const { flows } = SOME_RUNS.deviated();
    const rows = page.locator('#flow-table tbody tr');
    expect(await rows.count()).toBe(20);
    await page.getByLabel('outcome').selectOption('moved-broken');
    await page.getByLabel('search').fill('v2 n1');
    const expected = [...flows].filter(
      ({ outcome, vantage, ingressBefore, ingressAfter }) =>
        outcome === 'moved-broken' && vantage === 'v2' && [ingressBefore, ingressAfter].includes('n1'),
    );
    await page.locator('#flow-filters output', { hasText: ` of ${String(expected.length)} rows` }).waitFor();
    expect(await rows.count()).toBe(Math.min(20, expected.length));
    await page.getByLabel('search').fill('no such flow');
    await page.getByText('no row fits').waitFor();
    expect(await rows.count()).toBe(0);
    await page.close();
  });

  test('a zoom shows a window alone, by button and by keyboard, and the whole run again', async () => {
    const { page } = await open('held');
    const ticks = async () => (await page.locator('svg.wide .axis text').allTextContents()).map((text) => parseFloat(text));
    expect(Math.max(...(await ticks()))).toBe(35);
    await page.getByRole('button', { name: '1 fault' }).focus();
    await page.keyboard.press('Enter');
    const zoomed = await ticks();
    expect(Math.min(...zoomed)).toBeGreaterThanOrEqual(4.5);
    expect(Math.max(...zoomed)).toBeLessThanOrEqual(13.5);
    await page.getByRole('button', { name: 'whole run' }).click();
    expect(Math.max(...(await ticks()))).toBe(35);
    await page.close();
  });

  test('without JavaScript all but the search is there', async () => {
    const { page } = await open('deviated', { javaScriptEnabled: false });
    expect(await page.locator('svg.wide .lane-title').count()).toBeGreaterThan(5);
    expect(await page.locator('#flow-table tbody tr').count()).toBe(25);
    expect(await page.locator('#flow-filters').isVisible()).toBe(false);
    expect(await page.getByText('searching them all needs JavaScript').isVisible()).toBe(true);
    await page.close();
  });
});
