import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { streamEvents } from '../../../src/service/api/event-stream.ts';
import { LIMITS } from '../../../src/service/api/limits.ts';
import { revokeToken } from '../../../src/service/api/tokens.ts';
import { type AnApi, anApi, NOW_MS } from './an-api.ts';

/** A listener on a socket of its own, so that it can also stop reading. */
function listen(
  api: AnApi,
  lastId?: number,
  credential = `authorization: Bearer ${api.tokens.viewer}`,
): Disposable & { socket: Socket; text: () => string; isClosed: () => boolean } {
  const socket = connect(api.port, '127.0.0.1');
  const heard = { text: '', isClosed: false };
  socket.setEncoding('utf8').on('data', (part: string) => (heard.text += part));
  socket.on('error', () => undefined).once('close', () => (heard.isClosed = true));
  const resume = lastId === undefined ? '' : `last-event-id: ${String(lastId)}\r\n`;
  socket.write(`GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n${credential}\r\n${resume}\r\n`);
  return {
    socket,
    text: () => heard.text,
    isClosed: () => heard.isClosed,
    [Symbol.dispose]: () => socket.destroy(),
  };
}

const subjects = (text: string) =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => (JSON.parse(data ?? '') as { subject: string }).subject);
const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

test('who listens is told each change once and in order, and who comes back what it missed', async () => {
  await using api = await anApi();
  using first = listen(api);
  await eventually(() => {
    expect(first.text()).toContain(': welcome');
  });
  expect(first.text()).toMatch(
    /content-type: text\/event-stream.*cache-control: no-store|cache-control: no-store.*content-type: text\/event-stream/s,
  );
  for (const subject of ['a', 'b', 'c']) api.announcements.announce('finding', subject);
  await eventually(() => {
    expect(subjects(first.text())).toEqual(['a', 'b', 'c']);
  });
  const [, second] = ids(first.text());
  first.socket.destroy();
  for (const subject of ['d', 'e']) api.announcements.announce('run', subject);
  using back = listen(api, second);
  await eventually(() => {
    expect(subjects(back.text())).toEqual(['c', 'd', 'e']);
  });
  for (let more = 0; more < 450; more += 1) api.announcements.announce('run', `r${String(more)}`);
  await eventually(() => {
    expect(subjects(back.text())).toHaveLength(453);
  });
  expect(ids(back.text())).toEqual([...ids(back.text())].sort((a, b) => a - b));
});

test('who was away too long, or comes from another store, is told that anything may have changed', async () => {
  await using api = await anApi();
  for (const subject of ['a', 'b', 'c']) api.announcements.announce('finding', subject);
  await eventually(async () => {
    expect(await api.announcements.newestId()).toBe(3);
  });
  await api.store.deleteFrom('events').where('id', '<=', 2).execute();
  using old = listen(api, 1);
  await eventually(() => {
    expect(old.text()).toMatch(/"topic":"\*".*"subject":"c"/s);
  });
  using stranger = listen(api, 4_000);
  await eventually(() => {
    expect(stranger.text()).toContain('"topic":"*"');
  });
  api.announcements.announce('finding', 'd');
  await eventually(() => {
    expect(subjects(stranger.text())).toEqual(['', 'd']);
  });
});

test('a quiet stream says that it is alive', async () => {
  await using api = await anApi({ limits: { heartbeatMs: 30, silenceMs: 1_500 } });
  using listener = listen(api);
  await eventually(() => {
    expect(listener.text().split(': alive').length).toBeGreaterThan(60);
  });
  expect(listener.isClosed()).toBe(false);
});

test('a revoked token ends its stream before the next change is told', async () => {
  await using api = await anApi({ limits: { heartbeatMs: 60_000 } });
  using listener = listen(api);
  await eventually(() => {
    expect(listener.text()).toContain(': welcome');
  });
  await revokeToken(api.store, api.tokens.viewer.split('_')[1] ?? '', NOW_MS);
  api.announcements.announce('finding', 'not for you');
  await eventually(() => {
    expect(listener.text()).toMatch(/\r\n0\r\n\r\n$/);
  });
  expect(subjects(listener.text())).toEqual([]);
});

test('a session that ended ends its stream at the next heartbeat', async () => {
  await using api = await anApi({ limits: { heartbeatMs: 50 } });
  const signedIn = await api.ask('POST', '/api/v1/session', { body: { token: api.tokens.viewer } });
  const cookie = String(signedIn.headers['set-cookie']).split(';')[0] ?? '';
  using listener = listen(api, undefined, `cookie: ${cookie}`);
  await eventually(() => {
    expect(listener.text()).toContain(': alive');
  });
  api.clock.now += 13 * 3_600_000;
  await eventually(() => {
    expect(listener.text()).toMatch(/\r\n0\r\n\r\n$/);
  });
});

test('one caller cannot take all streams, and gives its own back by leaving', async () => {
  await using api = await anApi({ limits: { streamsPerCaller: 2 } });
  using one = listen(api);
  using two = listen(api);
  await eventually(() => {
    expect(one.text() && two.text()).toContain(': welcome');
  });
  const third = await api.ask('GET', '/api/v1/events', { token: api.tokens.viewer });
  expect(third).toMatchObject({ status: 429, json: { code: 'TOO_OFTEN' } });
  expect((await api.ask('GET', '/api/v1/events', { token: api.tokens.admin })).status).toBe(200);
  one.socket.destroy();
  await eventually(async () => {
    expect((await api.ask('GET', '/api/v1/events', { token: api.tokens.viewer })).status).toBe(200);
  });
});

test('who does not read is dropped, and holds up nobody', async () => {
  await using api = await anApi({ limits: { unreadMs: 1_000, streamsPerCaller: 2 } });
  using slow = listen(api);
  await eventually(() => {
    expect(slow.text()).toContain(': welcome');
  });
  slow.socket.pause();
  using quick = listen(api);
  await eventually(() => {
    expect(quick.text()).toContain(': welcome');
  });
  const long = 'x'.repeat(2_000);
  for (let count = 0; count < 8_000; count += 1) api.announcements.announce('finding', long);
  api.announcements.announce('finding', 'the last');
  await eventually(() => {
    expect(quick.text().slice(-200)).toContain('the last');
  }, 15_000);
  // Its place is free again once it was dropped.
  await eventually(async () => {
    expect((await api.ask('GET', '/api/v1/events', { token: api.tokens.viewer })).status).toBe(200);
  });
  slow.socket.resume();
  await eventually(() => {
    expect(slow.isClosed()).toBe(true);
  });
  expect(slow.text().slice(-200)).not.toContain('the last');
});

test('who is gone before the stream begins gives the seat back too', async () => {
  await using api = await anApi();
  let isOver = false;
  await using server = createServer((_, response) => {
    response.once('close', () => {
      const { announcements } = api;
      const options = {
        announcements,
        lastId: null,
        limits: LIMITS,
        mayRead: () => Promise.resolve(true),
        signal: new AbortController().signal,
      };
      void streamEvents(response, options).finally(() => {
        isOver = true;
      });
    });
    client.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await eventually(() => {
    expect(isOver).toBe(true);
  });
});
