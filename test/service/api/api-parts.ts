// What an API is made of, without letting it start: for tests of the start itself.
import { serviceFile } from '../../../src/core/service-file.ts';
import { openAnnouncements } from '../../../src/service/api/announcements.ts';
import type { ApiParts } from '../../../src/service/api/api-parts.ts';
import { LIMITS } from '../../../src/service/api/limits.ts';
import { openStore } from '../../../src/service/store/open-store.ts';

export async function apiParts(): Promise<AsyncDisposable & { api: ApiParts }> {
  const store = await openStore(':memory:');
  const clock = { nowMs: () => 0, monoMs: () => 0 };
  const log = () => undefined;
  const api: ApiParts = {
    ...{ store, clock, log, announcements: openAnnouncements({ store, clock, log }), limits: LIMITS, machineBoot: 'boot', version: '0' },
    ...{
      file: serviceFile.parse({ environments: ['x'] }),
      catalogue: { environments: new Map(), scenarios: new Map(), probes: new Map() },
    },
    ...{
      parts: {} as ApiParts['parts'],
      uiFolder: '/nonexistent',
      metrics: { contentType: 'text/plain', text: () => Promise.resolve('') },
    },
  };
  return { api, [Symbol.asyncDispose]: () => store.destroy() };
}
