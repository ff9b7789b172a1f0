// The browser that looks at pages, for tests and for the pictures of screenshot.ts.
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

/** Debian's chromium; without it nothing can be looked at. */
export const HAS_BROWSER = existsSync(EXECUTABLE);

export async function aBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...['--no-first-run', '--disable-quic'],
    ],
  });
}
