// The page before the service's own API: what it asks is what is answered, what it sends is what is taken.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aBrowser, HAS_BROWSER } from '../report/browser.ts';
import { anApi, aRun, NOW_MS, type AnApi } from '../service/api/an-api.ts';
import { aWorld } from './a-world.ts';
import { buildPage, type BuiltPage } from './build-page.ts';

describe.skipIf(!HAS_BROWSER)('the page on the real API', () => {
  let browser: Browser;
  let built: BuiltPage;
  beforeAll(async () => {
    [browser, built] = await Promise.all([aBrowser(), buildPage()]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await built[Symbol.asyncDispose]();
  });

  test('a token opens it, every view is answered, and every button is heard', async () => {
    await using api = await anApi({
      file: {
        destinations: [
          { name: 'oncall', kind: 'webhook', url: 'https://hooks.example.net/x', secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] },
        ],
      },
    });
    cpSync(built.folder, join(api.folder, 'ui'), { recursive: true });
    api.monitors.push(...aWorld('broken').overview(NOW_MS).monitors);
    await aRun(api.store, { id: 'nightly-1' });
    await fill(api);
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${api.base}/`);
    await page.getByLabel('Token').fill(api.tokens.operator);
    await page.keyboard.press('Enter');
    await page.getByText('2 of 3 paths of web alive from 2 vantages').waitFor();

    await page.keyboard.press('2');
    await page.getByText('n2 left the next-hop set of web').click();
    await page
      .getByRole('table', { name: /Outcomes of the flows/ })
      .first()
      .waitFor();

    await page.keyboard.press('3');
    await page.getByText('1 run', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Start a run' }).click();
    await page.getByLabel('scenario').selectOption('quiet');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page.getByText('quiet in lab, seed').waitFor();
    await page.getByRole('button', { name: 'Start quiet on lab now' }).click();
    await page.getByText('It waits for its environment.').waitFor();
    expect(api.wishes).toMatchObject([{ scenario: 'quiet', environment: 'lab', trigger: 'token operator' }]);
    await page.getByRole('button', { name: 'Cancel quiet' }).click();
    await page.getByRole('button', { name: 'Yes, cancel the run' }).click();
    await page.getByText('cancelling').waitFor();

    await page.keyboard.press('4');
    await page.getByRole('button', { name: 'Pause watch' }).click();
    await page.getByText('every 5 min').waitFor();
    await page.getByText('Begin a period now').click();
    await page.getByRole('button', { name: 'Begin now' }).click();
    await page.getByText('It has begun.').waitFor();
    await page.getByRole('button', { name: 'Test oncall' }).click();
    await page.getByText('a sample is on its way').waitFor();
    const wish = { name: 'watch', every: 300_000, paused: true };
    expect(api.acts).toMatchObject([
      ['cancel', api.wishes[0]?.id, 'operator'],
      ['schedules.put', wish, 'api'],
      ['putPeriod', { kind: 'maintenance', environments: 'all' }, 'api'],
    ]);

    // Word of a change comes as an event: nothing else asks for findings so soon.
    await page.keyboard.press('1');
    await api.store.updateTable('findings').set({ state: 'resolved' }).execute();
    api.announcements.announce('finding', 'f-set-1');
    await page.getByRole('heading', { level: 1, name: 'Nothing is wrong that 1 monitor could see.' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('You are logged out.').waitFor();
    // Before the login there is nobody: the one refusal that belongs here.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
    await page.close();
  });
});

async function fill({ store }: AnApi): Promise<void> {
  const [finding] = aWorld('broken').findings;
  if (!finding) throw new Error('the world has no finding');
  const { id, monitor, environment, kind, state, openedMs, updatedMs } = finding;
  const row = { id, monitor, environment, kind, state, opened_ms: openedMs, updated_ms: updatedMs, json: JSON.stringify(finding) };
  await store.insertInto('findings').values(row).execute();
  const spec = {
    name: 'watch',
    scenario: 'quiet',
    environment: 'lab',
    every: 300_000,
    timeZone: 'UTC',
    jitter: 0,
    overlap: 'wait',
    paused: false,
  };
  const schedule = {
    name: 'watch',
    spec: JSON.stringify(spec),
    origin: 'api' as const,
    last_tick_ms: null,
    handled_until_ms: NOW_MS,
    created_ms: NOW_MS,
  };
  await store.insertInto('schedules').values(schedule).execute();
}
