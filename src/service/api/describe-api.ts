// The API's document without a service: what `holdfast schemas` writes.
import { serviceFile } from '../../core/service-file.ts';
import { openStore } from '../store/open-store.ts';
import { openAnnouncements } from './announcements.ts';
import { openApi } from './open-api.ts';

/** OpenAPI 3.1 as the text of a file. */
export async function openApiText(): Promise<string> {
  const store = await openStore(':memory:');
  const clock = { nowMs: () => 0, monoMs: () => 0 };
  const log = () => undefined;
  const app = await openApi({
    ...{ store, clock, log, announcements: openAnnouncements({ store, clock, log }) },
    ...{
      file: serviceFile.parse({ environments: ['none'] }),
      catalogue: { environments: new Map(), scenarios: new Map(), probes: new Map() },
    },
    ...{ parts: unasked('parts'), metrics: unasked('metrics'), uiFolder: '/nonexistent', version: '1' },
  });
  try {
    return `${JSON.stringify(app.swagger(), null, 2)}\n`;
  } finally {
    await app.close();
    await store.destroy();
  }
}

/** What nobody asks anything of while the routes are only described. */
function unasked(what: string): never {
  return new Proxy(
    {},
    {
      get: () => {
        throw new Error(`the API was only to be described, and its ${what} were asked for`);
      },
    },
  ) as never;
}
