import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { type Notification, notification as notificationSchema } from '../../../src/core/notification.ts';
import type { ServiceFile } from '../../../src/core/service-file.ts';
import { openAlerts } from '../../../src/service/alerts/open-alerts.ts';
import { openStore, type Store } from '../../../src/service/store/open-store.ts';
import { HttpSink } from '../../support/an-http-sink.ts';
import { eventually } from '../../support/eventually.ts';
import { aFinding, aRunEnded, resolved } from './support/a-finding.ts';
import { anAlertFile, OLD_SECRET, SECRET, toWebhook } from './support/an-alert-file.ts';

const FAST = { firstMs: 20, longestMs: 200, giveUpAfterMs: 24 * 3_600_000 };

/** Time that only the test moves. */
class HandClock {
  ms = Date.parse('2026-11-22T21:00:00Z');
  wallStepMs = 0;
  nowMs = () => this.ms + this.wallStepMs;
  monoMs = () => this.ms;
}

const realClock = { nowMs: () => Date.now(), monoMs: () => performance.now() };

function open(store: Store, file: ServiceFile, more: Partial<Parameters<typeof openAlerts>[0]> = {}) {
  return openAlerts({ store, file, clock: realClock, announce: () => undefined, log: () => undefined, backoff: FAST, ...more });
}

function bodies(sink: HttpSink): Notification[] {
  return sink.taken().map((body) => notificationSchema.parse(body));
}

const states = async (store: Store) => {
  const rows = await store.selectFrom('deliveries').select('state').execute();
  return Object.fromEntries([...Map.groupBy(rows, ({ state }) => state)].map(([state, { length }]) => [state, length]));
};

test('a finding reaches a webhook, signed with both secrets, and so does its end', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  await using alerts = await open(store, toWebhook(sink.url, { destination: { secrets: [SECRET, OLD_SECRET] } }));
  await alerts.onFinding(aFinding());
  await eventually(() => {
    expect(bodies(sink).map(({ type }) => type)).toEqual(['alert.opened']);
  });
  await alerts.onFinding(resolved(aFinding()));
  await eventually(() => {
    expect(bodies(sink).map(({ type }) => type)).toEqual(['alert.opened', 'alert.resolved']);
  });
  for (const { headers, body } of sink.received) {
    for (const secret of [SECRET, OLD_SECRET]) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook('whsec_bm90aGluZ25vdGhpbmdub3RoaW5n').verify(body, headers)).toThrow();
    expect(headers['webhook-id']).toBe((JSON.parse(body) as Notification).id);
  }
  await eventually(async () => {
    expect(await states(store)).toEqual({ delivered: 2 });
  });
});

test('a verdict is told once, however often the run’s end is', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  await using alerts = await open(store, toWebhook(sink.url));
  for (let count = 0; count < 3; count += 1) await alerts.onRunEnded(aRunEnded());
  await alerts.onRunEnded(aRunEnded({ runId: 'r2', verdict: 'held' })); // not asked for
  await alerts.onRunEnded(aRunEnded({ runId: 'r3', verdict: 'errored' }));
  await eventually(() => {
    expect(bodies(sink).map(({ run }) => run?.runId)).toEqual(['r1', 'r3']);
  });
  expect(await states(store)).not.toHaveProperty('held');
});

test('500 VIPs down and up again: at most five notifications in any minute, and none lost', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  const clock = new HandClock();
  await using alerts = await open(store, toWebhook(sink.url, { rule: { wait: '1s' } }), { clock });
  const findings = Array.from({ length: 500 }, (_, index) => aFinding({ id: `f${String(index)}`, vip: `vip${String(index)}` }));
  const at = new Map<string, number>();
  sink.manner = ({ body }) => {
    at.set((JSON.parse(body) as Notification).id, clock.ms);
    return 204;
  };
  const settle = async (forMs: number) => {
    for (let passed = 0; passed < forMs; passed += 2_000) {
      clock.ms += 2_000;
      await alerts.onFinding(aFinding({ id: 'f0', vip: 'vip0' })); // nothing new; a step has been made
      await eventually(async () => {
        expect(await states(store)).not.toHaveProperty('pending');
      });
    }
  };
  await Promise.all(findings.map((finding) => alerts.onFinding(finding)));
  await settle(10_000);
  expect(bodies(sink).map(({ heldBack }) => heldBack)).toEqual([0, 0, 0, 0, 495]);
  expect(bodies(sink).at(-1)?.held.length).toBe(495);
  await Promise.all(findings.map((finding) => alerts.onFinding(resolved(finding))));
  await settle(80_000);
  const times = [...at.values()];
  for (const from of times) expect(times.filter((ms) => ms >= from && ms < from + 60_000).length).toBeLessThanOrEqual(5);
  const told = bodies(sink).flatMap((each) => [each, ...each.held]);
  expect(new Set(told.map(({ alert }) => alert)).size).toBe(500);
  const lastWord = new Map(told.map(({ alert, type }) => [alert, type]));
  expect([...lastWord.values()].every((type) => type === 'alert.resolved')).toBe(true);
  const { total } = await store
    .selectFrom('deliveries')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  expect(total).toBe(1_000); // every one is there to be read
}, 60_000);

test('a destination that is dead holds up no other, and what is for it is kept', async () => {
  await using sink = await HttpSink.open();
  await using dead = await HttpSink.open();
  dead.manner = () => 'hang';
  const store = await openStore(':memory:');
  const file = anAlertFile({
    destinations: [
      { name: 'dead', kind: 'webhook', url: dead.url, secrets: [SECRET], allow: ['127.0.0.1/32'] },
      { name: 'sink', kind: 'webhook', url: sink.url, secrets: [SECRET], allow: ['127.0.0.1/32'] },
    ],
    rules: [{ name: 'everything', destinations: ['dead', 'sink'], wait: '0s', group: 'finding' }],
  });
  {
    await using alerts = await open(store, file);
    for (let index = 0; index < 4; index += 1) await alerts.onFinding(aFinding({ id: `f${String(index)}` }));
    await eventually(() => {
      expect(bodies(sink).length).toBe(4);
    });
  }
  await eventually(async () => {
    expect(await states(store)).toEqual({ delivered: 4, pending: 4 });
  });
  dead.manner = () => 204;
  await using _again = await open(store, file);
  await eventually(() => {
    expect(bodies(dead).length).toBe(4);
  });
  // The same notification has the same id, also in another life of the service.
  const ids = new Set(dead.received.map(({ headers }) => headers['webhook-id']));
  expect(ids.size).toBe(4);
});

test('resolved never overtakes opened', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  let refusals = 3;
  sink.manner = () => (refusals-- > 0 ? 503 : 204);
  await using alerts = await open(store, toWebhook(sink.url));
  await alerts.onFinding(aFinding());
  await alerts.onFinding(resolved(aFinding()));
  await eventually(() => {
    expect(bodies(sink).map(({ type }) => type)).toEqual(['alert.opened', 'alert.resolved']);
  });
});

test('what is given up is dead, says why, and can be sent again', async () => {
  await using sink = await HttpSink.open();
  sink.manner = () => ({ status: 500, headers: {}, body: 'out of\u0000 order <b>' });
  const store = await openStore(':memory:');
  await using alerts = await open(store, toWebhook(sink.url), { backoff: { firstMs: 5, longestMs: 10, giveUpAfterMs: 30 } });
  await alerts.onFinding(aFinding());
  const row = await eventually(async () => {
    const found = await store.selectFrom('deliveries').selectAll().executeTakeFirstOrThrow();
    expect(found.state).toBe('dead');
    return found;
  });
  expect(row.last_error).toBe('answered 500: out of order <b>');
  sink.manner = () => 204;
  await alerts.resend(row.id);
  await eventually(() => {
    expect(bodies(sink).map(({ id }) => id)).toEqual([row.notification_id]);
  });
  await eventually(async () => {
    expect(await states(store)).toEqual({ delivered: 1 });
  });
  await expect(alerts.resend('nothing')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
});

test('a receiver that is gone (410) gets no second attempt', async () => {
  await using sink = await HttpSink.open();
  sink.manner = () => 410;
  const store = await openStore(':memory:');
  await using alerts = await open(store, toWebhook(sink.url));
  await alerts.onFinding(aFinding());
  await eventually(async () => {
    expect(await states(store)).toEqual({ dead: 1 });
  });
  expect(sink.received.length).toBe(1);
});

test('a sample goes out at once, storm or not', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  await using alerts = await open(store, toWebhook(sink.url, { rule: { group: 'finding' } }));
  for (let index = 0; index < 9; index += 1) await alerts.onFinding(aFinding({ id: `f${String(index)}` }));
  const id = await alerts.test('sink');
  await eventually(async () => {
    const row = await store.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    expect(row.state).toBe('delivered');
  });
  expect(bodies(sink).some(({ type }) => type === 'test')).toBe(true);
  await expect(alerts.test('nobody')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
});

test('a wall clock that steps neither delays nor repeats anything', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  const clock = new HandClock();
  await using alerts = await open(store, toWebhook(sink.url, { rule: { wait: '5s' } }), { clock });
  await alerts.onFinding(aFinding());
  clock.wallStepMs = 86_400_000;
  await alerts.onFinding(aFinding());
  expect(await states(store)).toEqual({});
  clock.wallStepMs = -86_400_000;
  clock.ms += 5_000;
  await eventually(() => {
    expect(bodies(sink).map(({ type }) => type)).toEqual(['alert.opened']);
  });
});

test('an alert goes on in the next life of the service', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  const file = toWebhook(sink.url);
  {
    await using alerts = await open(store, file);
    await alerts.onFinding(aFinding());
    await eventually(() => {
      expect(bodies(sink).length).toBe(1);
    });
  }
  await using alerts = await open(store, file);
  await alerts.onFinding(aFinding()); // told again by the monitor: nothing new
  await alerts.onFinding(resolved(aFinding()));
  await eventually(() => {
    expect(bodies(sink).map(({ type }) => type)).toEqual(['alert.opened', 'alert.resolved']);
  });
  expect(new Set(bodies(sink).map(({ alert }) => alert)).size).toBe(1);
});

test('what is for a destination that the file no longer has is dead, not lost', async () => {
  await using sink = await HttpSink.open();
  sink.manner = () => 503;
  const store = await openStore(':memory:');
  {
    await using alerts = await open(store, toWebhook(sink.url));
    await alerts.onFinding(aFinding());
  }
  await using _alerts = await open(store, anAlertFile());
  const { state, last_error: why } = await store.selectFrom('deliveries').selectAll().executeTakeFirstOrThrow();
  expect([state, why]).toEqual(['dead', "the destination sink is no longer in the service's file"]);
});

test('an alert whose rule is gone is over, and nobody is told', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  {
    await using alerts = await open(store, toWebhook(sink.url));
    await alerts.onFinding(aFinding());
    await eventually(async () => {
      expect(await states(store)).toEqual({ delivered: 1 });
    });
  }
  await using alerts = await open(store, toWebhook(sink.url, { rule: { name: 'other' } }));
  await alerts.onRunEnded(aRunEnded());
  await eventually(() => {
    expect(bodies(sink).map(({ type }) => type)).toEqual(['alert.opened', 'run.ended']);
  });
  expect(await store.selectFrom('alerts').select('state').execute()).toEqual([{ state: 'resolved' }]);
});

test('an alert of a service that has ended is refused, not lost in silence', async () => {
  const store = await openStore(':memory:');
  const alerts = await open(store, anAlertFile());
  await alerts[Symbol.asyncDispose]();
  await expect(alerts.onFinding(aFinding())).rejects.toThrow('ends');
});

test('a rule for nobody, and a secret that is none, are refused at the start', async () => {
  const store = await openStore(':memory:');
  await expect(open(store, anAlertFile({ rules: [{ name: 'r', destinations: ['nobody'] }] }))).rejects.toMatchObject({
    code: 'UNKNOWN_NAME',
  });
  const file = toWebhook('http://127.0.0.1:1/', { destination: { secrets: ['not base64, not at all!'] } });
  await expect(open(store, file)).rejects.toMatchObject({ code: 'BAD_INPUT' });
});

test('a store that takes nothing is told of once, not for each delivery each second, and once more when it is over', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  const log: string[] = [];
  await using alerts = await open(store, toWebhook(sink.url), { log: (line) => void log.push(line) });
  await sql`CREATE TRIGGER full BEFORE UPDATE OF attempts ON deliveries BEGIN SELECT RAISE(ABORT, 'disk full'); END`.execute(store);
  for (const id of ['f1', 'f2', 'f3']) await alerts.onFinding(aFinding({ id }));
  await eventually(() => {
    expect(log.filter((line) => line.includes('could not be written down'))).toHaveLength(1);
  });
  await sql`DROP TRIGGER full`.execute(store);
  await eventually(() => {
    expect(log.filter((line) => line.includes('is written down again'))).toHaveLength(1);
  });
  expect(log.filter((line) => line.includes('could not be written down'))).toHaveLength(1);
});

test('nothing is taken that could not be written down', async () => {
  await using sink = await HttpSink.open();
  const store = await openStore(':memory:');
  await using alerts = await open(store, toWebhook(sink.url));
  await store.schema.alterTable('deliveries').renameTo('away').execute();
  await expect(alerts.onFinding(aFinding())).rejects.toThrow();
  await store.schema.alterTable('away').renameTo('deliveries').execute();
  expect(await store.selectFrom('alerts').selectAll().execute()).toEqual([]);
  await alerts.onFinding(aFinding());
  await eventually(() => {
    expect(bodies(sink).length).toBe(1);
  });
});
