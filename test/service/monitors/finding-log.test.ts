// Every state of a finding is saved, then told, in order; over crashes at least once, and none a second time that was told.
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Finding } from '../../../src/core/finding.ts';
import { FindingLog } from '../../../src/service/monitors/finding-log.ts';
import { openStore, type Store } from '../../../src/service/store/open-store.ts';

let store: Store;
let told: [string, number, string][];
let isDeaf: boolean;
/** Whoever is told waits for it. */
let listening: Promise<unknown>;
beforeEach(async () => {
  store = await openStore(':memory:');
  told = [];
  isDeaf = false;
  listening = Promise.resolve();
});
afterEach(async () => {
  await store.destroy();
});

function openLog(): Promise<FindingLog> {
  return FindingLog.open({
    store,
    log: () => undefined,
    announce: () => undefined,
    onFinding: async ({ id, updatedMs, state }) => {
      await listening;
      if (isDeaf) throw new Error('alerts are away');
      told.push([id, updatedMs, state]);
    },
  });
}

function aFinding(fields: Partial<Finding> = {}): Finding {
  return {
    id: 'f1',
    monitor: 'web',
    environment: 'three-nodes',
    vip: 'web',
    kind: 'path-dead',
    subject: 'n2',
    state: 'open',
    isProvisional: false,
    severity: 'page',
    sentence: 'The path over n2 is dead.',
    details: [],
    vantages: ['v1'],
    brokenByCause: {},
    openedMs: 1_000,
    updatedMs: 1_000,
    resolvedMs: null,
    windows: [],
    ...fields,
  };
}

test('states are told in order, each after it was saved', async () => {
  const log = await openLog();
  log.take([aFinding(), aFinding({ updatedMs: 2_000 }), aFinding({ id: 'f2', openedMs: 1_500 })]);
  await log.settle();
  expect(told).toEqual([
    ['f1', 1_000, 'open'],
    ['f1', 2_000, 'open'],
    ['f2', 1_000, 'open'],
  ]);
  const rows = await store.selectFrom('findings').select(['id', 'updated_ms', 'told_ms']).orderBy('id').execute();
  expect(rows).toEqual([
    { id: 'f1', updated_ms: 2_000, told_ms: 2_000 },
    { id: 'f2', updated_ms: 1_000, told_ms: 1_000 },
  ]);
});

test('a segment that is read again tells nothing twice', async () => {
  const states = [aFinding(), aFinding({ updatedMs: 2_000, state: 'resolved', resolvedMs: 2_000 })];
  const log = await openLog();
  log.take(states);
  await log.settle();
  const again = await openLog();
  again.take(states);
  await again.settle();
  expect(told.length).toBe(2);
});

test('what was saved and not told before a crash is told after it', async () => {
  isDeaf = true;
  const log = await openLog();
  log.take([aFinding(), aFinding({ updatedMs: 2_000 })]);
  await log.settle();
  expect(log.problem).toMatch(/alerts are away/);
  isDeaf = false;
  const restarted = await openLog();
  await restarted.settle();
  expect(told).toEqual([['f1', 2_000, 'open']]);
});

test('alerts that come back are told what waited', async () => {
  isDeaf = true;
  const log = await openLog();
  log.take([aFinding()]);
  await log.settle();
  isDeaf = false;
  log.take([aFinding({ updatedMs: 2_000 })]);
  await log.settle();
  expect(told.map(([, updatedMs]) => updatedMs)).toEqual([1_000, 2_000]);
  expect(log.problem).toBeNull();
});

test('a monitor that is no longer watched resolves what was open, and says why', async () => {
  const log = await openLog();
  log.take([aFinding(), aFinding({ id: 'f2', monitor: 'other' }), aFinding({ id: 'f3', state: 'resolved' })]);
  await log.close('web', 'The monitor was removed.', 5_000);
  expect(told.at(-1)).toEqual(['f1', 5_000, 'resolved']);
  expect(told.length).toBe(4);
  const { json } = await store.selectFrom('findings').select('json').where('id', '=', 'f1').executeTakeFirstOrThrow();
  expect(JSON.parse(json)).toMatchObject({ state: 'resolved', resolvedMs: 5_000, details: ['The monitor was removed.'] });
});

test.each([false, true])('a monitor that ends while something is told (alerts then away: %s) leaves nothing open', async (isAway) => {
  const log = await openLog();
  const slow = Promise.withResolvers<undefined>();
  listening = slow.promise;
  log.take([aFinding({ monitor: 'other' })]);
  const telling = log.settle();
  await setImmediate();
  log.take([aFinding({ id: 'f2', updatedMs: 3_000 })]);
  const closing = log.close('web', 'The monitor was paused.', 5_000);
  await setImmediate();
  isDeaf = isAway;
  slow.resolve(undefined);
  await Promise.all([telling, closing]);
  isDeaf = false;
  await log.settle();
  expect(told.at(-1)).toEqual(['f2', 5_000, 'resolved']);
  const open = await store.selectFrom('findings').select('id').where('state', '=', 'open').where('monitor', '=', 'web').execute();
  expect(open).toEqual([]);
});

test('history forgets what was resolved long ago, and nothing that is open', async () => {
  const log = await openLog();
  log.take([aFinding(), aFinding({ id: 'f2', state: 'resolved' }), aFinding({ id: 'f3', state: 'resolved', updatedMs: 9_000 })]);
  await log.settle();
  await log.forget(5_000);
  const rows = await store.selectFrom('findings').select('id').orderBy('id').execute();
  expect(rows.map(({ id }) => id)).toEqual(['f1', 'f3']);
});
