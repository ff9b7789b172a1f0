// Draws reports into a folder, as text, HTML and pictures, for people to look at after a change.
// Usage: npm run pictures -- FOLDER [RUN…]   RUN: a name in test/support/some-runs.ts (default: all), or the path of a report.html
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { htmlReport } from '../../src/report/html.ts';
import { terminalReport } from '../../src/report/terminal.ts';
import { SOME_RUNS } from '../support/some-runs.ts';
import { aBrowser } from './browser.ts';

const VIEWS = [
  { name: 'wide-light', width: 1_280, colorScheme: 'light' },
  { name: 'wide-dark', width: 1_280, colorScheme: 'dark' },
  { name: 'middling-light', width: 768, colorScheme: 'light' },
  { name: 'phone-light', width: 360, colorScheme: 'light' },
  { name: 'phone-dark', width: 360, colorScheme: 'dark' },
] as const;

const [folder, ...chosen] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: npm run pictures -- FOLDER [RUN…]');
mkdirSync(folder, { recursive: true });
const browser = await aBrowser();
try {
  for (const path of chosen.filter((each) => each.endsWith('.html'))) await draw(browser, resolve(path), folder);
  for (const [name, makeRun] of Object.entries(SOME_RUNS)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const { report, flows } = makeRun();
    for (const width of [80, 160])
      writeFileSync(join(folder, `${name}-${String(width)}.txt`), terminalReport(report, { width, colour: false }));
    const page = resolve(folder, `${name}.html`);
    writeFileSync(page, htmlReport(report, flows));
    await draw(browser, page, folder);
  }
} finally {
  await browser.close();
}

async function draw(on: Browser, path: string, into: string): Promise<void> {
  for (const { name, width, colorScheme } of VIEWS) {
    const page = await on.newPage({ viewport: { width, height: 900 }, colorScheme });
    page.on('console', (message) => {
      process.stderr.write(`${path} says: ${message.text()}\n`);
    });
    page.on('pageerror', (error) => {
      process.stderr.write(`${path} fails: ${error.message}\n`);
    });
    await page.goto(`file://${path}`);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    if (overflow !== 0) process.stderr.write(`${path} is ${String(overflow)} px too wide in ${name}\n`);
    await page.screenshot({ path: join(into, `${path.slice(path.lastIndexOf('/') + 1, -5)}-${name}.png`), fullPage: true });
    await page.close();
  }
}
