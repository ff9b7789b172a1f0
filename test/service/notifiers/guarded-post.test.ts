import { expect, test } from 'vitest';
import { openPost, type PostLimits } from '../../../src/service/notifiers/guarded-post.ts';
import { HttpSink, type Manner } from '../../support/an-http-sink.ts';

const NOW_MS = Date.parse('2026-11-22T21:00:00Z');
const LIMITS: PostLimits = { connectMs: 300, headersMs: 300, bodyMs: 300, totalMs: 1_000 };
const MESSAGE = { headers: { 'content-type': 'application/json' }, body: '{}' };
const signal = () => AbortSignal.timeout(15_000);

async function post(manner: Manner) {
  await using sink = await HttpSink.open();
  sink.manner = () => manner;
  await using guarded = openPost(['127.0.0.0/8'], { limits: LIMITS, nowMs: () => NOW_MS });
  return { outcome: await guarded.post(sink.url, MESSAGE, signal()), sink };
}

test('any 2xx is an arrival, whatever becomes of the body', async () => {
  for (const manner of [200, 202, 204, 'endless'] as const) expect((await post(manner)).outcome).toEqual({ kind: 'delivered' });
});

test('a receiver that is silent, cuts, floods or drips costs a bounded time, and is tried again', async () => {
  for (const manner of ['hang', 'reset', 'huge', 'drip'] as const) {
    expect((await post(manner)).outcome, manner).toMatchObject({ kind: 'failed', retryAfterMs: null });
  }
});

test('what a receiver says is kept short and plain', async () => {
  const { outcome } = await post({ status: 503, headers: {}, body: `no\n\u001b[31mroom ${'x'.repeat(9_000)}` });
  if (outcome.kind !== 'failed') throw new Error(outcome.kind);
  expect(outcome.why).toMatch(/^answered 503: no \[31mroom x+$/);
  expect(outcome.why.length).toBeLessThan(400);
});

test('Retry-After is read as seconds and as a date', async () => {
  const after = async (value: string) => {
    const { outcome } = await post({ status: 429, headers: { 'retry-after': value } });
    return outcome.kind === 'failed' ? outcome.retryAfterMs : undefined;
  };
  expect(await after('120')).toBe(120_000);
  expect(await after(new Date(NOW_MS + 30_000).toUTCString())).toBe(30_000);
  expect(await after(new Date(NOW_MS - 30_000).toUTCString())).toBe(0);
  expect(await after('soon')).toBeNull();
});

test('no redirect is followed', async () => {
  await using elsewhere = await HttpSink.open();
  for (const status of [301, 302, 303, 307, 308]) {
    const { outcome } = await post({ status, headers: { location: elsewhere.url } });
    expect(outcome).toMatchObject({ kind: 'failed', why: `answered ${String(status)}` });
  }
  expect(elsewhere.connections).toBe(0);
});

test('each attempt has a connection of its own, whose address was judged', async () => {
  await using sink = await HttpSink.open();
  await using guarded = openPost(['127.0.0.0/8'], { limits: LIMITS, nowMs: () => NOW_MS });
  for (let count = 0; count < 3; count += 1) await guarded.post(sink.url, MESSAGE, signal());
  expect(sink.connections).toBe(3);
});

test('an attempt ends when it is aborted', async () => {
  await using sink = await HttpSink.open();
  sink.manner = () => 'hang';
  await using guarded = openPost(['127.0.0.0/8'], { nowMs: () => NOW_MS });
  expect(await guarded.post(sink.url, MESSAGE, AbortSignal.timeout(50))).toMatchObject({ kind: 'failed' });
});
