// The spool's way to the service: in order, bounded, and on through refusals that another stream must not suffer from.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ServiceClient } from '../../src/agent/service-client.ts';
import { Spool } from '../../src/agent/spool.ts';
import type { SpoolStream } from '../../src/agent/spool-stream.ts';
import { Uploader } from '../../src/agent/uploader.ts';
import { eventually } from '../support/eventually.ts';
import { ServiceDouble, TOKEN } from './a-service.ts';

async function aBench() {
  const opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-upload-'));
  opened.defer(() => {
    rmSync(folder, { recursive: true });
  });
  const service = opened.use(await ServiceDouble.start());
  const log: string[] = [];
  let streams = 0;
  const spool = new Spool({ folder, maxBytes: 1e9, newStream: () => `st${String((streams += 1))}`, log: (line) => log.push(line) });
  const client = opened.use(new ServiceClient({ service: service.url, token: TOKEN, ca: null }));
  const uploader = new Uploader({ spool, client, clock: () => ({ offsetMs: 0, errMs: 0.5 }), log: (line) => log.push(line) });
  const stop = new AbortController();
  const running = uploader.run(stop.signal);
  opened.defer(async () => {
    stop.abort();
    await running;
  });
  return { service, spool, log, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function append(stream: SpoolStream, count: number, pad = ''): Promise<void> {
  for (let seq = 0; seq < count; seq++) {
    stream.append({ t: seq, from: 'prober:v1', seq, type: 'flow.closed', flow: `v1/a/${String(seq)}${pad}` });
  }
  await turn();
  await turn();
}

it('sends tens of thousands of events in few large chunks, in order', async () => {
  await using bench = await aBench();
  await append(bench.spool.begin({ monitor: 'web', session: 's1' }), 50_000, 'x'.repeat(100));
  await eventually(() => {
    expect(bench.service.events.length).toBe(50_000);
  });
  expect(bench.service.chunks.length).toBeLessThan(6);
  expect(bench.service.chunks.every(({ count, errMs }) => count <= 20_000 && errMs === 0.5)).toBe(true);
  expect(bench.service.events.every(({ seq }, index) => seq === index)).toBe(true);
  await eventually(() => {
    expect(bench.spool.pending()).toEqual([]);
  });
});

it('goes back to where the service says it is, and ahead', async () => {
  await using bench = await aBench();
  const { service, spool } = bench;
  service.swallows = true;
  await append(spool.begin({ monitor: 'web', session: 's1' }), 10);
  await eventually(() => {
    expect(service.chunks.length).toBe(2);
  });
  // It took them and said nothing; then it loses the last of them, as a store that was put back does.
  const [taken] = service.streams.values();
  taken?.events.splice(4);
  service.swallows = false;
  await eventually(() => {
    expect(spool.pending()).toEqual([]);
  });
  expect(taken?.events.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('makes smaller chunks for a service that takes no large ones', async () => {
  await using bench = await aBench();
  bench.service.mostEvents = 300;
  await append(bench.spool.begin({ monitor: 'web', session: 's1' }), 2_000, 'x'.repeat(500));
  await eventually(() => {
    expect(bench.service.events.length).toBe(2_000);
  });
});

it('drops what nobody wants, gives up what the service refuses, and sends all else', async () => {
  await using bench = await aBench();
  const { service, spool, log } = bench;
  service.obsolete.add('old');
  service.refused.add('wrong');
  const [old, wrong, fine] = ['old', 'wrong', 'fine'].map((session) => spool.begin({ monitor: session, session }));
  for (const stream of [old, wrong, fine]) if (stream) await append(stream, 5);
  await eventually(() => {
    expect(service.events.length).toBe(5);
    expect([old?.state, wrong?.state, fine?.state]).toEqual(['obsolete', 'cut', 'whole']);
  });
  expect(spool.droppedEvents).toBe(5);
  expect(log).toContainEqual(expect.stringContaining('the service refused a chunk'));
});

it('sends the lives of one prober one after the other, and holds up no other monitor', async () => {
  await using bench = await aBench();
  const { service, spool } = bench;
  service.failing = 503;
  const [old, young] = ['web', 'web'].map((monitor) => spool.begin({ monitor, session: 's1' }));
  const other = spool.begin({ monitor: 'other', session: 's2' });
  if (old) await append(old, 50_000);
  for (const stream of [young, other]) if (stream) await append(stream, 10);
  service.failing = null;
  await eventually(() => {
    expect(service.events.length).toBe(50_020);
  });
  const order = service.chunks.map(({ stream }) => stream);
  expect(order.indexOf('st2')).toBeGreaterThan(order.lastIndexOf('st1'));
  expect(order.indexOf('st3')).toBeLessThan(order.lastIndexOf('st1'));
});
