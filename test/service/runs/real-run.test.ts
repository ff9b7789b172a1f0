import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { selfArgv } from '../../../src/cli/self.ts';
import type { Catalogue } from '../../../src/service/parts.ts';
import { openRuns } from '../../../src/service/runs/open-runs.ts';
import { openStore } from '../../../src/service/store/open-store.ts';
import { KEY_TEXT, ResponderProcess } from '../../support/a-responder.ts';
import { SteppedClock } from '../../support/a-redis.ts';
import { eventually } from '../../support/eventually.ts';
import { aWish } from '../../support/some-service-runs.ts';

test('the real program runs for the service, and its report is what the service tells', async () => {
  await using responder = await ResponderProcess.start();
  await using place = anOwnEnvironment(responder.port);
  const { folder, catalogue } = place;
  const store = await openStore(':memory:');
  const ended: string[] = [];
  {
    await using service = await openRuns({
      ...{ store, catalogue, folder: join(folder, 'runs'), clock: new SteppedClock(), program: selfArgv(), labPrefix: 'hfnone' },
      queues: { setTicks: () => undefined, onTick: () => undefined },
      announce: () => undefined,
      onRunEnded: ({ verdict }) => {
        ended.push(verdict);
        return Promise.resolve();
      },
      retention: { history: 1e12 },
      periods: () => [],
      log: () => undefined,
      lookMs: 100,
    });
    expect(await service.runs.plan('watch', 'mine', 5)).toMatch(/^Only a look .* in My loopback .*, seed 5/);
    await service.runs.request(aWish({ scenario: 'watch', environment: 'mine' }));
    const run = await eventually(async () => {
      const row = await store.selectFrom('runs').selectAll().executeTakeFirstOrThrow();
      expect(row.state).toBe('ended');
      return row;
    }, 60_000);
    expect(run).toMatchObject({ verdict: 'held', summary: expect.stringContaining('none of 8 TCP flows broke') as string });
    expect(JSON.parse(run.figures ?? '[]')).toContainEqual({ name: 'background breaks of tcp flows', count: 0, n: 8 });
    expect(existsSync(join(run.folder ?? '', 'report.html'))).toBe(true);
    await eventually(() => {
      expect(ended).toEqual(['held']);
    });

    await service.runs.request(aWish({ id: 'long', scenario: 'long', environment: 'mine', dueMs: 2 }));
    await eventually(() => {
      expect(readFileSync(join(folder, 'runs', 'long', 'journal.ndjson'), 'utf8')).toContain('phase.started');
    }, 60_000);
    await service.runs.cancel('long', 'ops');
    await eventually(async () => {
      const row = await store.selectFrom('runs').selectAll().where('id', '=', 'long').executeTakeFirstOrThrow();
      expect(row).toMatchObject({ state: 'cancelled', verdict: 'errored', summary: expect.stringContaining('nterrupted') as string });
    }, 60_000);

    // Nobody answers now: the real program says so, and the service hands it on.
    await responder.kill();
    await service.runs.request(aWish({ id: 'r2', scenario: 'watch', environment: 'mine', dueMs: 2 }));
    await eventually(async () => {
      const { state, summary } = await store.selectFrom('runs').selectAll().where('id', '=', 'r2').executeTakeFirstOrThrow();
      expect(['refused', 'ended']).toContain(state);
      expect(summary).toMatch(/./);
    }, 60_000);
  }
  await store.destroy();
}, 180_000);

function anOwnEnvironment(port: number): { folder: string; catalogue: Catalogue } & AsyncDisposable {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-real-'));
  const write = (path: string, content: object | string) => {
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
    return join(folder, path);
  };
  for (const name of ['scenarios', 'probes']) mkdirSync(join(folder, name));
  write('key', KEY_TEXT);
  const probe = write('probes/quick.yaml', { title: 'Quick', protocol: 'tcp', interval: '200ms', timeout: '200ms', stallAfter: '600ms' });
  const scenario = (name: string, baseline: string) =>
    write(`scenarios/${name}.yaml`, {
      title: 'Only a look',
      flows: [{ probe: 'quick', vip: 'web', count: 8 }],
      baseline,
      minFlows: 1,
      expect: [{ check: 'broken', max: '0%', during: 'baseline' }],
    });
  const environment = write('mine.yaml', {
    title: 'My loopback',
    vips: [{ name: 'web', address: '127.0.0.1', port, policy: 'local' }],
    key: `\${file:${join(folder, 'key')}}`,
  });
  const catalogue = {
    scenarios: new Map([
      ['watch', { scenario: { name: 'watch', timeline: [] }, file: scenario('watch', '1s') }],
      ['long', { scenario: { name: 'long', timeline: [] }, file: scenario('long', '60s') }],
    ]),
    environments: new Map([['mine', { environment: { name: 'mine' }, file: environment }]]),
    probes: new Map([['quick', { probe: {}, file: probe }]]),
  };
  return {
    folder,
    catalogue: catalogue as unknown as Catalogue,
    [Symbol.asyncDispose]: () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}
