import { expect, test } from 'vitest';
import { openAlerts } from '../../../src/service/alerts/open-alerts.ts';
import { openStore } from '../../../src/service/store/open-store.ts';
import { HttpSink } from '../../support/an-http-sink.ts';
import { eventually } from '../../support/eventually.ts';
import { aFinding, resolved } from './support/a-finding.ts';
import { anAlertFile } from './support/an-alert-file.ts';

type Posted = { labels: { vip: string }; endsAt: string };

test('an Alertmanager is told again every minute what is open, and what is over stays over', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  const clock = { ms: Date.parse('2026-11-22T21:00:00Z'), nowMs: () => clock.ms, monoMs: () => clock.ms };
  const file = anAlertFile({
    destinations: [{ name: 'am', kind: 'alertmanager', url: `http://127.0.0.1:${String(sink.port)}`, allow: ['127.0.0.1/32'] }],
    rules: [{ name: 'everything', destinations: ['am'], wait: '0s' }],
  });
  await using alerts = await openAlerts({ store, file, clock, announce: () => undefined, log: () => undefined });
  const posts = () => sink.received.map(({ body }) => JSON.parse(body) as Posted[]);
  const isFiring = ({ endsAt }: Posted) => Date.parse(endsAt) > clock.ms;
  await alerts.onFinding(aFinding({ id: 'a', vip: 'web' }));
  await alerts.onFinding(aFinding({ id: 'b', vip: 'api' }));
  await eventually(() => {
    expect(posts().map((alertsOfPost) => alertsOfPost.length)).toEqual([1, 1]);
  });
  clock.ms += 60_000;
  await eventually(() => {
    expect(
      posts()
        .at(-1)
        ?.map((alert) => [alert.labels.vip, isFiring(alert)]),
    ).toEqual([
      ['web', true],
      ['api', true],
    ]);
  });
  await alerts.onFinding(resolved(aFinding({ id: 'a', vip: 'web' })));
  await eventually(() => {
    expect(
      posts()
        .at(-1)
        ?.map((alert) => [alert.labels.vip, isFiring(alert)]),
    ).toEqual([['web', false]]);
  });
  clock.ms += 60_000;
  await eventually(() => {
    expect(
      posts()
        .at(-1)
        ?.map((alert) => [alert.labels.vip, isFiring(alert)]),
    ).toEqual([
      ['web', false],
      ['api', true],
    ]);
  });
  // Telling again is no notification of its own.
  const { total } = await store
    .selectFrom('deliveries')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  expect(total).toBe(3);
});
