import { expect, test } from 'vitest';
import { openAlerts } from '../../../src/service/alerts/open-alerts.ts';
import { readPeriods } from '../../../src/service/alerts/period-rows.ts';
import { freezeAt } from '../../../src/service/alerts/periods.ts';
import { openStore } from '../../../src/service/store/open-store.ts';
import { aPeriod } from './support/a-finding.ts';
import { anAlertFile } from './support/an-alert-file.ts';

const INSIDE_MS = Date.parse('2026-11-22T21:00:00Z');

test('a freeze holds from its start to its end, in its environments; maintenance freezes nothing', () => {
  const freeze = aPeriod({ kind: 'freeze', environments: ['lab'] });
  expect(freezeAt([freeze], 'lab', Date.parse(freeze.from))).toBe(freeze);
  expect(freezeAt([freeze], 'lab', Date.parse(freeze.until))).toBeUndefined();
  expect(freezeAt([freeze], 'staging', INSIDE_MS)).toBeUndefined();
  expect(freezeAt([aPeriod()], 'lab', INSIDE_MS)).toBeUndefined();
});

test('periods of people come and go; those of the file stay until the file drops them', async () => {
  const store = await openStore(':memory:');
  const tools = { store, clock: { nowMs: Date.now, monoMs: () => performance.now() }, announce: () => undefined, log: () => undefined };
  const names = async () =>
    (await store.selectFrom('periods').select(['name', 'origin']).orderBy('name').execute()).map(({ name }) => name);
  {
    await using alerts = await openAlerts({ ...tools, file: { ...anAlertFile(), periods: [aPeriod({ name: 'filed', kind: 'freeze' })] } });
    await alerts.putPeriod(aPeriod({ name: 'mine', kind: 'freeze', environments: ['mine'] }), 'api');
    expect(await names()).toEqual(['filed', 'mine']);
    await expect(alerts.putPeriod(aPeriod({ name: 'filed' }), 'api')).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(alerts.removePeriod('filed')).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(alerts.removePeriod('nobody')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  }
  await using alerts = await openAlerts({ ...tools, file: anAlertFile() });
  expect(await names()).toEqual(['mine']);
  await alerts.removePeriod('mine');
  expect(await readPeriods(store)).toEqual([]);
});
