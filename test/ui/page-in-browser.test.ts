// The service's page in a real browser: its four views, keyboard, roles, staleness, and what no text may do to it.
// Skipped where there is no chromium (apt-get install chromium).
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aBrowser, HAS_BROWSER } from '../report/browser.ts';
import { aWorld } from './a-world.ts';
import { buildPage, type BuiltPage } from './build-page.ts';
import { aHostileWorld, PAYLOADS } from './hostile-world.ts';
import { openPage, type OpenOptions } from './open-page.ts';

const PLACES = ['', '#/findings', '#/findings/f-set-1', '#/runs', '#/runs/nightly.2026-11-25', '#/runs/new', '#/schedules'];

describe.skipIf(!HAS_BROWSER)('the service’s page in a browser', () => {
  let browser: Browser;
  let built: BuiltPage;
  beforeAll(async () => {
    [browser, built] = await Promise.all([aBrowser(), buildPage()]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await built[Symbol.asyncDispose]();
  });
  const open = (options: Partial<OpenOptions> = {}) =>
    openPage({ browser, folder: built.folder, world: aWorld('broken'), role: 'operator', ...options });

  test('no view complains, and nobody but the service is asked for anything', async () => {
    await using opened = await open();
    for (const hash of PLACES) await opened.goTo(hash);
    expect(opened.complaints).toEqual([]);
    expect(opened.strangers).toEqual([]);
  });

  test.each(['broken', 'well', 'empty'] as const)('nothing sticks out of a screen 360 pixels wide when all is %s', async (state) => {
    await using opened = await open({ world: aWorld(state), width: 360 });
    for (const hash of PLACES) {
      await opened.goTo(hash);
      expect(await opened.overflow(), hash).toBe(0);
    }
  });

  test('monitors: the answer first, then paths, vantages, sessions and the last five minutes', async () => {
    await using opened = await open();
    const { page } = opened;
    await page.getByRole('heading', { level: 1, name: /2 findings are open/ }).waitFor();
    await page.getByText('2 of 3 paths of web alive from 2 vantages; n2 is lost').waitFor();
    const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'v2 tcp' }) });
    expect(await row.getByRole('cell').allTextContents()).toEqual([
      expect.stringMatching(/^✔ok 128 flows100% ok, n = 38,400rtt 0.31 \/ 1.4 ms$/),
      expect.stringMatching(/^✘lost 0 flowsok unknown, n = 0rtt unknown$/),
      expect.stringMatching(/^▲ill 128 flows99.9% ok, n = 38,400 37 lostrtt 0.31 \/ 1.4 ms$/),
    ]);
    await page.getByText('Idle').waitFor();
    await page.getByText('seen by the observer').waitFor();
    const picture = page.getByRole('img', {
      name: /web, the last five minutes: 512 flows on n1, 512 flows on n3; 1,500 exchanges lost, 341 flows broken/,
    });
    await picture.waitFor();
    expect(await picture.locator('.open-span').count()).toBe(2);
  });

  test('keepers: whose lease and which fault are in force, and of one that is away since when and what to do', async () => {
    await using opened = await open({ role: 'viewer' });
    const { page, server } = opened;
    const rowOf = (environment: string) =>
      page
        .getByRole('table', { name: 'Keepers' })
        .getByRole('row')
        .filter({ has: page.getByRole('rowheader', { name: environment }) });
    const cellsOf = (environment: string) => rowOf(environment).getByRole('cell').allTextContents();
    await rowOf('three-nodes').waitFor();
    expect(await cellsOf('three-nodes')).toEqual([
      '✔armed',
      '20261126-bgp-session-drop-01ab',
      '▲in-force bgp-session-down at n2', // what is verified as reverted is no news
      'now',
    ]);
    expect(await rowOf('rack-7').getByRole('rowheader').textContent()).toBe('metal-in-rack-7keeper rack-7, on another machine');
    expect(await cellsOf('rack-7')).toEqual([
      expect.stringMatching(/^✘awaythe keeper rack-7 is away.*What to do: start holdfast keeper-link on the machine of rack-7, or look/),
      'unknown',
      'unknownIt reverts by itself what nobody renews.',
      '4 min ago',
    ]);
    server.world.keepers = aWorld('well').keepers;
    server.announce('keeper', 'rack-7');
    await page.getByText('disarmed').waitFor();
    expect(await cellsOf('three-nodes')).toEqual(['✔armed', 'free', 'none', 'now']);
  });

  test('when the service cannot tell of its keepers, nothing that they said before stands there as if they still said it', async () => {
    await using opened = await open();
    const { page, server } = opened;
    const table = page.getByRole('table', { name: 'Keepers' });
    await table.waitFor();
    const told = { type: 'about:blank', title: 'Failed', status: 500, code: 'INTERNAL', detail: 'it broke' };
    await page.route('**/api/v1/keepers', (route) => route.fulfill({ status: told.status, json: told }));
    server.announce('keeper', 'rack-7');
    await page.getByText('What keepers say is not known.').waitFor();
    expect(await table.count()).toBe(0);
    await page.unroute('**/api/v1/keepers');
    server.announce('keeper', 'rack-7');
    await table.waitFor();
  });

  test('nothing set up is told as nothing, not as well', async () => {
    await using opened = await open({ world: aWorld('empty') });
    await opened.page.getByText('There is no monitor: nothing is watched').waitFor();
    await opened.page.getByText('No environment names a keeper: no run with faults can start.').waitFor();
    await opened.page.keyboard.press('4');
    await opened.page.getByText('There is no schedule: nothing runs by itself.').waitFor();
    await opened.page.getByText('None: nothing was given up.').waitFor();
  });

  test('findings: open ones first, filtered, searched, and each with its evidence under an address of its own', async () => {
    await using opened = await open({ hash: '#/findings' });
    const { page } = opened;
    const items = page.locator('[data-items] .item');
    await page.getByText('11 findings').waitFor();
    expect(await items.nth(0).textContent()).toContain('n2 left the next-hop set of web');
    await page.getByLabel('search').fill('throttled');
    await page.getByText('3 findings').waitFor();
    await page.getByLabel('search').fill('');
    await page.getByLabel('kind').selectOption('bgp-session-down');
    await page.getByText('1 finding', { exact: true }).waitFor();
    expect(page.url()).toContain('kind=bgp-session-down');
    await page.goto(`${opened.server.url}/#/findings/f-set-1`);
    await page.getByText('provisional: its figures still grow').waitFor();
    const ledger = page.getByRole('table', { name: /Outcomes of the flows. Window 1/ });
    const row = ledger.getByRole('row').filter({ hasText: 'v1 tcp' });
    expect(await row.textContent()).toMatch(/n = 256.*85 33\.2%29\.2–38\.2%.*70 reset, 23 stalled/);
    await page.getByText('260 reset, 81 stalled').waitFor();
  });

  test('a link from Alertmanager leads to the evidence', async () => {
    await using opened = await open({ hash: '?alert=a-1' });
    await opened.page.getByText('provisional: its figures still grow').waitFor();
    expect(opened.page.url()).toBe(`${opened.server.url}/#/findings/f-set-1`);
    await opened.page.goto(`${opened.server.url}/?alert=gone`);
    await opened.page.getByText('11 findings').waitFor();
  });

  test('sixty ingress nodes are told down the page, the dead one first', async () => {
    const world = aWorld('well');
    const told = world.overview;
    const nodes = Array.from({ length: 60 }, (_, index) => `n${String(index + 1)}`);
    world.overview = (nowMs) => {
      const overview = told(nowMs);
      const [path] = overview.monitors[0]?.paths ?? [];
      if (!path) throw new Error('the world has no path');
      const paths = nodes.map((ingress) => ({ ...path, ingress, state: ingress === 'n17' ? ('dead' as const) : ('ok' as const) }));
      return { ...overview, monitors: overview.monitors.map((monitor) => ({ ...monitor, paths })) };
    };
    await using opened = await open({ world, width: 360 });
    const table = opened.page.getByRole('table', { name: 'Paths of the last minute' });
    await table.getByRole('rowheader').first().waitFor();
    expect(await table.getByRole('rowheader').allTextContents()).toEqual(['n17']);
    await opened.page.getByText('59 ingress nodes ok from every vantage').click();
    await opened.page.getByRole('rowheader', { name: 'n60' }).waitFor();
    expect(await opened.overflow()).toBe(0);
  });

  test('an address of what is not there says so', async () => {
    await using opened = await open({ hash: '#/findings/gone' });
    await opened.page.getByText('there is no such findings').waitFor();
  });

  test('older findings are fetched when asked for', async () => {
    const world = { ...aWorld('broken'), pageLength: 4 };
    await using opened = await open({ world, hash: '#/findings' });
    const { page } = opened;
    await page.getByText('4 findings, and older ones not fetched yet').waitFor();
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.getByText('8 findings, and older ones').waitFor();
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.getByText('11 findings', { exact: true }).waitFor();
  });

  test('a run is planned, confirmed, started as it was planned, and cancelled on a second thought', async () => {
    await using opened = await open({ hash: '#/runs' });
    const { page, server } = opened;
    await page.getByRole('link', { name: 'Start a run' }).click();
    await page.getByLabel('scenario').selectOption('bgp-session-drop');
    await page.getByText('It injects bgp-session-down.').waitFor();
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page.getByText('f1 at 5s for 8s: bgp-session-down at n2').waitFor();
    expect(server.acts.map(({ act }) => act)).toEqual(['POST /runs/plan']);
    await page.getByRole('button', { name: 'Start bgp-session-drop on three-nodes now' }).click();
    await page.waitForURL(/#\/runs\/api-1$/);
    const [plan, start] = server.acts.map(({ body }) => body as { seed: number });
    expect(start?.seed).toBe(plan?.seed);
    await page.getByRole('button', { name: 'Cancel bgp-session-drop' }).click();
    await page.getByText('Revert its faults now, then report?').waitFor();
    expect(server.acts).toHaveLength(2);
    await page.getByRole('button', { name: 'Yes, cancel the run' }).click();
    await expect.poll(() => server.acts.at(-1)?.act).toBe('POST /runs/api-1/cancel');
  });

  test('a refusal is shown with what to do about it', async () => {
    const refusal = { status: 409, code: 'KEEPER_BUSY', detail: 'another run holds the keeper', remedy: 'wait for it, or cancel it' };
    await using opened = await open({ world: { ...aWorld('broken'), refusal }, hash: '#/runs/new' });
    const { page } = opened;
    await page.getByLabel('scenario').selectOption('bgp-session-drop');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    expect(await page.getByRole('alert').textContent()).toBe(
      'Refused. another run holds the keeper KEEPER_BUSYWhat to do: wait for it, or cancel it',
    );
  });

  test('a finished run leads to its files', async () => {
    await using opened = await open({ hash: '#/runs/nightly.2026-11-25', role: 'viewer' });
    const files = opened.page.getByRole('list', { name: 'Files of the run' }).getByRole('link');
    await files.first().waitFor();
    const base = '/api/v1/runs/nightly.2026-11-25';
    expect(await files.evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual(
      ['report.html', 'report.json', 'junit.xml', 'flows.ndjson', 'journal.ndjson'].map((file) => `${base}/${file}`),
    );
    await opened.page.getByText('breaks of tcp flows 31 % -> 33 %, within noise (1024 flows against 2048 of the last 2 runs)').waitFor();
  });

  test('schedules pause, a maintenance begins, samples and dead letters are sent', async () => {
    await using opened = await open({ hash: '#/schedules' });
    const { page, server } = opened;
    await page.getByRole('button', { name: 'Pause nightly' }).click();
    await page.getByRole('button', { name: 'Resume nightly' }).waitFor();
    await page.getByText('Begin a period now').click();
    await page.getByLabel('note').fill('switch of racks');
    await page.getByRole('button', { name: 'Begin now' }).click();
    await page.getByText('It has begun.').waitFor();
    await page.getByRole('button', { name: 'Test oncall' }).click();
    const dead = page.getByRole('table', { name: 'Notifications that were given up' });
    expect(await dead.textContent()).toContain('getaddrinfo ENOTFOUND hooks.example.net');
    await dead.getByRole('button', { name: 'Send again to oncall' }).click();
    await expect
      .poll(() => server.acts.map(({ act }) => act.replace(/\d{6,}$/, 'N')))
      .toEqual([
        'PUT /schedules/nightly',
        'PUT /periods/maintenance-N',
        'POST /destinations/oncall/test',
        'POST /deliveries/d-0%3Aoncall/resend',
      ]);
  });

  test('a viewer sees all and may press nothing but log out', async () => {
    await using opened = await open({ role: 'viewer' });
    for (const hash of PLACES) {
      await opened.goTo(hash);
      const buttons = await opened.page.getByRole('button').allTextContents();
      expect(buttons, hash).toEqual(['Skip to the content', 'Log out']);
      expect(await opened.page.getByText('Start a run').count()).toBe(0);
    }
  });

  test('the keyboard suffices: views, search, list, one, back, and past the head', async () => {
    await using opened = await open();
    const { page } = opened;
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    await page.keyboard.press('2');
    await page.getByText('11 findings').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('1 path dead');
    expect(await page.getByLabel('search').inputValue()).toBe('1 path dead');
    await page.getByLabel('search').fill('left');
    await page.getByText('1 finding', { exact: true }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/findings\/f-set-1$/);
    await page.getByText('provisional: its figures').waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL(/#\/findings$/);
    await page.keyboard.press('3');
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
    await page.keyboard.press('4');
    await page.getByRole('heading', { level: 1, name: 'Schedules and deliveries' }).waitFor();
    await page.keyboard.press('1');
    await page.getByRole('heading', { level: 1, name: /findings are open/ }).waitFor();
  });

  test('what changes at the service changes on the page', async () => {
    await using opened = await open({ world: aWorld('well'), hash: '#/findings' });
    const { page, server } = opened;
    await page.getByText('11 findings').waitFor();
    const [first] = aWorld('broken').findings;
    if (first) server.world.findings = [{ ...first, id: 'f-new', sentence: 'n3 went too' }, ...server.world.findings];
    server.announce('finding', 'f-new');
    await page.getByText('n3 went too').waitFor();
    await page.getByText('12 findings').waitFor();
  });

  test('a page that lost its service says since when and how old it is, and recovers by itself', async () => {
    await using opened = await open();
    const { page, server } = opened;
    await page.getByText('2 of 3 paths of web alive').waitFor();
    await server.goAway();
    await page.getByText(/^Not connected since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\.$/).waitFor();
    await page.getByText(/Showing the state of 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, /).waitFor();
    server.world.findings = [];
    await server.comeBack();
    await page.getByText('Nothing is wrong that').or(page.getByText('0 findings')).first().waitFor();
    await expect.poll(() => page.getByText('Not connected').count()).toBe(0);
  });

  test('a token is exchanged for a session, which ends by hand or at the service', async () => {
    await using opened = await open({ role: null });
    const { page, server } = opened;
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('What to do: ask an admin for another').waitFor();
    await page.getByLabel('Token').fill(' operator ');
    await page.keyboard.press('Enter');
    await page.getByText('2 of 3 paths of web alive').waitFor();
    expect(await page.evaluate(() => document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage))).toBe('{}{}');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('You are logged out.').waitFor();
    await page.getByLabel('Token').fill('viewer');
    await page.keyboard.press('Enter');
    await page.getByText('2 of 3 paths of web alive').waitFor();
    server.world.areSessionsOver = true;
    await page.getByText('Your session has ended: log in again.').waitFor();
  });

  test('dark where the system is dark; in print without buttons and nothing cut off', async () => {
    await using opened = await open({ colorScheme: 'dark', hash: '#/findings/f-set-1' });
    const { page } = opened;
    await page.getByText('provisional: its figures').waitFor();
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(18, 20, 23)');
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({ width: 700, height: 900 });
    expect(await page.getByRole('navigation').isVisible()).toBe(false);
    expect(await page.getByRole('button', { name: 'Log out' }).isVisible()).toBe(false);
    expect(await page.getByText('n2 left the next-hop set of web: 341').last().isVisible()).toBe(true);
    expect(await opened.overflow()).toBe(0);
  });

  test(`of ${String(PAYLOADS.length)} attacks in every text field none runs, asks anybody or becomes markup`, async () => {
    const { world, used } = aHostileWorld();
    await using opened = await open({ world, width: 360 });
    const { page } = opened;
    const hostileId = encodeURIComponent(world.findings[0]?.id ?? '');
    for (const hash of [...PLACES.filter((place) => !place.includes('f-set-1')), `#/findings/${hostileId}`, '#/runs/r-live']) {
      await opened.goTo(hash);
      const foreign = await page.evaluate(() => ({
        hits: 'hits' in window,
        title: document.title,
        elements: document.querySelectorAll(
          '#page :is(script, img, iframe, object, embed, video, math, style, link, meta, base, [style], [srcdoc])',
        ).length,
        handlers: [...document.querySelectorAll('*')]
          .flatMap((element) => element.getAttributeNames())
          .filter((name) => name.startsWith('on')),
        links: [...document.querySelectorAll('a')]
          .map((link) => link.getAttribute('href') ?? '')
          .filter((href) => !/^(#\/|\/api\/v1\/)/.test(href)),
      }));
      expect(foreign, hash).toMatchObject({ hits: false, elements: 0, handlers: [], links: [] });
      expect(foreign.title).not.toBe('taken');
      expect(await opened.overflow(), hash).toBe(0);
    }
    await page.setViewportSize({ width: 1_280, height: 800 });
    expect(await opened.overflow()).toBe(0);
    expect(used()).toBe(PAYLOADS.length);
    expect(opened.complaints).toEqual([]);
    expect(opened.strangers).toEqual([]);
  });
});
