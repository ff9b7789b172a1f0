// What every notifier promises, run over all that exist.
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import type { Notification } from '../../../src/core/notification.ts';
import { destinationSpec, type DestinationSpec } from '../../../src/core/service-file.ts';
import { runNotification, testNotification } from '../../../src/service/alerts/notifications.ts';
import { openPost } from '../../../src/service/notifiers/guarded-post.ts';
import { NOTIFIERS, openDestination } from '../../../src/service/notifiers/index.ts';
import { HttpSink, type Received } from '../../support/an-http-sink.ts';
import { aFinding, aRule, aRunEnded } from '../../service/alerts/support/a-finding.ts';
import { SECRET } from '../../service/alerts/support/an-alert-file.ts';

const NOW_MS = Date.now();
const TOKEN = 'a-token-that-nobody-else-has';

/** A kind's own part: how it is configured, and by what its receiver knows that two requests say the same. */
const KINDS: Record<DestinationSpec['kind'], { more: Record<string, unknown>; identity: (received: Received) => unknown }> = {
  webhook: { more: { secrets: [SECRET] }, identity: ({ headers }) => headers['webhook-id'] },
  alertmanager: {
    more: { token: TOKEN },
    identity: ({ body }) => (JSON.parse(body) as { labels: unknown }[]).map(({ labels }) => labels),
  },
};

const opened: Notification = {
  ...testNotification('sink', 'x', NOW_MS),
  ...{
    id: 'a-1',
    type: 'alert.opened',
    alert: 'a',
    rule: 'everything',
    severity: 'page',
    kind: 'vip-down',
    environment: 'lab',
    vip: 'web',
  },
  ...{ sentence: 'No path of web answers.', openedMs: NOW_MS - 5_000 },
};
const { windows: _, ...finding } = aFinding({ details: ['<b>bold</b> node\u0000\u202e'] });
const EVERY: Notification[] = [
  opened,
  { ...opened, id: 'a-2', type: 'alert.changed', maintenance: 'upgrade', findings: [finding], moreFindings: 3 },
  { ...opened, id: 'a-3', type: 'alert.resolved' },
  { ...opened, id: 'b-1', alert: 'b', heldBack: 1, held: [{ ...opened, id: 'c-1', alert: 'c', vip: 'api' }] },
  runNotification(aRule(), aRunEnded(), { atMs: NOW_MS, maintenance: null }),
  testNotification('sink', 'x', NOW_MS),
];

async function send(kind: DestinationSpec['kind'], notifications: readonly Notification[], manner: HttpSink['manner'] = () => 200) {
  await using sink = await HttpSink.open();
  sink.manner = manner;
  await using guarded = openPost(['127.0.0.0/8'], { nowMs: () => NOW_MS });
  const spec = destinationSpec.parse({ name: 'sink', kind, url: `http://127.0.0.1:${String(sink.port)}/base/`, ...KINDS[kind].more });
  const destination = openDestination(spec, { post: guarded.post, nowMs: () => NOW_MS, publicUrl: 'https://holdfast.example' });
  const outcomes = [];
  for (const each of notifications) outcomes.push(await destination.send(each, AbortSignal.timeout(10_000)));
  const refreshed = await destination.refresh?.send(notifications, AbortSignal.timeout(10_000));
  return { outcomes, received: sink.received, refreshed };
}

describe.each(NOTIFIERS.map(({ kind }) => kind))('%s', (kind) => {
  test('sends every type of notification, as JSON that can be read again', async () => {
    const { outcomes, received } = await send(kind, EVERY);
    expect(outcomes).toEqual(EVERY.map(() => ({ kind: 'delivered' })));
    for (const { headers, body } of received) {
      expect(headers['content-type']).toBe('application/json');
      expect(() => JSON.parse(body) as unknown).not.toThrow();
    }
  });

  test('a refusal is worth another attempt, a farewell is not, and neither tells the secret', async () => {
    for (const [status, outcome] of [
      [400, 'failed'],
      [401, 'failed'],
      [500, 'failed'],
      [410, 'gone'],
    ] as const) {
      const { outcomes } = await send(kind, [opened], () => status);
      expect(outcomes).toMatchObject([{ kind: outcome }]);
      expect(JSON.stringify(outcomes)).not.toContain(TOKEN);
      expect(JSON.stringify(outcomes)).not.toContain(SECRET);
    }
  });

  test('the same notification sent again is known as the same, and another one as another', async () => {
    const { received } = await send(kind, [opened, opened, { ...opened, id: 'z-1', alert: 'z' }]);
    const [first, second, other] = received.map(KINDS[kind].identity);
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test('a notification full of hostile text is still one notification', async () => {
    const hostile = '"}]\r\nX-Evil: 1\r\n\r\n{{ .Labels }} \ud800 \u202e'.repeat(200);
    const worst = {
      ...opened,
      sentence: hostile,
      environment: hostile,
      rule: hostile,
      findings: [{ ...finding, sentence: hostile, details: [hostile] }],
    };
    const { outcomes, received } = await send(kind, [worst]);
    expect(outcomes).toEqual([{ kind: 'delivered' }]);
    expect(received[0]?.headers).not.toHaveProperty('x-evil');
  });
});

test('webhook: the body is the notification, word for word, and the signature is its', async () => {
  const { received } = await send('webhook', EVERY);
  expect(received.map(({ headers, body }) => new Webhook(SECRET).verify(body, headers))).toEqual(EVERY);
  expect(received[0]?.path).toBe('/base/');
});

type Posted = {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL: string;
};

test('alertmanager: alerts as its version 2 takes them, known by labels that stay, with a time to end by', async () => {
  const { received, refreshed } = await send('alertmanager', EVERY);
  expect(refreshed).toEqual({ kind: 'delivered' });
  const posts = received.map(({ body }) => JSON.parse(body) as Posted[]);
  expect(received[0]).toMatchObject({ path: '/base/api/v2/alerts', headers: { authorization: `Bearer ${TOKEN}` } });
  for (const alert of posts.flat()) {
    expect(alert.labels).toMatchObject({ source: 'holdfast', alertname: expect.stringMatching(/^Holdfast[A-Z]\w+$/) as string });
    for (const [name, value] of Object.entries(alert.labels)) {
      expect(name).toMatch(/^[a-zA-Z_]\w*$/);
      expect(value).not.toBe('');
      expect(value.length).toBeLessThanOrEqual(128);
    }
    expect(Date.parse(alert.endsAt)).toBeGreaterThanOrEqual(Date.parse(alert.startsAt));
    expect(alert.annotations.summary).not.toBe('');
    expect(alert.generatorURL).toMatch(/^https:\/\/holdfast\.example\/\?alert=/);
  }
  const [open, changed, over, summary, run] = posts.map(([first]) => first);
  expect(open?.labels).toEqual({
    alertname: 'HoldfastVipDown',
    environment: 'lab',
    vip: 'web',
    rule: 'everything',
    severity: 'page',
    alert: 'a',
    source: 'holdfast',
  });
  expect(changed?.labels).toEqual(open?.labels);
  expect(over?.labels).toEqual(open?.labels);
  expect(Date.parse(open?.endsAt ?? '')).toBeGreaterThan(NOW_MS + 120_000);
  expect(Date.parse(over?.endsAt ?? '')).toBe(NOW_MS);
  expect(changed?.annotations).toMatchObject({ maintenance: 'upgrade', description: expect.stringContaining('3 more findings') as string });
  expect(run?.labels.alertname).toBe('HoldfastRunEnded');
  // What storm control folded is posted with it: Alertmanager groups by itself.
  expect(posts[3]?.map(({ labels }) => labels.alert)).toEqual([summary?.labels.alert, 'c']);
  // The last post is the refresh: everything at once.
  expect(posts.at(-1)?.length).toBe(EVERY.length + 1);
});
