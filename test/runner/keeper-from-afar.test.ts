// A keeper whose journal the runner cannot read: what became of a fault is asked of it, and unknown is told as unknown.
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JournalEvent } from '../../src/core/journal.ts';
import { monoMs } from '../../src/io/clock.ts';
import { closeServer } from '../../src/io/listening.ts';
import { serveKeeper } from '../../src/keeper/server.ts';
import type { Keeper } from '../../src/keeper/keeper.ts';
import { connectKeeper, type KeeperClient } from '../../src/runner/keeper-client.ts';
import { eventually } from '../support/eventually.ts';
import { aFault, KeeperBench } from '../support/keeper-bench.ts';

/** Where the keeper says its journal is; nothing lies there on this machine. */
const ELSEWHERE = '/nonexistent/of-another-machine';

async function injected(
  bench: KeeperBench,
  keeper: Keeper,
): Promise<{ path: string; client: KeeperClient; door: AsyncDisposable; events: JournalEvent[] }> {
  const path = join(bench.folder, 'keeper.sock');
  const door = await serveKeeper(keeper, path, ELSEWHERE);
  const client = await connectKeeper(path, { timeoutMs: 1_000, signal: AbortSignal.timeout(5_000) });
  const events: JournalEvent[] = [];
  client.onEvent((event) => events.push(event));
  const { epoch } = await client.acquire('run-a', monoMs());
  await client.inject(epoch, aFault());
  await eventually(() => {
    expect(events.map(({ type }) => type)).toEqual(['fault.intent', 'fault.in-force']);
  });
  await door[Symbol.asyncDispose]();
  await client.closed;
  return { path, client, door, events };
}

test('a keeper that is reached again tells how its fault ended, though the lease is over and others may hold it', async () => {
  await using bench = new KeeperBench({ leaseMs: 500 });
  const keeper = bench.keeper();
  const { path, client, events } = await injected(bench, keeper);
  const words = client.lastWords('run-a', 10_000);
  await using _again = await serveKeeper(keeper, path, ELSEWHERE);
  const told = await words;
  expect(told.map(({ type }) => type)).toEqual(['fault.intent', 'fault.in-force', 'fault.reverting', 'fault.verified']);
  // The same events as those that were pushed, so that nobody writes them twice.
  expect(told.slice(0, 2).map(({ from, seq, t }) => ({ from, seq, t }))).toEqual(events.map(({ from, seq, t }) => ({ from, seq, t })));
  // Its machine booted another time than ours: another clock, and how far off it may be is told with every event.
  expect([...events, ...told].every(({ clockErrMs = 0 }) => clockErrMs > 0 && clockErrMs < 1_000)).toBe(true);
});

test('of a keeper that is never reached again nobody knows, and the run says so', async () => {
  await using bench = new KeeperBench({ leaseMs: 500 });
  const { client } = await injected(bench, bench.keeper());
  const told = await client.lastWords('run-a', 100);
  expect(told).toEqual([
    expect.objectContaining({ type: 'fault.unverified', from: 'runner', fault: 'f1', kind: 'bgp-session-down', target: 'n2' }),
  ]);
  expect(told[0]).toHaveProperty('reason', expect.stringMatching(/could not be asked again.*holdfast keeper status/));
});

/** A way to the keeper that breaks when a fault is asked for: the keeper may have heard of it or not. */
async function breakingAtInject(to: string, path: string): Promise<AsyncDisposable> {
  const server = createServer((near) => {
    const far = connect(to);
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    far.pipe(near);
    near.on('data', (part: Buffer) => {
      if (part.includes('"op":"inject"')) end();
      else far.write(part);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { [Symbol.asyncDispose]: () => closeServer(server) };
}

test('of a fault that was asked for when the link broke nobody knows either, unless the keeper says that it has none', async () => {
  await using bench = new KeeperBench({ leaseMs: 500 });
  const path = join(bench.folder, 'keeper.sock');
  const way = join(bench.folder, 'way.sock');
  await using _door = await serveKeeper(bench.keeper(), path, ELSEWHERE);
  const breaking = await breakingAtInject(path, way);
  using client = await connectKeeper(way, { timeoutMs: 1_000, signal: AbortSignal.timeout(5_000) });
  const { epoch } = await client.acquire('run-a', monoMs());
  await expect(client.inject(epoch, aFault({ fault: 'f1' }))).rejects.toThrow();
  await client.closed;
  await breaking[Symbol.asyncDispose]();
  expect(await client.lastWords('run-a', 100)).toEqual([
    expect.objectContaining({ type: 'fault.unverified', from: 'runner', fault: 'f1', kind: 'bgp-session-down', target: 'n2', epoch }),
  ]);
  await using _again = await breakingAtInject(path, way);
  expect(await client.lastWords('run-a', 100)).toEqual([]);
});
