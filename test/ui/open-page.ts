// Opens the page in the browser and keeps what it complained of and whom it asked.
import type { Browser, Page } from 'playwright-core';
import { servePage, type PageServer } from './page-server.ts';
import type { World } from './a-world.ts';

export type OpenPage = AsyncDisposable & {
  page: Page;
  server: PageServer;
  /** Errors, dialogs and breaches of the policy. */
  complaints: string[];
  /** Origins other than the service's that were asked for anything. */
  strangers: string[];
  /** Goes to another place of the page, and waits until all that belongs there was answered. */
  goTo: (hash: string) => Promise<void>;
  /** By how many pixels the page is wider than its window. */
  overflow: () => Promise<number>;
};

export type OpenOptions = {
  browser: Browser;
  folder: string;
  world: World;
  /** null: nobody is logged in. */
  role: 'viewer' | 'operator' | 'admin' | null;
  hash?: string;
  width?: number;
  colorScheme?: 'light' | 'dark';
};

export async function openPage({
  browser,
  folder,
  world,
  role,
  hash = '',
  width = 1_280,
  colorScheme = 'light',
}: OpenOptions): Promise<OpenPage> {
  const server = await servePage(world, folder);
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  if (role !== null) await context.addCookies([{ name: 'holdfast', value: role, url: server.url }]);
  const page = await context.newPage();
  const [complaints, strangers]: [string[], string[]] = [[], []];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${server.url}/`)) strangers.push(request.url());
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`breach of the policy: ${violatedDirective} ${blockedURI}`);
    });
  });
  await page.goto(`${server.url}/${hash}`);
  return {
    ...{ page, server, complaints, strangers },
    goTo: async (hash) => {
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await page.locator('footer').waitFor();
      await page.waitForFunction(() => !document.body.textContent.includes('asking the service'));
    },
    overflow: () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
    [Symbol.asyncDispose]: async () => {
      await context.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
